"""Valid synthetic messages of Kelmu, and what the stub of the benefit register knows of a person;
no traffic and no replies.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from exchange.schemas.call import JSON
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.kelmu.codes import STATEMENTS
from exchange.schemas.persons import person

#: What an organisation (by sector, or by its own id) asks for: purposes with an act, benefits, data
#: groups, months back.
HABITS: Mapping[str, tuple[Sequence[tuple[str, str]], Sequence[str], Sequence[str], int]] = {
    "municipality": (
        (("early-education-fees", "1503/2016"), ("labour-market-support-share", "1290/2002")),
        ("child-care-support", "unemployment-security"),
        ("decision", "payments"),
        12,
    ),
    "wellbeing-county": (
        (
            ("supplementary-social-assistance", "1412/1997"),
            ("social-services", "1301/2014"),
            ("client-fees", "734/1992"),
        ),
        (
            "basic-social-assistance",
            "general-housing-allowance",
            "unemployment-security",
            "pensions",
            "child-benefit",
        ),
        ("pendency", "decision", "payments"),
        6,
    ),
    "pension-institution": (
        (("pension-determination", "395/2006"), ("pension-determination", "81/2016")),
        ("pensions", "sickness-allowances", "rehabilitation-allowances", "unemployment-security"),
        ("decision", "payments", "insurance"),
        60,
    ),
    "unemployment-fund": (
        (("earnings-related-unemployment-benefit", "1290/2002"),),
        ("unemployment-security", "sickness-allowances", "parental-allowances"),
        ("pendency", "decision", "payments"),
        24,
    ),
    "other-authority": (
        (("enforcement", "705/2007"),),
        ("pensions", "unemployment-security"),
        ("decision", "payments"),
        6,
    ),
    "employment-services": (
        (("employment-services", "380/2023"),),
        ("unemployment-security", "rehabilitation-allowances"),
        ("pendency", "decision"),
        12,
    ),
    "tyollisyysrahasto": (
        (("adult-education-benefits", "1276/2000"),),
        ("financial-aid-for-students", "unemployment-security"),
        ("decision", "payments"),
        24,
    ),
    "accident-insurers-centre": (
        (("accident-compensation", "459/2015"),),
        ("sickness-allowances", "rehabilitation-allowances", "pensions"),
        ("decision", "payments", "insurance"),
        60,
    ),
}
HABITS = {**HABITS, "helsinki": HABITS["wellbeing-county"]}

_QUESTIONS = (
    "Asiakas on hakenut perustoimeentulotukea. Pyydämme tietoa ratkaisua varten.",
    "Onko asiakkaalle myönnetty täydentävää tai ehkäisevää toimeentulotukea hakemuksen ajalta?",
    "Pyydämme lausuntoa asumismenojen kohtuullisuudesta.",
    "Onko asiakkaan palvelutarve arvioitu?",
)
#: Of which benefits the register knows something of one person in how many, and in euros what a
#: month of it is about.
_BENEFITS = {
    "basic-social-assistance": (6, 480),
    "general-housing-allowance": (5, 320),
    "unemployment-security": (4, 800),
    "pensions": (4, 690),
    "sickness-allowances": (4, 900),
    "child-benefit": (4, 100),
    "parental-allowances": (8, 1_150),
    "child-care-support": (8, 380),
    "rehabilitation-allowances": (12, 850),
    "financial-aid-for-students": (7, 270),
    "disability-benefits": (10, 110),
    "medical-care-reimbursements": (2, 25),
}
_FIRST_MONTH = 2010 * 12
_CHANCE = random.Random()


def encode(value: Any) -> bytes:
    """JSON as it goes over the wire."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _message_id(rng: random.Random, mark: str, serial: int) -> str:
    return f"{mark}-{serial:x}-{rng.getrandbits(32):08x}"


