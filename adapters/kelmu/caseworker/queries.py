"""A query as an organisation's worker makes it in a browser: its form, and what its answer says;
the query itself is that of the user interface's endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from exchange.adapters.kelmu.caseworker.form import (
    BENEFIT,
    MESSAGE_ID,
    NO,
    PERSON,
    RECEIVED_AT,
    SEARCH,
    STATE,
    YES,
    one,
    titles,
)
from exchange.adapters.kelmu.rights import RIGHTS, earliest_day
from exchange.ports.caseworkers import Cell, Choice, Field, Said, Section, Task, Title
from exchange.schemas.directory import Partner
from exchange.schemas.instants import finnish_day
from exchange.schemas.kelmu.codes import BENEFITS, DATA_GROUPS, PURPOSES, Code

#: The mandate "view benefit data and register a payment claim".
VIEW = Choice(
    "view-benefit-data",
    titles(
        "Etuustietojen katselu ja maksuvaatimuksen kirjaaminen",
        "Granska förmånsuppgifter och registrera betalningsanspråk",
        "View benefit data and register a payment claim",
    ),
)
#: What columns of records are called.
_COLUMNS: Mapping[str, Title] = {
    "benefit": BENEFIT,
    "received_on": titles("Saapunut", "Mottagen", "Received on"),
    "state": STATE,
    "decided_on": titles("Ratkaistu", "Avgjord", "Decided on"),
    "outcome": titles("Ratkaisu", "Avgörande", "Outcome"),
    "from": titles("Alkaa", "Från", "From"),
    "to": titles("Päättyy", "Till", "To"),
    "paid_on": titles("Maksettu", "Betald", "Paid on"),
    "amount": titles("Määrä, €", "Belopp, €", "Amount, €"),
    "left": titles("Jäljellä, €", "Återstår, €", "Left, €"),
    "covered": titles("Vakuutettu", "Försäkrad", "Covered"),
    "year": titles("Vuosi", "År", "Year"),
    "own_share": titles("Omavastuu, €", "Självrisk, €", "Own share, €"),
    "reached_on": titles("Katto täynnä", "Taket nått", "Ceiling reached on"),
    "kind": titles("Laji", "Slag", "Kind"),
    "sender": titles("Lähettäjä", "Avsändare", "Sender"),
}
_AMOUNTS = frozenset(("amount", "left", "own_share"))
_LEFT_OUT = titles(
    "Jätetty pois organisaation oikeuden mukaan",
    "Utelämnat enligt organisationens rätt",
    "Left out by the organisation's right",
)
#: What the register's words for states, outcomes, kinds and senders are, and why something is left
#: out.
_WORDS: Mapping[str, Title] = {
    "received": titles("saapunut", "inkommen", "received"),
    "in-progress": titles("käsittelyssä", "under behandling", "in progress"),
    "more-information-asked": titles(
        "lisätietoja pyydetty", "tilläggsuppgifter begärda", "more information asked for"
    ),
    "granted": titles("myönnetty", "beviljad", "granted"),
    "refused": titles("hylätty", "avslagen", "refused"),
    "adjusted": titles("tarkistettu", "justerad", "adjusted"),
    "ended": titles("lakkautettu", "indragen", "ended"),
    "wage-reports": titles("palkkatietoilmoitukset", "löneuppgiftsanmälningar", "wage reports"),
    "earnings-data": titles("ansiotiedot", "inkomstuppgifter", "earnings data"),
    "medical-certificate": titles("lääkärintodistus", "läkarintyg", "medical certificate"),
    "pension-decision": titles("eläkepäätös", "pensionsbeslut", "pension decision"),
    "statement": titles("lausunto", "utlåtande", "statement"),
    "income-register": titles("tulorekisteri", "inkomstregistret", "Incomes Register"),
    "unemployment-fund": titles("työttömyyskassa", "arbetslöshetskassa", "unemployment fund"),
    "healthcare": titles("terveydenhuolto", "hälsovården", "healthcare"),
    "pension-institution": titles("eläkelaitos", "pensionsanstalt", "pension institution"),
    "wellbeing-county": titles("hyvinvointialue", "välfärdsområde", "wellbeing services county"),
    "no-valid-code": titles(
        "ei ole henkilötunnus", "är ingen personbeteckning", "no personal identity code"
    ),
    "no-right": titles("ei oikeutta", "ingen rätt", "no right"),
    "further-back-than-right": titles(
        "kauempana kuin oikeus ulottuu", "längre bak än rätten", "further back than the right"
    ),
}
_NOBODY = Section(
    title=titles("Etuustiedot", "Förmånsuppgifter", "Benefit data"),
    columns=(),
    rows=(),
    empty=titles(
        "Rekisterissä ei ole tietoja tästä henkilöstä.",
        "Registret har inga uppgifter om denna person.",
        "The register knows nothing of this person.",
    ),
)
_ASKED = titles("Kysely", "Förfrågan", "The query")
_WHAT, _WHY = titles("Mitä", "Vad", "What"), titles("Miksi", "Varför", "Why")


def fields(partner: Partner, now: int, _: Said) -> Sequence[Field]:
    """The form of a query: only what the organisation may ask."""
    right = RIGHTS.of(partner)
    if right is None:
        return ()
    purposes = _choices(PURPOSES, right.purposes)
    # (The acts of the purpose that the form begins with, and of each what it is for.)
    grounds = sorted(right.purposes[purposes[0].value])
    acts = [
        Choice(act, each.title) for each in purposes for act in sorted(right.purposes[each.value])
    ]
    return (
        PERSON,
        Field(
            name="purpose",
            title=titles("Käyttötarkoitus", "Ändamål", "Purpose"),
            kind="one",
            choices=purposes,
        ),
        Field(
            name="legal_ground",
            title=titles("Lakiperuste", "Laggrund", "Legal ground"),
            choices=acts,
            given=grounds[:1],
            hint=f"{grounds[0]} 14 §",
            required=True,
        ),
        Field(
            name="benefits",
            title=titles("Etuudet", "Förmåner", "Benefits"),
            kind="some",
            choices=_choices(BENEFITS, right.benefits),
        ),
        Field(
            name="data_groups",
            title=titles("Tiedot", "Uppgifter", "Data"),
            kind="some",
            choices=_choices(DATA_GROUPS, right.data_groups),
        ),
        Field(
            name="from",
            title=titles("Alkaen", "Från", "From"),
            kind="date",
            given=(earliest_day(right, now),),
            required=True,
        ),
        Field(
            name="to",
            title=titles("Asti", "Till", "To"),
            kind="date",
            given=(finnish_day(now).isoformat(),),
            required=True,
        ),
    )


def _choices(codes: Mapping[str, Code], allowed: Any) -> tuple[Choice, ...]:
    return tuple(Choice(name, code.title) for name, code in codes.items() if name in allowed)


def document(said: Said, worker: str) -> dict[str, Any]:
    """The query that a filled form is; judged like any other."""
    query: dict[str, Any] = {
        name: one(said, name) for name in ("person", "purpose", "legal_ground", "from", "to")
    }
    return {
        **query,
        "user": worker,
        "benefits": list(said.get("benefits", ())),
        "data_groups": list(said.get("data_groups", ())),
    }


def told(answer: Any) -> Sequence[Section]:
    """The answer: a table for each group of data that the organisation may see, what was left out,
    and by which message and for which time it was asked.
    """
    groups = list(_groups(answer))
    return [*(groups or [_NOBODY]), *_left_out(answer), _about(answer)]


def _groups(answer: Any) -> Iterator[Section]:
    for result in answer["results"]:
        for group, code in DATA_GROUPS.items():
            records = result.get(group)
            if records is None:
                continue
            names = list(dict.fromkeys(name for record in records for name in record))
            yield Section(
                title=code.title,
                columns=[_COLUMNS.get(name, titles(name, name, name)) for name in names],
                rows=[[_cell(name, record.get(name)) for name in names] for record in records],
            )


def _left_out(answer: Any) -> Iterator[Section]:
    if answer["left_out"]:
        yield Section(
            title=_LEFT_OUT,
            columns=[_WHAT, _WHY, _COLUMNS["from"]],
            rows=[_left_out_row(each) for each in answer["left_out"]],
        )


def _about(answer: Any) -> Section:
    """The query itself, so that a printed answer tells which one it is."""
    return Section(
        title=_ASKED,
        columns=(RECEIVED_AT, _COLUMNS["from"], _COLUMNS["to"], MESSAGE_ID),
        rows=((answer["received_at"], answer["from"], answer["to"], answer["id"]),),
    )


def _left_out_row(left_out: Mapping[str, str]) -> Sequence[Cell]:
    """What was left out, why and, of a time, from when on there is an answer."""
    value, why = left_out["value"], left_out["reason"]
    code = {"benefit": BENEFITS, "data-group": DATA_GROUPS}.get(left_out["what"], {}).get(value)
    return code.title if code else value, _WORDS.get(why, why), left_out.get("limit", "")


def _cell(name: str, value: Any) -> Cell:
    if value is None:
        return ""
    if name in _AMOUNTS:
        return Decimal(str(value))
    if name == "benefit" and value in BENEFITS:
        return BENEFITS[value].title
    if isinstance(value, bool):
        return YES if value else NO
    return _WORDS.get(str(value)) or str(value)


QUERY = Task(
    name="query",
    title=titles("Etuuskysely", "Förmånsförfrågan", "Benefit query"),
    mandate=VIEW.value,
    endpoint="POST /kelmu/v1/ui/queries",
    button=SEARCH,
    fields=fields,
    document=document,
    told=told,
)
