"""Whoever a generated message is about is of the one population, and lives on the day of the
message, unless it tells a death.
"""

from __future__ import annotations

import datetime
import random
import re

import pytest

from exchange import discovery
from exchange.schemas.persons import POPULATION

CODE = re.compile(rb"(?<!\w)[0-9]{6}[-+YXWVUABCDEF]9[0-9]{2}[0-9ABCDEFHJKLMNPRSTUVWXY](?!\w)")
#: Types whose persons may have died before the message, and how many days before.
TELLS_DEATHS = {
    "bilateral.circumstance-changes": 40,
    "population.deaths": 9,
    "population.changes": 9,
    # A list is of the month before, whose last day its persons lived to see.
    "kelmu.list-answer": 31,
}
#: The Incomes Register's persons are of employers' payrolls, made by the thousand; they are not of
#: the population yet.
TYPES = sorted(
    name for name in discovery.generators() if not name.startswith(("income-register.", "template"))
)


@pytest.mark.parametrize("year", [2023, 2026])
@pytest.mark.parametrize("message_type", TYPES)
def test_a_message_is_about_who_lives(message_type: str, year: int) -> None:
    generate = discovery.generators()[message_type]
    for serial in range(12):
        rng = random.Random(f"{message_type}/{serial}")
        day = datetime.date(year, 1, 10) + datetime.timedelta(days=27 * serial)
        body = generate(rng, day, serial).body
        for code in {match.decode() for match in CODE.findall(body)}:
            life = POPULATION.known(code, day.toordinal())
            assert life is not None, code
            assert life.death >= day.toordinal() - TELLS_DEATHS.get(message_type, 0), code