def _asking(rng: random.Random, day: datetime.date, asker: str) -> dict[str, Any]:
    purposes, benefits, groups, months_back = HABITS[asker]
    purpose, act = rng.choice(purposes)
    asked = sorted(rng.sample(range(len(benefits)), rng.randint(1, len(benefits))))
    return {
        "purpose": purpose,
        "legal_ground": act,
        "user": f"user{rng.randint(1, 400):04d}",
        "benefits": [benefits[index] for index in asked],
        "data_groups": list(groups),
        "from": (day - datetime.timedelta(days=30 * rng.randint(1, months_back))).isoformat(),
        "to": day.isoformat(),
    }


def benefit_query(
    rng: random.Random, day: datetime.date, serial: int, asker: str = "wellbeing-county"
) -> Generated:
    """A query about one person, as the asker (a key of `HABITS`) makes it."""
    body = {"person": person(rng).personal_identity_code, **_asking(rng, day, asker)}
    return Generated(encode(body), JSON, _message_id(rng, "q", serial))


def benefit_query_bulk(
    rng: random.Random,
    day: datetime.date,
    serial: int,
    asker: str = "pension-institution",
    persons_max: int = 50,
) -> Generated:
    """A query about 2 to `persons_max` persons."""
    codes = list(
        dict.fromkeys(
            person(rng).personal_identity_code for _ in range(rng.randint(2, persons_max))
        )
    )
    body = {"persons": codes, **_asking(rng, day, asker)}
    return Generated(encode(body), JSON, _message_id(rng, "b", serial), len(codes))


