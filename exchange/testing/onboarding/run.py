"""One onboarding: a short-lived exchange with stubs for everybody else, the demands on a partner's
endpoints tried and its client watched.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exchange import discovery
from exchange.cli.simulating.scenario_run import only_errors_logged
from exchange.schemas.directory import Partner
from exchange.settings import Settings
from exchange.testing.embedded import Embedded
from exchange.testing.onboarding.client import NO_CLIENT, Client, untried
from exchange.testing.onboarding.demands import Found, demands, not_tried
from exchange.testing.onboarding.injected_faults import Hindrances
from exchange.testing.onboarding.journal import Journal, at_address, in_file
from exchange.testing.onboarding.pushes import Pushing
from exchange.testing.onboarding.recorded_calls import Carrier
from exchange.testing.onboarding.right_messages import NoSample, RightMessages

#: One attempt, and one more for the answer that is lost; a partner that fails is called all the
#: same.
DELIVERIES = {"attempts_max": 2, "failures_max": 1_000_000, "backoff_seconds_max": 1.0}
#: How long what was answered with 2xx may need to stand in the journal.
PATIENCE_SECONDS = 5.0
LATE_SECONDS = 5.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Bench:
    """The exchange of an onboarding, what carries its calls, and what hinders the client."""

    exchange: Embedded
    carrier: Carrier
    hindrances: Hindrances


@contextmanager
def bench(partner_id: str, port: int = 0, late_seconds: float = LATE_SECONDS) -> Iterator[Bench]:
    """An exchange for onboarding that partner, with a ledger that is thrown away."""
    made: list[Carrier] = []

    def carrier(settings: Settings) -> Carrier:
        made.append(Carrier(settings))
        return made[0]

    hindrances = Hindrances(partner_id, late_seconds)
    with (
        only_errors_logged(),
        tempfile.TemporaryDirectory(prefix="onboarding-") as folder,
        Embedded(
            Path(folder),
            port=port,
            transport=carrier,
            channels=hindrances.around(discovery.channels()),
            deliveries=DELIVERIES,
        ) as exchange,
    ):
        yield Bench(exchange, made[0], hindrances)


def journal_at(
    bench: Bench, partner: Partner, where: str, patience_seconds: float = PATIENCE_SECONDS
) -> Journal | None:
    """The journal at an address or in a file, which is there; None where neither is given.

    Raises:
        NoJournal: when there is none.
    """
    if not where:
        return None
    is_address = "://" in where
    read = at_address(bench.carrier, partner, where) if is_address else in_file(Path(where))
    journal = Journal(read, patience_seconds)
    bench.exchange.run(journal.taken())
    return journal


def pushed(bench: Bench, partner: Partner, journal: Journal | None) -> Iterator[Found]:
    """The demands on the partner's endpoints."""
    if partner.delivery == "mailbox":
        for demand in demands().values():
            if "url" in demand.needs:
                yield not_tried(demand.id, "", "the partner is not pushed to: it has a mailbox")
        return
    yield from Pushing(bench.exchange, bench.carrier, partner, journal).found()


def watched(
    bench: Bench, partner: Partner, seconds: float, begin: Callable[[int], None] = lambda _: None
) -> Sequence[Found]:
    """The demands on the partner's client, which has so many seconds; fewer, when all is seen.
    `begin` is told how many letters wait in the mailbox.
    """
    if not seconds:
        return [*untried(NO_CLIENT)]
    letters = _letters(bench, partner) if partner.delivery == "mailbox" else []
    client = Client(bench.exchange, partner, bench.hindrances, letters)
    begin(len(letters))
    until = time.monotonic() + seconds
    while not client.is_done and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return [*client.found()]


def _letters(bench: Bench, partner: Partner) -> list[int]:
    """Right messages of each type that can be put into the mailbox: the exchange's ids of them."""
    right, put = RightMessages(bench.exchange, partner), list[int]()
    for channel in discovery.channels().values():
        permitted = channel.permitted(partner)
        for message_type in permitted.receives if permitted.mailbox else ():
            try:
                put += right.put(channel, message_type)
            except NoSample:
                continue
    return put
