"""Synthetic messages between Kela and the work pension sector: texts with holes, artificial persons
only.
"""

from __future__ import annotations

import datetime
import functools
import random
from xml.sax.saxutils import escape

from exchange.adapters.luova.synthetic import in_conversation, moment, new_id
from exchange.schemas.call import XML
from exchange.schemas.directory import Partner, load
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.identifiers import make_business_id
from exchange.schemas.persons import Person, person

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = 'xmlns="urn:exchange:pension:1"'
#: Fewest and most records in a message (*modelled*).
DECISIONS = (1, 9)
UNPAID_PERIODS = (1, 59)
_KINDS = (
    "OLD_AGE",
    "OLD_AGE",
    "PARTIAL_OLD_AGE",
    "DISABILITY",
    "PARTIAL_DISABILITY",
    "SURVIVORS",
    "YEARS_OF_SERVICE",
)
_OUTCOMES = ("GRANTED", "GRANTED", "GRANTED", "CHANGED", "REJECTED", "ENDED")
_PURPOSES = ("REHABILITATION", "PENSION", "SICKNESS_ALLOWANCE", "UNEMPLOYMENT")
_ACTS = ("TYEL", "TYEL", "TYEL", "JUEL", "YEL", "MYEL", "MEL")
_BENEFITS = (
    "SICKNESS_ALLOWANCE",
    "PARENTAL_ALLOWANCE",
    "REHABILITATION_ALLOWANCE",
    "CHILD_HOME_CARE_ALLOWANCE",
    "STUDY_DEGREE",
    "UNEMPLOYMENT_ALLOWANCE",
)
_ACCIDENTS = ("TRAFFIC", "WORK_ACCIDENT", "OCCUPATIONAL_DISEASE")
_INSURERS = ("Esimerkkivakuutus A", "Esimerkkivakuutus B", "Esimerkkivakuutus C")
_DAY = datetime.timedelta(days=1)


@functools.cache
def _first_institution() -> Partner:
    return load().in_sector("pension-institution")[1]


@functools.cache
def _employers() -> tuple[str, ...]:
    return tuple(make_business_id(9_100_000 + 13 * number) for number in range(500))


@functools.lru_cache(maxsize=256)
def _institution(partner: Partner) -> str:
    return (
        f"<Institution><BusinessId>{partner.business_id}</BusinessId><Name>"
        f"{escape(partner.name)}</Name></Institution>"
    )


def _aged(rng: random.Random, date: datetime.date, youngest: int, oldest: int) -> Person:
    return person(
        rng,
        date,
        datetime.date(date.year - oldest, 1, 1),
        datetime.date(date.year - youngest, 12, 31),
    )


def _person(who: Person) -> str:
    return (
        f"<Person><PersonalIdentityCode>{who.personal_identity_code}</PersonalIdentityCode>"
        f"<LastName>{who.last_name}</LastName><FirstName>{who.first_name}</FirstName></Person>"
    )


def _decision(rng: random.Random, date: datetime.date, number: int) -> str:
    chance = rng.random
    outcome = _OUTCOMES[int(chance() * len(_OUTCOMES))]
    decided = date - int(chance() * 4) * _DAY
    first = decided.replace(day=1)
    paid = "" if outcome == "REJECTED" else f"<Period><From>{first}</From></Period>"
    if outcome == "ENDED":
        paid = f"<Period><From>{first - 900 * _DAY}</From><To>{decided}</To></Period>"
    elif paid:
        paid += f"<MonthlyAmount>{200 + int(chance() * 2_800)}.{int(chance() * 100):02d}</MonthlyAmount>"
    return (
        f'<Decision id="d{number}-{rng.getrandbits(40):010x}">{_person(_aged(rng, date, 30, 80))}'
        f"<Kind>{_KINDS[int(chance() * len(_KINDS))]}</Kind><Outcome>{outcome}</Outcome>"
        f"<DecidedOn>{decided}</DecidedOn>{paid}</Decision>"
    )


def decisions(
    rng: random.Random,
    date: datetime.date,
    serial: int,
    sender: Partner | None = None,
    count: int = 0,
) -> Generated:
    """Decisions of an institution (default: one of the directory), 1 to 9."""
    count = count or rng.randint(*DECISIONS)
    body = (
        f"{_HEAD}<PensionDecisions {_SPACE}>"
        f"{_institution(sender or _first_institution())}<CreatedAt>{moment(rng, date)}</CreatedAt>"
        f"{''.join(_decision(rng, date, number) for number in range(1, count + 1))}</PensionDecisions>"
    )
    return Generated(body.encode(), XML, new_id("pen", rng, date, serial), count)


def work_history_query(rng: random.Random, date: datetime.date, serial: int) -> Generated:
    """Kela's question about a person; it opens a conversation of the same id."""
    query_id = new_id("whq", rng, date, serial)
    body = (
        f"{_HEAD}<WorkHistoryQuery {_SPACE}><QueryId>{query_id}</QueryId><AskedAt>"
        f"{moment(rng, date)}</AskedAt>"
        f"{_person(_aged(rng, date, 18, 67))}<Period><From>"
        f"{date - int(400 + rng.random() * 5_000) * _DAY}</From><To>{date}</To></Period>"
        f"<Purpose>{_PURPOSES[int(rng.random() * 4)]}</Purpose></WorkHistoryQuery>"
    )
    return in_conversation(body=body, content_type=XML, message_id=query_id, conversation=query_id)


