"""What the population register has of somebody at a time, by what was written down by then, and how
VTJkysely answers who asks by an identity code; every time is in seconds since 1970.

Source of the return codes: VTJHenkilotiedotKatalogi.xsd, as public clients of VTJkysely read them.
"""

from __future__ import annotations

from typing import NamedTuple

from exchange.schemas.persons.population import POPULATION, Life
from exchange.schemas.persons.registration_times import day_of_key, written_at

#: Return codes: a person is told; asked by a passive code, told with the active one; nobody has it.
FOUND, PASSIVE, NOT_FOUND = "0000", "0002", "0001"


class Found(NamedTuple):
    """What a code is answered: the return code, and whose it is."""

    return_code: str
    life: Life | None


def look_up(code: str, now: int) -> Found:
    """Who has or had an identity code in the register at a time."""
    life = POPULATION.known(code, day_of_key(now))
    if life is None or not is_in_register(life, now):
        return Found(NOT_FOUND, None)
    return Found(FOUND if code == life.code_on(day_of_key(now)) else PASSIVE, life)


def is_in_register(life: Life, now: int) -> bool:
    """Whether the register has somebody at a time."""
    return written_at(life, life.registered, "registered") <= now


def is_restricted(life: Life, now: int) -> bool:
    """Whether a restricted disclosure of somebody is in force at a time."""
    times = life.restricted
    if times is None or written_at(life, times[0], "restricted") > now:
        return False
    return times[1] > life.death or written_at(life, times[1], "unrestricted") > now


def death_of(life: Life, now: int) -> int | None:
    """The day (an ordinal) of a death that the register has at a time: also of one that was none,
    until that was put right. None: it takes her for living.
    """
    if written_at(life, life.death, "death") <= now:
        return life.death
    if (mistaken := life.mistaken) is None or written_at(life, mistaken[1], "cancelled") <= now:
        return None
    return mistaken[0] if written_at(life, mistaken[0], "mistaken") <= now else None