def records(code: str, query: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the register knows of a person in the time and groups of a query; None when it does not
    know the person.

    It follows from the code alone, so that the same person has the same past whoever asks; one in
    200 is unknown.
    """
    if _number(code, "known") % 200 == 0:
        return None
    groups = {group: _GROUPS[group](code, query) for group in query["data_groups"]}
    return {"person": code, **groups}


@functools.lru_cache(maxsize=256)
def _number(code: str, what: str) -> int:
    """What decides something of a person; 64 bits. Each group of data of an answer asks for the
    same again.
    """
    return int.from_bytes(hashlib.blake2b(f"{code}/{what}".encode(), digest_size=8).digest())


def _chance(number: int) -> random.Random:
    """Chance that follows from a number. Whoever gets it draws at once; one for all, since making
    one takes as long as seeding it twice.
    """
    _CHANCE.seed(number)
    return _CHANCE


@functools.lru_cache(maxsize=16_384)
def _day(month: int, day: int) -> str:
    return datetime.date(month // 12, month % 12 + 1, day).isoformat()


def _month(day: str) -> int:
    """The month of a day, counted from year 0."""
    return int(day[:4]) * 12 + int(day[5:7]) - 1


def _spells(
    code: str, query: Mapping[str, Any]
) -> Iterator[tuple[str, random.Random, int, int, float]]:
    """(benefit, chance, first month, month after the last, euros a month) of the benefits asked
    about that the person had.
    """
    for benefit in query["benefits"]:
        one_in, euros = _BENEFITS.get(benefit, (20, 200))
        # Most persons had no such benefit: seeding for each of them took a tenth of a query's time.
        if (number := _number(code, benefit)) % one_in == 0:
            rng = _chance(number)
            begin = _FIRST_MONTH + rng.randrange(16 * 12)
            yield (
                benefit,
                rng,
                begin,
                begin + rng.randint(3, 96),
                round(euros * rng.uniform(0.6, 1.4), 2),
            )


def _pendency(code: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    waiting = []
    for benefit, rng, begin, _, _ in _spells(code, query):
        received, state = (
            _day(begin - 1, rng.randint(1, 28)),
            rng.choice(("received", "in-progress", "more-information-asked")),
        )
        if query["from"] <= received <= query["to"]:
            waiting.append({"benefit": benefit, "received_on": received, "state": state})
    return waiting


def _decisions(code: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    decided = []
    for benefit, rng, begin, end, _ in _spells(code, query):
        first, last = _day(begin, 1), _day(end, 1)
        if first <= query["to"] and last >= query["from"]:
            on = _day(begin - 1, rng.randint(1, 28))
            decided.append(
                {
                    "benefit": benefit,
                    "decided_on": on,
                    "outcome": "granted",
                    "from": first,
                    "to": last,
                }
            )
    return decided


def _payments(code: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    paid = []
    for benefit, rng, begin, end, euros in _spells(code, query):
        day = rng.randint(1, 28)
        for month in range(max(begin, _month(query["from"])), min(end, _month(query["to"]) + 1)):
            if query["from"] <= (on := _day(month, day)) <= query["to"]:
                span = {"from": _day(month, 1), "to": _day(month, 28)}
                paid.append({"benefit": benefit, "paid_on": on, "amount": euros, **span})
    return paid


def _insurance(code: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    rng = _chance(_number(code, "insurance"))
    since = _day(_FIRST_MONTH - rng.randrange(120), 1)
    return [{"covered": rng.random() < 0.97, "from": since}] if since <= query["to"] else []


def _recovery(code: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    recovered = []
    for benefit, rng, begin, end, euros in _spells(code, query):
        on = _day(rng.randrange(begin, end), rng.randint(1, 28))
        if rng.random() < 0.15 and query["from"] <= on <= query["to"]:
            left = round(euros * rng.random(), 2)
            recovered.append({"benefit": benefit, "decided_on": on, "amount": euros, "left": left})
    return recovered


def _medicine_costs(code: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    years = []
    for year in range(int(query["from"][:4]), int(query["to"][:4]) + 1):
        rng = _chance(_number(code, f"medicine/{year}"))
        years.append({"year": year, "own_share": round(rng.expovariate(1 / 180), 2)})
    return years


_GROUPS: Mapping[str, Callable[[str, Mapping[str, Any]], list[dict[str, Any]]]] = {
    "pendency": _pendency,
    "decision": _decisions,
    "payments": _payments,
    "insurance": _insurance,
    "recovery": _recovery,
    "medicine-cost-ceiling": _medicine_costs,
}


def benefit_answer(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """The register's answer to some query."""
    query = json.loads(benefit_query(rng, day, serial).body)
    known = records(query["person"], query) or {"person": query["person"]}
    return Generated(encode({"results": [known]}), JSON, _message_id(rng, "a", serial))


def information_request(
    rng: random.Random, day: datetime.date, serial: int, county: str = "county.pirkanmaa"
) -> Generated:
    """Kela asks a county for one or two statements."""
    body = {
        "county": county,
        "person": person(
            rng, born_before=day.replace(year=day.year - 18, day=1)
        ).personal_identity_code,
        "benefit": "basic-social-assistance",
        "statements": rng.sample(list(STATEMENTS), rng.randint(1, 2)),
        "question": rng.choice(_QUESTIONS),
        "user": f"kela{rng.randint(1, 900):04d}",
        "answer_by": (day + datetime.timedelta(days=rng.randint(5, 14))).isoformat(),
    }
    return Generated(encode(body), JSON, _message_id(rng, "r", serial))


def statements(rng: random.Random, reference: str, asked: Sequence[str]) -> bytes:
    """A county's answer to the request `reference`: something to state of most that is asked."""
    given: list[dict[str, Any]] = []
    for name in asked:
        known = rng.random() < 0.8
        text = (
            {
                "text": "Asiakas on sosiaalihuollon asiakkaana; tieto on annettu "
                "asiakastietojärjestelmästä."
            }
            if known
            else {}
        )
        given.append({"statement": name, "known": known, **text})
    return encode(
        {"information_request": reference, "given": given, "user": f"user{rng.randint(1, 400):04d}"}
    )


def information_request_answer(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """A county's answer to some request."""
    asked = rng.sample(list(STATEMENTS), rng.randint(1, 2))
    body = statements(rng, _message_id(rng, "r", serial), asked)
    return Generated(body, JSON, _message_id(rng, "s", serial))


GENERATORS: dict[str, Generator] = {
    "kelmu.benefit-query": benefit_query,
    "kelmu.benefit-query-bulk": benefit_query_bulk,
    "kelmu.benefit-answer": benefit_answer,
    "kelmu.information-request": information_request,
    "kelmu.information-request-answer": information_request_answer,
}
