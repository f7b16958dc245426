"""One drill: a receiver, an exchange and a client with journals of their own, and at the end the
account of what was acknowledged, stored, delivered, counted and repeated.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from exchange.storage.codec import unpack
from exchange.storage.proof.verify import verify
from exchange.storage.snapshot import Where, snapshot
from tests.drills.client import Client
from tests.drills.journal import Arrival, ReceiverJournal, faults
from tests.drills.receiver import Receiver
from tests.drills.server import Server, busy

#: `make drills` sets the number of kills; without it the drills take their short form.
FULL = "DRILLS" in os.environ
KILLS = int(os.environ.get("DRILLS", "2"))
#: How long a sender pauses after each receipt: other drills and tests run beside this one. Only where
#: processes are killed, at full length, there is always something on its way.
PAUSE_SECONDS = 0.02
#: Drills of one kind other than kills, where there may be few or many.
ROUNDS = 10 if FULL else 1
#: Within so many seconds something is delivered, as long as something waits.
SETTLE_SECONDS = 60.0
READY_SECONDS = 5.0
#: Deliveries that are out when a process dies may come again: `deliveries.concurrent_max`.
REPEATED_MAX = 64


@dataclass(frozen=True)
class Row:
    """A line of the table. `ready` are the seconds from the last start to ready, 0 for none."""

    drill: str
    acknowledged: int
    stored: int
    delivered: int
    counted: int
    repeated: int
    ready: float
    seen: str = ""


def stored(where: Where) -> dict[str, str]:
    """Receipt ids by the message id of the drills' senders, as a ledger has them."""
    with snapshot(where) as ledger:
        rows = ledger.execute(
            "SELECT sender_message_id, id FROM message "
            "WHERE state='accepted' AND sender_message_id LIKE 'drill-%'"
        )
        return {name: f"{number:032x}" for name, number in rows}


@dataclass
class Drill:
    """What runs in a drill; `ready` gathers the seconds of each start."""

    server: Server
    receiver: Receiver
    client: Client
    arrivals_path: Path
    ready: list[float] = field(default_factory=list)
    #: What the promise is held against: the same, or on a busy machine the processor time of it.
    judged: list[float] = field(default_factory=list)

    async def start(self) -> None:
        """Start the exchange and wait until it is ready."""
        seconds = await self.server.start(self.client.session)
        self.ready.append(seconds)
        self.judged.append(self.server.spent_seconds() if busy() else seconds)

    async def kill(self) -> None:
        """Kill -9 what was started, and start it again."""
        await self.server.signal(signal.SIGKILL)
        await self.start()

    def arrivals(self) -> list[Arrival]:
        """What the receiver got so far."""
        return ReceiverJournal.read(self.arrivals_path)

    async def settled(self, seconds: float = SETTLE_SECONDS) -> dict[str, int]:
        """Wait until every receipt was delivered and nothing waits; what is counted then. It may
        take as long as something is delivered within each of so many seconds.
        """
        delivered, until = -1, 0.0
        while True:
            counts = await self.server.snapshot(self.client.session)
            if counts["delivered"] != delivered:
                delivered, until = counts["delivered"], time.monotonic() + seconds
            lost: set[str] = set()
            # (Reading all arrivals takes long where there are many.)
            if not counts["waiting"] or time.monotonic() > until:
                arrived = {arrival.message_id for arrival in self.arrivals()}
                lost = set(self.client.journal.receipts) - arrived
                if not lost and not counts["waiting"] and counts["accepted"] >= len(arrived):
                    return counts
            assert time.monotonic() < until, f"{len(lost)} not delivered: {counts}"
            await asyncio.sleep(0.1)

    def stored(self) -> dict[str, str]:
        """Receipt ids by sender's message id, as the ledger has them."""
        return stored(self.server.where)

    def altered(self) -> list[str]:
        """Acknowledged messages whose stored body is not what was sent."""
        receipts = self.client.journal.receipts
        with snapshot(self.server.where) as ledger:
            rows = ledger.execute(
                "SELECT sender_message_id, codec, content FROM message "
                "JOIN body ON body.message_id=message.id WHERE sender_message_id LIKE 'drill-%'"
            )
            found = {name: hashlib.sha256(unpack(*body)).hexdigest() for name, *body in rows}
        return [name for name, sent in receipts.items() if found.get(name) != sent.digest]

    async def proved(self) -> None:
        """The ledger is clean by `exchange verify`; in the short form without another process."""
        if FULL:
            code, said = await self.server.verify()
            assert code == 0, said
            return
        result = await asyncio.to_thread(verify, self.server.where)
        broken = [check for check in result.checks if check.broken]
        assert not broken, broken

    async def account(
        self,
        name: str,
        seen: str = "",
        repeated_max: int = 0,
        fetch: Callable[[], None] = lambda: None,
    ) -> Row:
        """End the traffic, compare all journals, stop the exchange, recount its ledger.

        Nothing acknowledged may be lost, altered, out of order, or counted otherwise than once;
        what came to the receiver more than once is at most `repeated_max`. `fetch` brings the
        ledger of a stopped exchange to where it can be read.
        """
        await self.client.end()
        counts = await self.settled()
        await self.server.signal(signal.SIGTERM)
        fetch()
        kept, arrivals = await asyncio.to_thread(self.stored), self.arrivals()
        receipts = self.client.journal.receipts
        wrong = self.client.journal.missing(kept)
        assert not wrong, f"{len(wrong)} acknowledged messages are not stored: {wrong[:5]}"
        wrong = await asyncio.to_thread(self.altered)
        assert not wrong, f"{len(wrong)} acknowledged messages are stored altered: {wrong[:5]}"
        wrong = faults(receipts, arrivals)
        assert not wrong, f"{len(wrong)} faults of what arrived: {wrong[:5]}"
        delivered = {arrival.message_id for arrival in arrivals}
        repeated = len(arrivals) - len(delivered)
        counted = counts["accepted"], counts["delivered"]
        assert counted == (len(kept), len(kept)), f"{counted} counted of {len(kept)}"
        assert delivered == set(kept), f"{len(delivered)} delivered of {len(kept)}"
        assert repeated <= repeated_max, f"{repeated} deliveries came again"
        assert self.client.journal.unexplained == 0, "a refusal without Retry-After"
        await self.proved()
        ready = max(self.ready)
        if FULL:
            judged = max(self.judged)
            assert judged <= READY_SECONDS, f"ready after {judged:.1f} s"
        return Row(
            drill=self.server.named(name),
            acknowledged=len(receipts),
            stored=len(kept),
            delivered=len(delivered),
            counted=counts["accepted"],
            repeated=repeated,
            ready=round(ready, 1),
            seen=seen,
        )


@asynccontextmanager
async def drilling(
    folder: Path,
    workers: int = 1,
    before: Sequence[str] = (),
    module: str = "exchange",
    environment: Mapping[str, str] | None = None,
    partners: str = "",
    senders: int = 8,
    ledger: Where | None = None,
    pause_seconds: float = PAUSE_SECONDS,
) -> AsyncIterator[Drill]:
    """A drill with a started exchange; `partners` is the address of another receiver than ours."""
    arrivals = folder / "arrivals.jsonl"
    journal = ReceiverJournal(arrivals)
    receiver = Receiver(journal)
    address = partners or await receiver.start()
    server = Server(folder, address, workers, before, module, environment, ledger)
    try:
        async with Client(server.url, senders, pause_seconds=pause_seconds) as client:
            drill = Drill(server, receiver, client, arrivals)
            await drill.start()
            yield drill
    finally:
        await server.clear()
        await receiver.close()
        journal.close()
