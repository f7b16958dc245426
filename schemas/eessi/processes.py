"""The EESSI processes (BUCs) read from `processes.toml`, as values; no case and no verdict on a
message.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

PATH = Path(__file__).with_name("processes.toml")

#: PO is the case owner, CP a counterparty (the names of RINA's application roles).
Role = Literal["PO", "CP"]


@dataclass(frozen=True, slots=True)
class Step:
    """Once `after` is sent or received (`on`) by an institution in `role`, it may create or reply
    with these SEDs.
    """

    role: Role
    on: Literal["send", "receive"]
    after: str
    create: tuple[str, ...] = ()
    reply: tuple[str, ...] = ()
    delay_days: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """A SED about a document of the case: `flag` or `documents` say about which, `by` says from
    whom.
    """

    sed: str
    by: Literal["sender", "receiver"]
    flag: str = ""
    documents: tuple[str, ...] = ()
    effect: str = ""
    when_closed: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """What an administrative SED does to the case; `institution` is the path in it of the
    institution concerned.

    `anybody` lets every participant send it whatever the steps say.
    """

    sed: str
    effect: Literal["close", "reopen", "add", "remove", "forward", "replace"]
    institution: str = ""
    when_open: bool = True
    when_closed: bool = False
    anybody: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """One BUC: the SED that opens it, its steps and the flags of its SEDs."""

    name: str
    version: str
    opens: str
    participants: Literal["bilateral", "multilateral"]
    title: dict[str, str]
    step: tuple[Step, ...]
    updatable: tuple[str, ...] = ()
    cancellable: tuple[str, ...] = ()
    rejectable: tuple[str, ...] = ()
    clarifiable: tuple[str, ...] = ()
    attachable: tuple[str, ...] = ()

    def has_flag(self, sed: str, flag: str) -> bool:
        """Whether documents of that SED have the flag (`updatable`, ...); the empty flag is had by
        all.
        """
        return not flag or sed in getattr(self, flag)


@dataclass(frozen=True, slots=True)
class Processes:
    """All processes with what holds in every one of them."""

    by_name: dict[str, Process]
    about: tuple[About, ...]
    effects: dict[str, Effect] = field(default_factory=dict)

    def get(self, name: str, version: str = "") -> Process | None:
        """The process of that name and, when one is given, version."""
        process = self.by_name.get(name)
        return process if process and version in ("", process.version) else None

    def ever(self, process: Process, role: Role) -> list[str]:
        """Every SED that an institution in that role may send at some point of the process, in the
        order of the process.
        """
        found = [process.opens] if role == "PO" else []
        for step in process.step:
            if step.role == role:
                found += [*step.create, *step.reply]
        found += [
            about.sed for about in self.about if not about.flag or getattr(process, about.flag)
        ]
        found += [effect.sed for effect in self.effects.values() if effect.anybody]
        return list(dict.fromkeys(found))

    def effect_of(self, sed: str) -> str:
        """What that SED does to a case or to the document that it is about; empty for most."""
        if sed in self.effects:
            return self.effects[sed].effect
        return next((about.effect for about in self.about if about.sed == sed), "")


def _frozen(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
    }


@functools.cache
def load(path: Path = PATH) -> Processes:
    """Read the file.

    Raises:
        ValueError: when a process stands twice.
        TypeError: when an entry has a key that means nothing.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    processes = [
        Process(**_frozen({**entry, "step": [Step(**_frozen(step)) for step in entry["step"]]}))
        for entry in data["process"]
    ]
    by_name = {process.name: process for process in processes}
    if len(by_name) != len(processes):
        raise ValueError(f"{path.name}: a process stands twice")
    effects = {entry["sed"]: Effect(**entry) for entry in data["effect"]}
    return Processes(by_name, tuple(About(**_frozen(entry)) for entry in data["about"]), effects)
