"""A scenario's file in TOML: who sends what when, faults, overrides, expected counts; reads it and
tells what is wrong with it.
"""

from __future__ import annotations

import datetime
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from exchange.partners.faults import Fault, check_targets, from_tables
from exchange.partners.overrides import Override, override_of
from exchange.schemas import guard, toml
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory
from exchange.schemas.wrong_fields import nearest, told
from exchange.simulation.scenarios.expectations import Expectation

FOLDER = Path(__file__).parent
#: A scenario is no longer, and sends no more.
SECONDS_MAX = 31 * 86_400
MESSAGES_MAX = 100_000
#: Hexadecimal digits of the file's SHA-256 in a token.
DIGEST_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Send:
    """`count` messages of `type` from `partner`, the first `at_seconds` after the beginning, then
    one every `every_seconds`; `to` is the receiver where there is a choice. Each is sent `again`
    times more, unchanged. `body` is sent as it stands, in the place of samples.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    partner: str
    type: str
    to: str = ""
    count: int = 1
    at_seconds: float = 0.0
    every_seconds: float = 0.0
    again: int = 0
    body: str = ""

    def __post_init__(self) -> None:
        if self.count < 1 or self.again < 0:
            raise ValueError("count: 1 or more; again: 0 or more")
        if not (0 <= self.at_seconds < math.inf and 0 <= self.every_seconds < math.inf):
            raise ValueError("at_seconds and every_seconds: 0 or more")

    @property
    def last_seconds(self) -> float:
        """When the last one is sent, from the beginning."""
        return self.at_seconds + (self.count - 1) * self.every_seconds


@dataclass(frozen=True, slots=True)
class Tables:
    """What stands in a file. `begins` is a time with its offset."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    begins: datetime.datetime
    lasts_seconds: float
    title: str = ""
    seed: int = 1
    send: tuple[Send, ...] = ()
    expect: tuple[Expectation, ...] = ()
    fault: tuple[dict[str, Any], ...] = ()
    override: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.begins.tzinfo is None:
            raise ValueError("begins: a time with its offset, as in 2026-11-30T06:00:00Z")
        if not 0 < self.lasts_seconds <= SECONDS_MAX:
            raise ValueError(f"lasts_seconds: more than 0, at most {SECONDS_MAX} (31 days)")
        if self.seed < 0:
            raise ValueError("seed: 0 or more")
        if not self.send or not self.expect:
            raise ValueError(
                "a scenario sends something ([[send]]) and expects something ([[expect]])"
            )
        if any(each.last_seconds >= self.lasts_seconds for each in self.send):
            raise ValueError("a message would be sent after the end: make lasts_seconds longer")
        if sum(each.count * (1 + each.again) for each in self.send) > MESSAGES_MAX:
            raise ValueError(f"more than {MESSAGES_MAX} messages")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that can be run: what its file says, the faults and overrides in it, and the
    beginning of the SHA-256 of its bytes.
    """

    name: str
    tables: Tables
    faults: tuple[Fault, ...]
    overrides: tuple[Override, ...]
    digest: str

    @property
    def begins_at(self) -> int:
        """The beginning, in milliseconds since 1970 UTC."""
        return round(self.tables.begins.timestamp() * 1000)


_TABLES = TypeAdapter(Tables)
_NAMES: Mapping[str, Sequence[str]] = {
    "send": [each.name for each in fields(Send)],
    "expect": [each.name for each in fields(Expectation)],
}


def names() -> list[str]:
    """The scenarios that the product carries."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str, directory: Directory) -> Scenario:
    """The scenario of a file, or one of those that the product carries.

    Raises:
        ValueError: in one line: the file, what is wrong in which table, what would be right.
    """
    path = FOLDER / f"{name}.toml" if name in names() else Path(name)
    try:
        content = path.read_bytes()
        return _scenario(path.stem, content, directory)
    except OSError as error:
        known = ", ".join(names())
        raise ValueError(f"{name}: {error.strerror}; scenarios by name: {known}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _scenario(name: str, content: bytes, directory: Directory) -> Scenario:
    data = toml.parse(content)
    try:
        tables = _TABLES.validate_python(data)
    except ValidationError as error:
        raise ValueError(_told(error.errors()[0])) from error
    if guard.in_text(content.decode("utf-8-sig")):
        raise ValueError(
            "it names a personal identity code that could be a living person's: artificial ones "
            "have individual numbers from 900 to 999"
        )
    for number, send in enumerate(tables.send, 1):
        _check(f"send {number}", send, directory)
    faults = tuple(from_tables(tables.fault))
    check_targets(faults, directory)
    return Scenario(
        name=name,
        tables=tables,
        faults=faults,
        overrides=tuple(
            override_of({"id": f"override {number}", **each}, directory)
            for number, each in enumerate(tables.override, 1)
        ),
        digest=hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS],
    )


def _check(place: str, send: Send, directory: Directory) -> None:
    partners = [partner.id for partner in directory]
    for name, partner in (("partner", send.partner), ("to", send.to)):
        if partner not in partners and (partner or name == "partner"):
            near = nearest(partner, partners)
            raise ValueError(f"{place}: {name}: no partner has the id {partner!r:.80}{near}")
    types = [each.name for each in Catalogue.load()]
    if send.type not in types:
        raise ValueError(f"{place}: type: there is no {send.type!r:.80}{nearest(send.type, types)}")


def _told(error: ErrorDetails) -> str:
    """A fault of a table in words: its name and its place among those of that name, from 1."""
    table, *rest = error["loc"] or ("",)
    if not rest or not isinstance(rest[0], int):
        return told(error, error["loc"], "scenario", [each.name for each in fields(Tables)])
    own = told(error, rest[1:], str(table), _NAMES.get(str(table), ()))
    return f"{table} {rest[0] + 1}: {own}"
