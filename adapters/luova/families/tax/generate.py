"""Synthetic requests for taxation data and responses: texts with holes, artificial persons and
amounts only.
"""

from __future__ import annotations

import datetime
import random
from typing import get_args

from exchange.adapters.luova.synthetic import in_conversation, moment, new_id
from exchange.schemas.call import JSON
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.persons import person
from exchange.schemas.tax.models import Purpose

_PURPOSES = get_args(Purpose)
_PARTS = (
    '"earned-income"',
    '"earned-income","capital-income"',
    '"earned-income","capital-income","deductions"',
    '"earned-income","tax-card"',
)


def _code(rng: random.Random, date: datetime.date) -> str:
    return person(
        rng, date, datetime.date(date.year - 85, 1, 1), datetime.date(date.year - 17, 12, 31)
    ).personal_identity_code


def request(rng: random.Random, date: datetime.date, serial: int) -> Generated:
    """Kela's question about a person's taxation of last year or the one before; it opens a
    conversation of the same id.
    """
    chance = rng.random
    request_id = new_id("tax", rng, date, serial)
    body = (
        f'{{"requestId":"{request_id}","requestedAt":"{moment(rng, date)}",'
        f'"personalIdentityCode":"{_code(rng, date)}",'
        f'"taxYear":{date.year - 1 - int(chance() * 2)},'
        f'"purpose":"{_PURPOSES[int(chance() * len(_PURPOSES))]}",'
        f'"parts":[{_PARTS[int(chance() * 4)]}]}}'
    )
    return in_conversation(
        body=body, content_type=JSON, message_id=request_id, conversation=request_id
    )


def _sum(rng: random.Random, first: str, names: tuple[str, str, str], most: int) -> tuple[str, int]:
    """An object of amounts in whole euros and their total."""
    chance = rng.random
    values = [
        int(chance() * most),
        *(int(chance() * most * 0.1) if chance() < 0.3 else 0 for _ in names),
    ]
    members = "".join(
        f'"{name}":{value},' for name, value in zip((first, *names), values, strict=True)
    )
    return f'{{{members}"total":{sum(values)}}}', sum(values)


def response(
    rng: random.Random,
    date: datetime.date,
    serial: int,
    request_id: str = "",
    code: str = "",
    year: int = 0,
    message_id: str = "",
) -> Generated:
    """The answer to a request (default: to one that it makes up) about the person with that code
    and that year.
    """
    chance = rng.random
    year = year or date.year - 1
    request_id = request_id or new_id("tax", rng, date, serial)
    # The last taxations of a year end in October of the next: before that a good part is under way.
    finished = date >= datetime.date(year + 1, 11, 1) or (date.year > year and chance() < 0.6)
    held = '"status":"no-data"'
    if chance() < 0.98:
        earned, total = _sum(rng, "wages", ("pensions", "benefits", "other"), 52_000)
        capital, more = _sum(rng, "rents", ("dividends", "gains", "other"), 2_000)
        ended = min(date, datetime.date(year + 1, 4 + int(chance() * 7), 15))
        status = (
            f'"status":"finished","finishedOn":"{ended}"'
            if finished and ended.year > year
            else '"status":"under-way"'
        )
        rate = 8 + int(chance() * 25)
        held = (
            f'{status},"earnedIncome":{earned},"capitalIncome":{capital},'
            f'"deductions":{int(chance() * 2_500)},'
            f'"taxes":{(total * rate + more * 30) // 100},'
            f'"taxCard":{{"basicRatePercent":{rate},"additionalRatePercent":{rate + 15},'
            f'"incomeLimit":{total + 2_000}}}'
        )
    body = (
        f'{{"inReplyTo":"{request_id}","createdAt":"{moment(rng, date)}",'
        f'"personalIdentityCode":"{code or _code(rng, date)}","taxYear":{year},{held}}}'
    )
    message_id = message_id or new_id("txr", rng, date, serial)
    return in_conversation(
        body=body, content_type=JSON, message_id=message_id, conversation=request_id
    )


GENERATORS: dict[str, Generator] = {"tax.request": request, "tax.response": response}
