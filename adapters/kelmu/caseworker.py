"""Kelmu as an organisation's worker uses it in a browser: the form of a query and what its answer
says; the query itself is that of the user interface's endpoint.

That caseworkers sign in by Suomi.fi and have mandates by task is public (kela.fi, "Ohjeet Kelan
etuustietopalvelu Kelmun käyttäjälle"); how the pages look is *modelled*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exchange.adapters.kelmu.rights import RIGHTS, day_of, earliest_day
from exchange.ports.caseworkers import CaseworkerPages, Choice, Field, Said, Section, Task, Title
from exchange.schemas.directory import Partner
from exchange.schemas.kelmu.codes import BENEFITS, DATA_GROUPS, PURPOSES, Code

#: The mandate "view benefit data and register a payment claim".
VIEW = "view-benefit-data"


def _titles(fi: str, sv: str, en: str) -> Title:
    return {"fi": fi, "sv": sv, "en": en}


MANDATES = (
    Choice(
        VIEW,
        _titles(
            "Etuustietojen katselu ja maksuvaatimuksen kirjaaminen",
            "Granska förmånsuppgifter och registrera betalningsanspråk",
            "View benefit data and register a payment claim",
        ),
    ),
)
#: What columns of records are called.
_COLUMNS: Mapping[str, Title] = {
    "benefit": _titles("Etuus", "Förmån", "Benefit"),
    "received_on": _titles("Saapunut", "Mottagen", "Received on"),
    "state": _titles("Tila", "Status", "State"),
    "decided_on": _titles("Ratkaistu", "Avgjord", "Decided on"),
    "outcome": _titles("Ratkaisu", "Avgörande", "Outcome"),
    "from": _titles("Alkaa", "Från", "From"),
    "to": _titles("Päättyy", "Till", "To"),
    "paid_on": _titles("Maksettu", "Betald", "Paid on"),
    "amount": _titles("Määrä, €", "Belopp, €", "Amount, €"),
    "left": _titles("Jäljellä, €", "Återstår, €", "Left, €"),
    "covered": _titles("Vakuutettu", "Försäkrad", "Covered"),
    "year": _titles("Vuosi", "År", "Year"),
    "own_share": _titles("Omavastuu, €", "Självrisk, €", "Own share, €"),
    "reached_on": _titles("Katto täynnä", "Taket nått", "Ceiling reached on"),
}
_LEFT_OUT = _titles(
    "Jätetty pois organisaation oikeuden mukaan",
    "Utelämnat enligt organisationens rätt",
    "Left out by the organisation's right",
)
_YES, _NO = _titles("kyllä", "ja", "yes"), _titles("ei", "nej", "no")
#: What the register says of a record's state or outcome.
_WORDS: Mapping[Any, Title] = {
    "in-progress": _titles("käsittelyssä", "under behandling", "in progress"),
    "granted": _titles("myönnetty", "beviljad", "granted"),
    "rejected": _titles("hylätty", "avslagen", "rejected"),
}
_WHAT, _WHY = _titles("Mitä", "Vad", "What"), _titles("Miksi", "Varför", "Why")


def may_sign_in(partner: Partner) -> bool:
    """Whether its caseworkers may ask at all."""
    return RIGHTS.of(partner) is not None


def fields(partner: Partner, now: int) -> Sequence[Field]:
    """The form of a query: only what the organisation may ask."""
    right = RIGHTS.of(partner)
    if right is None:
        return ()
    purposes = _choices(PURPOSES, right.purposes)
    # (The acts of the purpose that the form begins with.)
    grounds = sorted(right.purposes[purposes[0].value])
    return (
        Field(
            name="person",
            title=_titles("Henkilötunnus", "Personbeteckning", "Personal identity code"),
            hint="140890-9423",
        ),
        Field(
            name="purpose",
            title=_titles("Käyttötarkoitus", "Ändamål", "Purpose"),
            kind="one",
            choices=purposes,
        ),
        Field(
            name="legal_ground",
            title=_titles("Lakiperuste", "Laggrund", "Legal ground"),
            given=grounds[:1],
            hint=f"{grounds[0]} 14 §",
        ),
        Field(
            name="benefits",
            title=_titles("Etuudet", "Förmåner", "Benefits"),
            kind="some",
            choices=_choices(BENEFITS, right.benefits),
        ),
        Field(
            name="data_groups",
            title=_titles("Tiedot", "Uppgifter", "Data"),
            kind="some",
            choices=_choices(DATA_GROUPS, right.data_groups),
        ),
        Field(
            name="from",
            title=_titles("Alkaen", "Från", "From"),
            kind="date",
            given=(earliest_day(right, now),),
        ),
        Field(
            name="to",
            title=_titles("Asti", "Till", "To"),
            kind="date",
            given=(day_of(now).isoformat(),),
        ),
    )


def _choices(codes: Mapping[str, Code], allowed: Any) -> tuple[Choice, ...]:
    return tuple(Choice(name, code.title) for name, code in codes.items() if name in allowed)


def document(said: Said, worker: str) -> dict[str, Any]:
    """The query that a filled form is; judged like any other."""
    query: dict[str, Any] = {
        name: (said.get(name) or ("",))[0].strip()
        for name in ("person", "purpose", "legal_ground", "from", "to")
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
                columns=[_COLUMNS.get(name, _titles(name, name, name)) for name in names],
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
        return _YES if value else _NO
    return _WORDS.get(value) or str(value)


PAGES = CaseworkerPages(
    path="/kelmu/",
    title=_titles(
        "Kelan etuustietopalvelu Kelmu",
        "FPA:s förmånsinformationstjänst Kelmu",
        "Kela's benefit data service Kelmu",
    ),
    mandates=MANDATES,
    tasks=(
        Task(
            name="query",
            title=_titles("Etuuskysely", "Förmånsförfrågan", "Benefit query"),
            mandate=VIEW,
            endpoint="POST /kelmu/v1/ui/queries",
            fields=fields,
            document=document,
            told=told,
        ),
    ),
    may_sign_in=may_sign_in,
)
