"""What is demanded of a partner's program, as data (`demands.toml`), and what was found of each
demand; tries nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

from exchange.testing.onboarding.shown import Shown

PATH = Path(__file__).with_name("demands.toml")

Verdict = Literal["passed", "failed", "not tried"]
Need = Literal["url", "journal", "client", "mailbox"]


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand: in a sentence, how it is tried, what that needs, for what it is tried by itself,
    and the document that it is from.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: str
    title: str
    how: str
    needs: tuple[Need, ...]
    about: Literal["type", "channel", "once"]
    source: str


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
    tables = tomllib.loads(PATH.read_text(encoding="utf-8"))["demand"]
    return {each.id: each for each in TypeAdapter(list[Demand]).validate_python(tables)}


def passed(name: str, about: str = "", calls: Sequence[Shown] = ()) -> Found:
    """That a demand is met."""
    return Found(demands()[name], "passed", about, "", tuple(calls))


def failed(name: str, about: str, why: str, calls: Sequence[Shown] = ()) -> Found:
    """That it is not, and what was wrong."""
    return Found(demands()[name], "failed", about, why, tuple(calls))


def not_tried(name: str, about: str, why: str) -> Found:
    """That nobody knows, and why."""
    return Found(demands()[name], "not tried", about, why)


def judged(name: str, about: str, wrong: str, calls: Sequence[Shown] = ()) -> Found:
    """Passed where nothing is wrong."""
    return failed(name, about, wrong, calls) if wrong else passed(name, about, calls)
