"""The first half of the way for EESSI without a ledger: judges messages one after another and
remembers their cases; no assertion.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field, replace
from typing import Any

from exchange.adapters.eessi.case import Case, from_data
from exchange.adapters.eessi.channel import CHANNEL
from exchange.adapters.eessi.generate import messages
from exchange.adapters.eessi.generate.messages import KELA, Letter
from exchange.adapters.eessi.generate.sed_blocks import Scene, subject
from exchange.adapters.eessi.generate.seds import body
from exchange.journey.validate import Judge, Judgement
from exchange.ports import Context, Inbound, Remembered
from exchange.schemas import directory
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.violation import Violation

DIRECTORY = directory.load()
JUDGE = Judge(Catalogue.load())
#: A moment before every clock that a test may run under: a message may be old, but not from the
#: future.
LONG_AGO = datetime.datetime(2020, 1, 2, 12, tzinfo=datetime.UTC)
NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
SWEDEN, ESTONIA, NORWAY = "SE:1001", "EE:1001", "NO:1001"
DAY_MILLISECONDS = 86_400_000


@dataclass
class AccessPoint:
    """Cases as the exchange would remember them. `now` (milliseconds) is moved by the test."""

    now: int = int(NOON.timestamp() * 1000)
    known: dict[str, Remembered] = field(default_factory=dict)

    def take(self, content: bytes, institution: str) -> Judgement:
        """What becomes of a message of that institution; an accepted one changes its case."""
        partner = DIRECTORY.by_eessi_id(institution)
        assert partner is not None, institution
        reading = JUDGE.read(CHANNEL, Inbound(partner, content, "text/xml", "api"))
        context = Context(DIRECTORY, self.now, self.known)
        judgement = JUDGE.decide(CHANNEL, reading, context)
        if judgement.verdict.accepted:
            assert reading.parsed is not None
            assert reading.identity is not None
            for entry in CHANNEL.remember(
                reading.parsed, reading.identity, context, judgement.verdict
            ):
                self.known[entry.key] = Remembered(entry.value, entry.version + 1)
        return judgement

    def case(self, letter: Letter) -> Case:
        """The case that the letter belongs to."""
        return from_data(self.known[f"case:{letter.case_id}"].value)


@dataclass
class Play:
    """A case played through an access point: writes letters, sends them, keeps the last that was
    sent.
    """

    process: str
    sed: str
    owner: str = ESTONIA
    counterparties: tuple[str, ...] = (KELA,)
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    point: AccessPoint = field(default_factory=AccessPoint)
    created_at: datetime.datetime = NOON

    def __post_init__(self) -> None:
        self.who = subject(self.rng, self.created_at.date(), self.owner[:2])
        self.opening, self.opening_bytes = messages.open_case(
            self.rng,
            self.created_at,
            self.sed,
            self.process,
            self.owner,
            self.counterparties,
            self.who,
        )
        self.opened = self.point.take(self.opening_bytes, self.owner)

    def letter(self, sed: str, sender: str, to: Letter | None = None, **changes: Any) -> Letter:
        """A further document of the case by `sender`, related to `to` if given; `changes` are
        fields of the letter.
        """
        own = sender == self.owner
        others = tuple(name for name in (self.owner, *self.counterparties) if name != sender)
        letter = replace(
            self.opening,
            sed=sed,
            action="New",
            sender=sender,
            receivers=others if own else (self.owner,),
            sender_owns=own,
            message_id=messages.hex_id(self.rng),
            set_id=messages.hex_id(self.rng),
            related_set_id=to.set_id if to else "",
        )
        return replace(letter, **changes)

    def write(self, letter: Letter, about: Letter | None = None, named: str = "") -> bytes:
        """The letter as bytes. `about` is the document and `named` the institution that an
        administrative SED speaks of.
        """
        about = about or self.opening
        scene = Scene(
            self.rng,
            NOON.date(),
            self.who,
            letter.sender,
            named or letter.receivers[0],
            about.sed,
            about.set_id,
        )
        return messages.write(letter, body(letter.sed, scene))

    def send(
        self, sed: str, sender: str, to: Letter | None = None, named: str = "", **changes: Any
    ) -> tuple[Letter, list[Violation]]:
        """Write and send: the letter and what was found."""
        letter = self.letter(sed, sender, to, **changes)
        return letter, self.point.take(self.write(letter, to, named), sender).violations


def rules_of(violations: list[Violation]) -> list[str]:
    """The rules that were broken, in the order of the document."""
    return [violation.rule for violation in violations]
