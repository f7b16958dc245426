"""What proving a ledger found; how it is proved is the storage's."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Differences listed of each check; the number of all is always given.
EXAMPLES_MAX = 10


@dataclass(slots=True)
class Check:
    """One thing that must hold: how many rows break it, and some of them in words."""

    name: str
    broken: int = 0
    examples: list[str] = field(default_factory=list)

    def breaks(self, example: str) -> None:
        """Take down something that breaks it."""
        self.broken += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(example)


@dataclass(slots=True)
class Verification:
    """What `verify` found: the checks, per channel the sums that conservation is about, what is to
    be known though nothing is broken by it, and the newest link of each writer as a line.
    """

    checks: list[Check]
    channels: dict[str, dict[str, int]]
    notes: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether everything holds."""
        return not any(check.broken for check in self.checks)