def _reply(rng: random.Random, date: datetime.date, serial: int, query_id: str, code: str) -> str:
    """What both answers begin with."""
    code = code or _aged(rng, date, 18, 67).personal_identity_code
    return (
        f"<InReplyTo>{query_id or new_id('qry', rng, date, serial)}</InReplyTo><CreatedAt>"
        f"{moment(rng, date)}</CreatedAt>"
        f"<Person><PersonalIdentityCode>{code}</PersonalIdentityCode></Person>"
    )


def work_history(
    rng: random.Random,
    date: datetime.date,
    serial: int,
    query_id: str = "",
    code: str = "",
    message_id: str = "",
) -> Generated:
    """The answer to a query (default: to one that it makes up) about the person with that code:
    none to 6 periods of work.
    """
    chance = rng.random
    count = int(chance() * 7)
    start, works = date - 4_000 * _DAY, []
    for _ in range(count):
        end = start + int(60 + chance() * 500) * _DAY
        works.append(
            f"<Work><EmployerId>{_employers()[int(chance() * 500)]}</EmployerId><Act>"
            f"{_ACTS[int(chance() * len(_ACTS))]}</Act>"
            f"<Period><From>{start}</From><To>{end}</To></Period><Earnings>"
            f"{int(chance() * 90_000)}.00</Earnings></Work>"
        )
        start = end + int(1 + chance() * 60) * _DAY
    head = _reply(rng, date, serial, query_id, code)
    body = f"{_HEAD}<WorkHistory {_SPACE}>{head}{''.join(works)}</WorkHistory>"
    return in_conversation(
        body=body,
        content_type=XML,
        message_id=message_id or new_id("wh", rng, date, serial),
        conversation=query_id,
        items=count,
    )


def unpaid_periods(
    rng: random.Random, date: datetime.date, serial: int, count: int = 0
) -> Generated:
    """Benefit periods of several persons, 1 to 59."""
    chance = rng.random
    count = count or rng.randint(*UNPAID_PERIODS)
    parts = []
    for number in range(1, count + 1):
        start = date - int(40 + chance() * 300) * _DAY
        parts.append(
            f'<Benefit id="b{number}">{_person(_aged(rng, date, 18, 64))}<Kind>'
            f"{_BENEFITS[int(chance() * len(_BENEFITS))]}</Kind>"
            f"<Period><From>{start}</From><To>{start + int(5 + chance() * 34) * _DAY}</To></Period>"
            f"<Basis>{800 + int(chance() * 3_000)}.{int(chance() * 100):02d}</Basis></Benefit>"
        )
    body = (
        f"{_HEAD}<UnpaidPeriods {_SPACE}><CreatedAt>{moment(rng, date)}</CreatedAt>"
        f"{''.join(parts)}</UnpaidPeriods>"
    )
    return Generated(body.encode(), XML, new_id("unp", rng, date, serial), count)


def accident_data_query(
    rng: random.Random, date: datetime.date, serial: int, sender: Partner | None = None
) -> Generated:
    """An institution's question about a person; it opens a conversation of the same id."""
    query_id = new_id("acq", rng, date, serial)
    body = (
        f"{_HEAD}<AccidentDataQuery {_SPACE}><QueryId>{query_id}</QueryId><AskedAt>"
        f"{moment(rng, date)}</AskedAt>"
        f"{_institution(sender or _first_institution())}{_person(_aged(rng, date, 18, 68))}"
        f"<Period><From>{date - int(100 + rng.random() * 3_000) * _DAY}</From><To>{date}</To>"
        "</Period></AccidentDataQuery>"
    )
    return in_conversation(body=body, content_type=XML, message_id=query_id, conversation=query_id)


def accident_data(
    rng: random.Random,
    date: datetime.date,
    serial: int,
    query_id: str = "",
    code: str = "",
    message_id: str = "",
) -> Generated:
    """The answer to a query (default: to one that it makes up): mostly nothing, else one or two
    compensations (*modelled*).
    """
    chance = rng.random
    count = (0, 0, 0, 1, 1, 2)[int(chance() * 6)]
    compensations = "".join(
        f"<Compensation><Kind>{_ACCIDENTS[int(chance() * 3)]}</Kind><Insurer>"
        f"{_INSURERS[int(chance() * 3)]}</Insurer>"
        f"<Period><From>{date - int(30 + chance() * 900) * _DAY}</From></Period>"
        f"<MonthlyAmount>{100 + int(chance() * 2_000)}.00</MonthlyAmount></Compensation>"
        for _ in range(count)
    )
    body = (
        f"{_HEAD}<AccidentData {_SPACE}>"
        f"{_reply(rng, date, serial, query_id, code)}{compensations}</AccidentData>"
    )
    return in_conversation(
        body=body,
        content_type=XML,
        message_id=message_id or new_id("ac", rng, date, serial),
        conversation=query_id,
        items=count,
    )


GENERATORS: dict[str, Generator] = {
    "pension.decisions": decisions,
    "pension.work-history-query": work_history_query,
    "pension.work-history": work_history,
    "pension.unpaid-periods": unpaid_periods,
    "pension.accident-data-query": accident_data_query,
    "pension.accident-data": accident_data,
}
