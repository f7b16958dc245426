"""Rules on medical certificates: the patient, versions, the form and its fields; their shape is the
XSD's.

That a replacement keeps its set, has a higher version and names what it replaces is published
(kanta.fi, HL7 CDA R2); what the forms hold is *modelled*.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from exchange.adapters.luova.families.certificates.document import NAMESPACE
from exchange.adapters.luova.families.certificates.document import at as _at
from exchange.adapters.luova.families.certificates.identity import (
    keys,
    known_before,
    name_of,
    remembered,
    version_of,
)
from exchange.adapters.luova.rules.fields import Keys, Remembering, Rule
from exchange.ports.message import Context, Parsed
from exchange.schemas.certificates.forms import BY_NUMBER, FORMS, Form
from exchange.schemas.identifiers import OID_IDENTITY_CODE, parse_personal_identity_code
from exchange.schemas.violation import Finding

Element = Any
LOCAL = "{urn:hl7finland}"
#: The document type of a form (code system 1.2.246.537.5.5001).
DOCUMENT_TYPE = "2"
#: How far ahead of the exchange's clock a document's time may lie, in hours; its time has no offset
#: as a rule.
FUTURE_HOURS_MAX = 24
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def document(parsed: Parsed, context: Context) -> list[Finding]:
    """Every finding on the header, the version and the form."""
    root = parsed.document
    findings = _patient(root) + _time(root, context) + _version(root) + _form(root)
    return findings + known_before(parsed, context)


def _patient(root: Element) -> list[Finding]:
    """The patient is known by a personal identity code (never repeated), and born on the day that
    it tells.
    """
    role = _at(root, "recordTarget/patientRole")
    element, born = _at(role, "id"), _at(role, "patient/birthTime")
    if element is None:
        return []
    if element.get("root") != OID_IDENTITY_CODE:
        message = "a document for Kela tells its patient by personal identity code"
        found = str(element.get("root"))[:60]
        return [
            Finding(
                rule="certificates.patient",
                message=message,
                at=element,
                expected=OID_IDENTITY_CODE,
                found=found,
                attribute="root",
            )
        ]
    code = parse_personal_identity_code(element.get("extension", ""))
    if code is None:
        expected = "an existing date and the right check character"
        return [
            Finding(
                "certificates.patient",
                "not a personal identity code",
                element,
                expected,
                attribute="extension",
            )
        ]
    if born is not None and (born.get("value") or "")[:8] != code.birth_date.isoformat().replace(
        "-", ""
    ):
        message = "the day of birth is that of the personal identity code"
        return [Finding("certificates.birth-time", message, born, attribute="value")]
    return []


def _time(root: Element, context: Context) -> list[Finding]:
    element = _at(root, "effectiveTime")
    try:
        moment = (
            datetime.fromisoformat((element.get("value") or "")[:8])
            if element is not None
            else None
        )
    except ValueError:
        return [
            Finding(
                "certificates.time",
                "not a day of the calendar",
                element,
                "yyyymmdd",
                attribute="value",
            )
        ]
    latest = datetime.fromtimestamp(context.now / 1000, UTC).replace(tzinfo=None) + timedelta(
        hours=FUTURE_HOURS_MAX
    )
    if moment is None or moment <= latest:
        return []
    return [
        Finding(
            "certificates.time",
            "a document is not of a later day",
            element,
            f"{latest:%Y%m%d}",
            attribute="value",
        )
    ]


def _version(root: Element) -> list[Finding]:
    """A first version replaces nothing and opens a set of its own; a later one names what it
    replaces and keeps its set.
    """
    number, related, set_id = (
        _at(root, "versionNumber"),
        _at(root, "relatedDocument"),
        _at(root, "setId"),
    )
    if set_id is None or not version_of(number):
        return []
    if version_of(number) == 1:
        if related is None:
            return []
        return [
            Finding(
                rule="certificates.version",
                message="a first version relates to no other",
                at=related,
                expected="versionNumber 2 or more",
                found="1",
            )
        ]
    if related is None or related.get("typeCode") != "RPLC":
        message, found = (
            "a later version replaces an earlier one",
            "nothing" if related is None else str(related.get("typeCode")),
        )
        return [
            Finding(
                rule="certificates.version",
                message=message,
                at=number,
                expected="relatedDocument RPLC",
                found=found[:10],
                attribute="value",
            )
        ]
    parent = _at(related, "parentDocument/setId")
    if parent is not None and name_of(parent) != name_of(set_id):
        is_root = parent.get("root") != set_id.get("root")
        return [
            Finding(
                rule="certificates.set",
                message="a replacement keeps the set of what it replaces",
                at=parent,
                expected=name_of(set_id),
                found=name_of(parent),
                attribute="root" if is_root or "extension" not in parent.attrib else "extension",
            )
        ]
    return _replaced(root, related, number)


def _replaced(root: Element, related: Element, number: Element) -> list[Finding]:
    """What is replaced is another document, of an earlier version.

    Source: HL7 CDA R2, 4.2.3.1 (a replacement has an id of its own, and a version that follows).
    """
    findings = []
    own, replaced = _at(root, "id"), _at(related, "parentDocument/id")
    if name_of(own) and name_of(own) == name_of(replaced):
        findings.append(
            Finding(
                rule="certificates.replaced",
                message="a document does not replace itself",
                at=replaced,
                expected="the id of an earlier version",
                found=name_of(replaced),
                attribute="root",
            )
        )
    before = _at(related, "parentDocument/versionNumber")
    if version_of(before) >= version_of(number):
        findings.append(
            Finding(
                rule="certificates.version",
                message="what is replaced has an earlier version",
                at=before,
                expected=f"less than {version_of(number)}",
                found=str(version_of(before)),
                attribute="value",
            )
        )
    return findings


def _form(root: Element) -> list[Finding]:
    """The document says that it is a form, which one, and the form has its fields."""
    findings = []
    kind = root.find(f"{LOCAL}localHeader/{LOCAL}documentType")
    if kind is not None and kind.get("code") != DOCUMENT_TYPE:
        found = str(kind.get("code"))[:20]
        message = "a certificate is a form"
        findings.append(
            Finding(
                rule="certificates.document-type",
                message=message,
                at=kind,
                expected=DOCUMENT_TYPE,
                found=found,
                attribute="code",
            )
        )
    section = _at(root, "component/structuredBody/component/section")
    code = _at(section, "code")
    if section is None or code is None:
        return findings
    form = BY_NUMBER.get(code.get("code") or "") if code.get("codeSystem") == FORMS else None
    if form is None:
        expected = (
            ", ".join(f"{each.number} ({each.name})" for each in BY_NUMBER.values())
            + f" of {FORMS}"
        )
        message = "not a form that is passed on to Kela"
        return [
            *findings,
            Finding(
                rule="certificates.form",
                message=message,
                at=code,
                expected=expected,
                found=str(code.get("code"))[:40],
                attribute="code",
            ),
        ]
    of_document = _at(root, "code")
    if of_document is not None and of_document.get("code") != form.number:
        message = "the document is called after its form"
        found = str(of_document.get("code"))[:40]
        findings.append(
            Finding(
                rule="certificates.form",
                message=message,
                at=of_document,
                expected=form.number,
                found=found,
                attribute="code",
            )
        )
    return findings + _fields(section, form)


def _fields(section: Element, form: Form) -> list[Finding]:
    """The fields of the form: what must be there, once, with the type of value that it has, and an
    end after its beginning.
    """
    findings, days = [], {}
    known = {field.number: field for field in form.fields}
    seen = set()
    for component in section.iterchildren(NAMESPACE + "component"):
        code = _at(component, "section/code")
        number = str(code.get("code")) if code is not None else ""
        field = known.get(number)
        if field is None or number in seen:
            message = (
                f"form {form.name} has no such field" if field is None else "a field stands once"
            )
            findings.append(
                Finding(
                    rule="certificates.field",
                    message=message,
                    at=code,
                    expected=", ".join(known),
                    found=number[:40],
                    attribute="code",
                )
            )
            continue
        seen.add(number)
        value = _at(component, "section/entry/observation/value")
        found = "nothing" if value is None else (value.get(_TYPE) or "").rpartition(":")[2]
        if field.kind and found != field.kind:
            at = component if value is None else value
            findings.append(
                Finding(
                    rule="certificates.value",
                    message=f"field {number} ({field.title}) has a value",
                    at=at,
                    expected=field.kind,
                    found=found[:20],
                )
            )
        elif field.kind == "TS" and value is not None:
            days[number] = ((value.get("value") or "")[:8], value)
    for field in form.fields:
        if field.required and field.number not in seen:
            message = f"form {form.name} lacks field {field.number} ({field.title})"
            findings.append(
                Finding(
                    rule="certificates.field-missing",
                    message=message,
                    at=section,
                    expected=field.number,
                    found="nothing",
                )
            )
    if "20" in days and "21" in days and days["21"][0] < days["20"][0]:
        message, expected = "a period ends when it began or later", f"{days['20'][0]} or later"
        findings.append(
            Finding(
                rule="certificates.period-order",
                message=message,
                at=days["21"][1],
                expected=expected,
                found=days["21"][0],
                attribute="value",
            )
        )
    return findings


RULES: dict[str, Rule] = {"certificates.document": document}
KEYS: dict[str, Keys] = {"certificates.document": keys}
REMEMBERED: dict[str, Remembering] = {"certificates.document": remembered}
