"""A query as an organisation's worker makes it in a browser: its form, and what its answer says;
the query itself is that of the user interface's endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exchange.adapters.kelmu.caseworker.form import (
    BENEFIT,
    NO,
    PERSON,
    STATE,
    YES,
    one,
    titles,
)
from exchange.adapters.kelmu.rights import RIGHTS, earliest_day
from exchange.ports.caseworkers import Choice, Field, Said, Section, Task, Title
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
}
_LEFT_OUT = titles(
    "Jätetty pois organisaation oikeuden mukaan",
    "Utelämnat enligt organisationens rätt",
    "Left out by the organisation's right",
)
#: What the register says of a record's state or outcome.
_WORDS: Mapping[Any, Title] = {
    "in-progress": titles("käsittelyssä", "under behandling", "in progress"),
    "granted": titles("myönnetty", "beviljad", "granted"),
    "rejected": titles("hylätty", "avslagen", "rejected"),
}
_WHAT, _WHY = titles("Mitä", "Vad", "What"), titles("Miksi", "Varför", "Why")


def fields(partner: Partner, now: int, _: Said) -> Sequence[Field]:
    """The form of a query: only what the organisation may ask."""
    right = RIGHTS.of(partner)
    if right is None:
        return ()
    purposes = _choices(PURPOSES, right.purposes)
    # (The acts of the purpose that the form begins with.)
    grounds = sorted(right.purposes[purposes[0].value])
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
            given=grounds[:1],
            hint=f"{grounds[0]} 14 §",
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
        ),
        Field(
            name="to",
            title=titles("Asti", "Till", "To"),
            kind="date",
            given=(finnish_day(now).isoformat(),),
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
    """The answer, a table for each group of data that the organisation may see."""
    return [*_groups(answer), *_left_out(answer)]


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
            columns=[_WHAT, _WHY],
            rows=[
                [each["value"], each.get("limit") or each["reason"]] for each in answer["left_out"]
            ],
        )


def _cell(name: str, value: Any) -> str | Title:
    if value is None:
        return ""
    if name == "benefit" and value in BENEFITS:
        return BENEFITS[value].title
    if isinstance(value, bool):
        return YES if value else NO
    return _WORDS.get(value) or str(value)


QUERY = Task(
    name="query",
    title=titles("Etuuskysely", "Förmånsförfrågan", "Benefit query"),
    mandate=VIEW.value,
    endpoint="POST /kelmu/v1/ui/queries",
    fields=fields,
    document=document,
    told=told,
)
