"""What a client was promised and what a receiver got, each by its own word; reads no ledger."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Sent:
    """A message that the exchange gave a receipt for."""

    receipt: str
    receiver: str
    conversation: str
    ordered: bool
    number: int
    digest: str


@dataclass
class ClientJournal:
    """Receipts by the sender's message id, and what else the exchange said."""

    receipts: dict[str, Sent] = field(default_factory=dict)
    #: Answers that were no receipt, by status; "hung" counts calls that nobody answered in time.
    refused: Counter[str] = field(default_factory=Counter)
    #: Refusals (503, 429) without a Retry-After.
    unexplained: int = 0

    def missing(self, stored: Mapping[str, str]) -> list[str]:
        """The acknowledged messages that are not stored under their receipts."""
        return [key for key, sent in self.receipts.items() if stored.get(key) != sent.receipt]


@dataclass(frozen=True)
class Arrival:
    """A delivery that came to a receiver."""

    receiver: str
    message_id: str
    delivery_id: str
    digest: str


class ReceiverJournal:
    """Arrivals in a file, each written before it is answered, so that a kill takes none away."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, arrival: Arrival) -> None:
        """Keep an arrival."""
        os.write(self._file, json.dumps(list(vars(arrival).values())).encode() + b"\n")

    def close(self) -> None:
        """Close the file; what was written stays."""
        os.close(self._file)

    @staticmethod
    def read(path: Path) -> list[Arrival]:
        """All arrivals, in their order; a last line that a kill cut off is no arrival."""
        whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
        return [Arrival(*json.loads(line)) for line in whole.splitlines()]


def faults(sent: dict[str, Sent], arrivals: list[Arrival]) -> list[str]:
    """What is wrong with what arrived, by the two journals alone: lost, altered, at another's,
    out of order.
    """
    first: dict[str, Arrival] = {}
    found = []
    newest: dict[str, int] = {}
    for arrival in arrivals:
        if (message := sent.get(arrival.message_id)) is None:
            continue
        if arrival.digest != message.digest:
            found.append(f"{arrival.message_id} was altered")
        if arrival.receiver != message.receiver:
            found.append(f"{arrival.message_id} went to {arrival.receiver}")
        if arrival.message_id in first:
            continue
        first[arrival.message_id] = arrival
        if message.ordered:
            before = newest.get(message.conversation, -1)
            if message.number < before:
                found.append(f"{arrival.message_id} came after number {before}")
            newest[message.conversation] = max(before, message.number)
    found += [f"{message_id} was lost" for message_id in sent if message_id not in first]
    return found
