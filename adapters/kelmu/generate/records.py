"""What the stub of the benefit register knows of a person: benefits of her age and of her children,
from her registration to her death, as the population has it or Kela was told.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from exchange.schemas.persons import POPULATION, Life
from exchange.schemas.persons.reported_deaths import TOLD

Query = Mapping[str, Any]
#: Of which benefits the register knows something of one person in how many; in euros what a month
#: of it is about; from and to which age in years there is any (*modelled* after the public
#: conditions in broad lines).
_BENEFITS: Mapping[str, tuple[int, float, float, float]] = {
    "basic-social-assistance": (6, 480, 18, 120),
    "general-housing-allowance": (5, 320, 18, 65),
    "unemployment-security": (4, 800, 17, 65),
    "pensions": (2, 690, 65, 120),
    "pensioners-housing-allowance": (6, 240, 65, 120),
    "sickness-allowances": (4, 900, 16, 68),
    "rehabilitation-allowances": (12, 850, 16, 68),
    "rehabilitation-services": (12, 200, 16, 68),
    "financial-aid-for-students": (3, 270, 17, 45),
    "student-loan-deduction-and-compensation": (20, 40, 20, 45),
    "school-transport-subsidy": (8, 60, 15, 21),
    "conscripts-allowance": (30, 420, 18, 30),
    "disability-benefits": (10, 110, 0, 120),
    "medical-care-reimbursements": (2, 25, 0, 120),
    "medicine-reimbursement-rights": (5, 40, 0, 120),
    "additional-medicine-reimbursements": (10, 50, 0, 120),
    "special-care-allowance": (40, 900, 20, 60),
}
_OTHER_BENEFITS = (20, 200, 18, 120)
#: Benefits that a parent has for a child: of one child in how many, euros a month, from and to
#: which age of the child in years.
_FOR_A_CHILD: Mapping[str, tuple[int, float, float, float]] = {
    "maternity-grant": (1, 170, 0, 0.25),
    "parental-allowances": (1, 1_150, 0, 0.9),
    "child-care-support": (2, 380, 0.9, 3),
    "child-benefit": (1, 100, 0, 17),
    "child-maintenance-allowance": (8, 190, 1, 18),
    "child-maintenance-release": (30, 150, 1, 18),
}
#: What others send to Kela for a benefit, and from which sector (*modelled*).
_SENT: Mapping[str, tuple[str, str]] = {
    "basic-social-assistance": ("statement", "wellbeing-county"),
    "unemployment-security": ("earnings-data", "unemployment-fund"),
    "general-housing-allowance": ("wage-reports", "income-register"),
    "sickness-allowances": ("medical-certificate", "healthcare"),
    "disability-benefits": ("medical-certificate", "healthcare"),
    "pensions": ("pension-decision", "pension-institution"),
}
#: Benefits are told of these months only, as (year, month after its beginning).
_FIRST_MONTH, _END_MONTH = 2010 * 12, 2027 * 12
_MONTHS = (3, 96)
_YEAR_DAYS = 365.2425
_CHANCE = random.Random()


class Spell(NamedTuple):
    """A benefit in whole months, counted from year 0: the first and the one after the last."""

    benefit: str
    rng: random.Random
    begin: int
    end: int
    euros: float


def records(code: str, query: Query) -> dict[str, Any] | None:
    """What the register knows of a person in the time and groups of a query; None when it does not
    know the person, or did not yet by the end of that time.

    It follows from the code alone, so that the same person has the same past whoever asks.
    """
    life = POPULATION.find(code)
    if life is None or _iso(life.registered) > query["to"]:
        return None
    groups = {group: _GROUPS[group](life, query) for group in query["data_groups"]}
    return {"person": code, **groups}


@functools.lru_cache(maxsize=256)
def _number(of: str, what: str) -> int:
    """What decides something of a person; 64 bits. Each group of data of an answer asks for the
    same again.
    """
    return int.from_bytes(hashlib.blake2b(f"{of}/{what}".encode(), digest_size=8).digest())


def _chance(number: int) -> random.Random:
    """Chance that follows from a number. Whoever gets it draws at once; one for all, since making
    one takes as long as seeding it twice.
    """
    _CHANCE.seed(number)
    return _CHANCE


@functools.lru_cache(maxsize=16_384)
def _day(month: int, day: int) -> str:
    return datetime.date(month // 12, month % 12 + 1, day).isoformat()


@functools.lru_cache(maxsize=16_384)
def _iso(ordinal: int) -> str:
    return datetime.date.fromordinal(ordinal).isoformat()


def _month(day: str) -> int:
    """The month of a day, counted from year 0."""
    return int(day[:4]) * 12 + int(day[5:7]) - 1


def _spells(life: Life, query: Query) -> Iterator[Spell]:
    """The benefits asked about that the person had; none goes on after a death that Kela was told
    of, and what came before it stays as it was.
    """
    last = _month(_iso(TOLD.death(life)))
    for spell in _begun(life, query):
        if spell.begin < (end := min(spell.end, last)):
            yield spell._replace(end=end)


def _begun(life: Life, query: Query) -> Iterator[Spell]:
    for benefit in query["benefits"]:
        if benefit in _FOR_A_CHILD:
            yield from _of_children(life, benefit)
            continue
        one_in, euros, youngest, oldest = _BENEFITS.get(benefit, _OTHER_BENEFITS)
        # Most persons had no such benefit: seeding for each of them took a tenth of a query's time.
        if (number := _number(life.code, benefit)) % one_in == 0:
            first, end = _whole_months(life, life.birth, youngest, oldest)
            if first < end:
                rng = _chance(number)
                begin = rng.randrange(first, end)
                end = min(end, begin + rng.randint(*_MONTHS))
                monthly = round(euros * rng.uniform(0.6, 1.4), 2)
                yield Spell(benefit=benefit, rng=rng, begin=begin, end=end, euros=monthly)


def _of_children(life: Life, benefit: str) -> Iterator[Spell]:
    """What she has for her children; their mother has it, and the father where none is known."""
    one_in, euros, youngest, oldest = _FOR_A_CHILD[benefit]
    for child in life.children:
        number = _number(child.code, benefit)
        if number % one_in or life != (child.mother or child.father):
            continue
        first, end = _whole_months(life, child.birth, youngest, oldest, TOLD.death(child))
        if first < end:
            rng = _chance(number)
            yield Spell(benefit=benefit, rng=rng, begin=first, end=end, euros=euros)


def _whole_months(
    life: Life, birth: int, youngest: float, oldest: float, until: int = 1 << 30
) -> tuple[int, int]:
    """The months from the second whole one after the age is reached to before that of its end, so
    that a claim a month before lies within, too.
    """
    first = max(birth + int(youngest * _YEAR_DAYS), life.registered)
    end = min(birth + int(oldest * _YEAR_DAYS), life.death, until)
    return (
        max(_month(_iso(first)) + 2, _FIRST_MONTH),
        min(_month(_iso(end)), _END_MONTH),
    )


def _pendency(life: Life, query: Query) -> list[dict[str, Any]]:
    waiting = []
    for benefit, rng, begin, _, _ in _spells(life, query):
        received, state = (
            _day(begin - 1, rng.randint(1, 28)),
            rng.choice(("received", "in-progress", "more-information-asked")),
        )
        if query["from"] <= received <= query["to"]:
            waiting.append({"benefit": benefit, "received_on": received, "state": state})
    return waiting


def _decisions(life: Life, query: Query) -> list[dict[str, Any]]:
    decided = []
    for benefit, rng, begin, end, _ in _spells(life, query):
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


def _payments(life: Life, query: Query) -> list[dict[str, Any]]:
    paid = []
    for benefit, rng, begin, end, euros in _spells(life, query):
        day = rng.randint(1, 28)
        for month in range(max(begin, _month(query["from"])), min(end, _month(query["to"]) + 1)):
            if query["from"] <= (on := _day(month, day)) <= query["to"]:
                span = {"from": _day(month, 1), "to": _day(month, 28)}
                paid.append({"benefit": benefit, "paid_on": on, "amount": euros, **span})
    return paid


def _insurance(life: Life, query: Query) -> list[dict[str, Any]]:
    covered = _number(life.code, "insurance") % 100 < 97
    known: dict[str, Any] = {"covered": covered, "from": _iso(life.registered)}
    death = _iso(TOLD.death(life))
    return [known | {"to": death} if death <= query["to"] else known]


def _recovery(life: Life, query: Query) -> list[dict[str, Any]]:
    recovered = []
    for benefit, rng, begin, end, euros in _spells(life, query):
        on = _day(rng.randrange(begin, end), rng.randint(1, 28))
        if rng.random() < 0.15 and query["from"] <= on <= query["to"]:
            left = round(euros * rng.random(), 2)
            recovered.append({"benefit": benefit, "decided_on": on, "amount": euros, "left": left})
    return recovered


def _medicine_costs(life: Life, query: Query) -> list[dict[str, Any]]:
    first = max(int(query["from"][:4]), int(_iso(life.registered)[:4]))
    last = min(int(query["to"][:4]), int(_iso(TOLD.death(life))[:4]))
    years = []
    for year in range(first, last + 1):
        rng = _chance(_number(life.code, f"medicine/{year}"))
        years.append({"year": year, "own_share": round(rng.expovariate(1 / 180), 2)})
    return years


def _sent_by_others(life: Life, query: Query) -> list[dict[str, Any]]:
    """What others sent to Kela for the benefits asked about, in the month before each began."""
    sent = []
    for benefit, rng, begin, _, _ in _spells(life, query):
        received = _day(begin - 1, rng.randint(1, 28))
        if benefit in _SENT and query["from"] <= received <= query["to"]:
            kind, sender = _SENT[benefit]
            sent.append({"kind": kind, "sender": sender, "received_on": received})
    return sent


_GROUPS: Mapping[str, Callable[[Life, Query], list[dict[str, Any]]]] = {
    "pendency": _pendency,
    "decision": _decisions,
    "payments": _payments,
    "insurance": _insurance,
    "recovery": _recovery,
    "medicine-cost-ceiling": _medicine_costs,
    "sent-by-others": _sent_by_others,
}
