"""Synthetic medical certificates (CDA R2) as Kanta passes them on: texts with holes, artificial
persons, invented diagnoses' texts.
"""

from __future__ import annotations

import datetime
import functools
import random

from exchange.schemas.call import XML
from exchange.schemas.certificates.forms import BY_NUMBER, FIELDS, FORMS, Field, Form
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.identifiers import OID_IDENTITY_CODE, OID_PROFESSIONAL
from exchange.schemas.persons import person

#: Of a hundred documents so many replace an earlier one (*modelled*).
REPLACED_PERCENT = 3
#: The organisation part of the documents' ids: an invented one below Finland's health care.
_OIDS = "1.2.246.537.10.90000000"
_FORMS = tuple(BY_NUMBER.values())
_SHARES = tuple(form.share for form in _FORMS)
#: ICD-10 codes (THL's code system 1.2.246.537.6.1) of everyday ailments.
_DIAGNOSES = (
    ("M54.5", "Lanneselän kipu"),
    ("J06.9", "Ylähengitystieinfektio"),
    ("F32.1", "Masennustila"),
    ("S82.6", "Nilkkamurtuma"),
)
_STATUSES = (
    "Vointi kohenee vähitellen.",
    "Oireet jatkuvat hoidosta huolimatta.",
    "Seuranta sovittu.",
)
_HOUSES = ("Esimerkkilän terveysasema", "Mallilan sairaala", "Demokylän työterveys")
_DAY = datetime.timedelta(days=1)

_DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<realmCode code="FI"/><typeId extension="POCD_HD000040" '
    'root="2.16.840.1.113883.1.3"/><templateId root="{forms}.{form}.20240101"/>'
    '<id root="{id}"/><code code="{form}" codeSystem="{forms}" codeSystemName="Lomakkeet" '
    'displayName="{name}"/><title>{title}</title>'
    '<effectiveTime value="{now}"/><confidentialityCode code="5" '
    'codeSystem="1.2.246.777.5.99902.2006"/><languageCode code="fi"/>'
    '<setId root="{set}"/><versionNumber value="{version}"/><recordTarget><patientRole><id '
    'extension="{code}" root="{person}"/>'
    "<patient><name><given>{given}</given><family>{family}</family></name>"
    '<administrativeGenderCode code="{gender}" '
    'codeSystem="1.2.246.537.5.1.1997"/><birthTime '
    'value="{born}"/></patient></patientRole></recordTarget><author><time value="{now}"/>'
    '<assignedAuthor><id extension="{professional}" '
    'root="{professionals}"/><assignedPerson><name><given>{doctor}</given>'
    "<family>{doctors}</family></name></assignedPerson></assignedAuthor></author><custodian>"
    "<assignedCustodian>"
    '<representedCustodianOrganization><id root="{oids}.19.0"/><name>{house}</name>'
    "</representedCustodianOrganization>"
    '</assignedCustodian></custodian>{related}<localHeader xmlns="urn:hl7finland"><fileFormat '
    'code="1" codeSystem="1.2.246.537.5.40179.2008" '
    'displayName="CDA R2"/><softwareSupport moderator="Exchange simulator" product="Stub" '
    'version="1"/>'
    '<documentType code="2" codeSystem="1.2.246.537.5.5001.2011" '
    'displayName="Lomake"/></localHeader><component>'
    '<structuredBody><component><section><templateId root="{forms}.{form}.20240101"/><code '
    'code="{form}" codeSystem="{forms}" '
    'displayName="{name}"/><title>{title}</title>{fields}</section></component></structuredBody>'
    "</component></ClinicalDocument>"
)


def _digits(day: datetime.date) -> str:
    """A day as yyyymmdd; `strftime` takes four times as long."""
    return day.isoformat().replace("-", "")


@functools.cache
def _template(form: Form) -> str:
    """The document of a form: what every one of them has is filled in once."""
    text = _DOCUMENT
    said = {"forms": FORMS, "form": form.number, "name": form.name, "title": form.title}
    same = {"person": OID_IDENTITY_CODE, "professionals": OID_PROFESSIONAL, "oids": _OIDS}
    for hole, filling in (said | same).items():
        text = text.replace(f"{{{hole}}}", filling)
    return text


def _field(field: Field, rng: random.Random, start: datetime.date, end: datetime.date) -> str:
    """A field with what it says as text and, but for free text, as a value."""
    text, value = _STATUSES[int(rng.random() * len(_STATUSES))], ""
    if field.kind == "CV":
        code, text = _DIAGNOSES[int(rng.random() * len(_DIAGNOSES))]
        value = (
            f'<value xsi:type="CV" code="{code}" codeSystem="1.2.246.537.6.1" '
            f'displayName="{text}"/>'
        )
    elif field.kind == "TS":
        day = end if field.number == "21" else start
        text, value = (
            f"{day.day}.{day.month}.{day.year}",
            f'<value xsi:type="TS" value="{_digits(day)}"/>',
        )
    elif field.kind == "BL":
        text, value = "Ei", '<value xsi:type="BL" value="false"/>'
    code = f'<code code="{field.number}" codeSystem="{FIELDS}"'
    entry = (
        f'<entry><observation classCode="OBS" moodCode="EVN">{code}/>{value}</observation></entry>'
        if value
        else ""
    )
    return (
        f'<component><section>{code} displayName="{field.title}"/><text>{text}</text>'
        f"{entry}</section></component>"
    )


def document(
    rng: random.Random, date: datetime.date, serial: int, form: Form | None = None
) -> Generated:
    """A certificate on one of the forms (default: by their shares), now and then one that replaces
    another.
    """
    form = form or rng.choices(_FORMS, _SHARES)[0]
    chance = rng.random
    who = person(
        rng, date, datetime.date(date.year - 70, 1, 1), datetime.date(date.year - 16, 12, 31)
    )
    doctor = person(
        rng, date, datetime.date(date.year - 65, 1, 1), datetime.date(date.year - 26, 12, 31)
    )
    document_id = f"{_OIDS}.11.{date.year}.{date.toordinal()}{rng.getrandbits(40)}.{serial}"
    related, version, set_id = "", 1, document_id
    if chance() * 100 < REPLACED_PERCENT:
        # (The set is this document's own, so that a copy with another id is of another set.)
        version, set_id = 2, f"{document_id}.1"
        rng.getrandbits(48)
        parent = f'<id root="{set_id}"/><setId root="{set_id}"/><versionNumber value="1"/>'
        related = (
            f'<relatedDocument typeCode="RPLC"><parentDocument>{parent}</parentDocument>'
            "</relatedDocument>"
        )
    start = date - int(chance() * 10) * _DAY
    end = start + int(1 + chance() * 40) * _DAY
    body = _template(form).format(
        id=document_id,
        set=set_id,
        version=version,
        related=related,
        now=f"{_digits(date)}{int(chance() * 24):02d}{int(chance() * 60):02d}00",
        code=who.personal_identity_code,
        given=who.first_name,
        family=who.last_name,
        gender="1" if who.sex == "male" else "2",
        born=_digits(who.birth_date),
        professional=f"9{int(chance() * 10**10):010d}",
        doctor=doctor.first_name,
        doctors=doctor.last_name,
        house=_HOUSES[int(chance() * 3)],
        fields="".join(_field(field, rng, start, end) for field in form.fields),
    )
    return Generated(body.encode(), XML, document_id)


GENERATORS: dict[str, Generator] = {"certificates.document": document}
