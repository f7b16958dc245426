"""What is demanded of a partner's program, as data (`demands.toml`), and what was found of each
demand; tries nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

from exchange.testing.onboarding.redaction import Shown

PATH = Path(__file__).with_name("demands.toml")

Verdict = Literal["passed", "failed", "not tried"]
Need = Literal["url", "journal", "client", "mailbox"]


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand: in a sentence, how it is tried, what to do where it is not met, what trying it
    needs, for what it is tried by itself, and the document that it is from.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: str
    title: str
    how: str
    mend: str
    needs: tuple[Need, ...]
    about: Literal["type", "channel", "once"]
    source: str


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """The headers by which a message is one of an ordered conversation (whether it is, which one),
    and whether 2xx says that a message was read.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    ordering: tuple[str, ...] = ()
    reads_first: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The verdict on a demand. `about` is the message type or channel that it was tried for, `why`
    says what was wrong or why it was not tried, `calls` show it.
    """

    demand: Demand
    verdict: Verdict
    about: str = ""
    why: str = ""
    calls: Sequence[Shown] = field(default=())

    @property
    def name(self) -> str:
        """The demand and what it was tried for."""
        return f"{self.demand.id} {self.about}".strip()


@cache
def demands() -> dict[str, Demand]:
    """Every demand by its id, in the order in which they are told."""
    return {each.id: each for each in TypeAdapter(list[Demand]).validate_python(_file()["demand"])}


def of_channel(name: str) -> ChannelFacts:
    """What a channel has of its own."""
    given = _file()["channels"].get(name, {})
    return TypeAdapter(ChannelFacts).validate_python(given)


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


def passed(name: str, about: str = "", calls: Sequence[Shown] = ()) -> Found:
    """That a demand is met."""
    return Found(demand=demands()[name], verdict="passed", about=about, calls=tuple(calls))


def failed(name: str, about: str, why: str, calls: Sequence[Shown] = ()) -> Found:
    """That it is not, and what was wrong."""
    calls = tuple(calls)
    return Found(demand=demands()[name], verdict="failed", about=about, why=why, calls=calls)


def not_tried(name: str, about: str, why: str) -> Found:
    """That nobody knows, and why."""
    return Found(demand=demands()[name], verdict="not tried", about=about, why=why)


def judged(name: str, about: str, wrong: str, calls: Sequence[Shown] = ()) -> Found:
    """Passed where nothing is wrong."""
    return failed(name, about, wrong, calls) if wrong else passed(name, about, calls)
