"""How stubs misbehave: a seeded script of faults by partner or sector, read from TOML or short
texts; nothing that acts on them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.schemas import toml
from exchange.schemas.directory import SECTORS, Directory, Partner
from exchange.schemas.wrong_fields import nearest

#: slow: waits before it serves; refuse: takes nothing, says 403; down: says 503; twice: sends its
#: own answer twice; garbage: serves, then replies with bytes that mean nothing; drop: serves, then
#: closes the connection without a reply. lose: what the partner sends by itself never leaves it;
#: the only kind that is not about calls to the partner.
LOSE = "lose"
KINDS = ("slow", "refuse", "down", "twice", "garbage", "drop", LOSE)
EVERYBODY = "*"
SLOW_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the script: `target` is a partner id, a sector or `*`; `seconds` says how
    slow.
    """

    target: str
    kind: str
    probability: float
    seconds: float = SLOW_SECONDS

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; one of {', '.join(KINDS)}")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"a probability lies between 0 and 1, not at {self.probability}")
        if not (self.seconds >= 0 and math.isfinite(self.seconds)):
            raise ValueError(f"a fault lasts 0 seconds or more, not {self.seconds}")

    def concerns(self, partner: Partner) -> bool:
        """Whether this line is about that partner."""
        return self.target in (EVERYBODY, partner.id, partner.sector)


class Faults:
    """The script. What befalls the n-th call to a partner depends on seed, partner and n alone, not
    on other partners' calls.
    """

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self.faults = tuple(faults)
        self.seed = seed

    def befall(self, partner: Partner, number: int) -> Fault | None:
        """The fault that befalls the `number`-th call to the partner; lines are tried in order and
        the first hit counts.
        """
        return self._hit(partner, f"{self.seed}/{partner.id}/{number}", False)

    def loses(self, partner: Partner, number: int) -> bool:
        """Whether the `number`-th call that the partner would make by itself is lost before it is
        made.
        """
        return self._hit(partner, f"{self.seed}/{partner.id}/lost/{number}", True) is not None

    def _hit(self, partner: Partner, chance: str, losing: bool) -> Fault | None:
        if not self.faults:
            return None
        rng = random.Random(chance)
        for fault in self.faults:
            if (
                (fault.kind == LOSE) == losing
                and fault.concerns(partner)
                and rng.random() < fault.probability
            ):
                return fault
        return None


def from_text(text: str) -> Fault:
    """Read `target=kind:probability` or `target=kind:probability:seconds`
    (`unemployment-fund=slow:0.1:1.5`).

    Raises:
        ValueError: when it is not of that form, or the kind or a number is impossible.
    """
    target, equals, rest = text.strip().partition("=")
    kind, *numbers = rest.split(":")
    if not equals or not target or len(numbers) not in (1, 2):
        raise ValueError(f"not target=kind:probability[:seconds]: {text!r}")
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        raise ValueError(f"no numbers behind {target}={kind}: {':'.join(numbers)!r}") from None
    return Fault(target, kind, *values)


def from_toml(path: Path) -> list[Fault]:
    """Read a script: tables `[[fault]]` with `partner` or `sector` (neither: everybody), `kind`,
    `probability`, `seconds`.

    Raises:
        ValueError: naming the file, when it is no TOML, holds something else than such tables, a
            table has other keys, or names both a partner and a sector.
    """
    try:
        content = toml.parse(path.read_bytes())
        if unknown := set(content) - {"fault"}:
            raise ValueError(f"tables [[fault]] and nothing else, not {', '.join(sorted(unknown))}")
        return from_tables(content.get("fault", []))
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise ValueError(f"{path}: {error}") from error


def from_tables(tables: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """The faults that tables `[[fault]]` say.

    Raises:
        ValueError: when one has other keys, an impossible value, or both a partner and a sector.
    """
    return [_from_table(table) for table in tables]


def check_targets(faults: Iterable[Fault], directory: Directory) -> None:
    """Raises:
    ValueError: when a fault concerns nobody, with the nearest name.
    """
    names = [EVERYBODY, *SECTORS, *(partner.id for partner in directory)]
    for fault in faults:
        if fault.target not in names:
            near = nearest(fault.target, names)
            raise ValueError(f"{fault.target!r} is no partner, no sector and not *{near}")


def _from_table(table: Mapping[str, Any]) -> Fault:
    if "kind" not in table:
        raise ValueError(f"a fault says its kind: {', '.join(KINDS)}")
    if unknown := set(table) - {"partner", "sector", "kind", "probability", "seconds"}:
        raise ValueError(f"unknown keys in a fault: {', '.join(sorted(unknown))}")
    if "partner" in table and "sector" in table:
        raise ValueError("a fault is about a partner or a sector, not both")
    target = table.get("partner") or table.get("sector") or EVERYBODY
    return Fault(
        target,
        table["kind"],
        float(table.get("probability", 1.0)),
        float(table.get("seconds", SLOW_SECONDS)),
    )
