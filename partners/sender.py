"""The traffic of the stubs: an open loop that mixes flows by weight and sends them to the exchange;
no partner's behaviour.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Self

import aiohttp

from exchange.partners.stub import Flow, Sending, Situation, Stub, Wanted, as_it_likes
from exchange.schemas.call import Reply
from exchange.schemas.directory import Directory

#: Replies that ask the sender to come again rather than say that the message is wrong.
TRY_AGAIN = frozenset({408, 425, 429})
IN_FLIGHT_MAX = 256
DEPTH_MAX = 8
#: Room for the serial numbers of one chain of calls: 4,096.
CHAIN_BITS = 12
#: Room for the chains that one sender begins in a second: a million.
SECOND_BITS = 20
#: 2024-01-01 in seconds: where the numbers of live senders begin, so that they fit in 63 bits until
#: 2092.
EPOCH_SECONDS = 1_704_067_200
TIMEOUT_SECONDS = 30.0
REPORT_SECONDS = 1.0
#: How much of a refusal is shown.
REFUSAL_BYTES_MAX = 400
BEGIN_AGAIN_SECONDS = 1.0


@dataclass(slots=True)
class Tally:
    """What became of the calls of one flow. `accepted` 2xx, `rejected` 3xx and 4xx, `failed` no
    reply, 5xx or come again.
    """

    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    failed: int = 0
    items: int = 0


@dataclass(slots=True)
class Sent:
    """What was sent so far, by flow; `behind` counts calls that waited because too many were in
    flight already, `first_refusal` is the first reply that said no: flow, status, its beginning.
    """

    flows: dict[str, Tally] = field(default_factory=dict)
    behind: int = 0
    first_refusal: str = ""
    latency_seconds_total: float = 0.0
    latency_seconds_max: float = 0.0

    def of(self, flow: str) -> Tally:
        """The tally of a flow, a new one if need be."""
        return self.flows.setdefault(flow, Tally())

    @property
    def total(self) -> Tally:
        """All flows together."""
        tallies = self.flows.values()
        return Tally(*(sum(getattr(tally, name) for tally in tallies) for name in Tally.__slots__))


Report = Callable[[Sent], None]


def chains_from(nanoseconds: int, half: int = 0) -> int:
    """The number of a first chain that no sender had that began in another second; `half` (0 or 1)
    tells two of one second apart.
    """
    return (nanoseconds // 1_000_000_000 - EPOCH_SECONDS) << SECOND_BITS | half << (SECOND_BITS - 1)


class Chain:
    """A first call and all that follows from it: each gets a situation that depends on the seed and
    its place here alone.
    """

    def __init__(
        self, directory: Directory, seed: int, number: int, nanoseconds: Callable[[], int]
    ) -> None:
        self._directory = directory
        self._seed = seed
        self._serials = itertools.count(number << CHAIN_BITS)
        self._nanoseconds = nanoseconds

    def situation(
        self, wanted: Wanted = as_it_likes, to: Collection[str] = (), signs: bool = True
    ) -> Situation:
        """The situation of the next call; its serial number is unique over all chains."""
        serial = next(self._serials)
        rng = random.Random(self._seed << 64 | serial)
        return Situation(
            rng=rng,
            now=self._nanoseconds() // 1_000_000,
            serial=serial,
            directory=self._directory,
            wanted=wanted,
            to=to,
            signs=signs,
        )


class Sender:
    """Sends calls to the exchange and, after each reply, whatever follows from it. Use it as an
    async context.
    """

    def __init__(
        self,
        directory: Directory,
        exchange_url: str,
        seed: int,
        sent: Sent,
        nanoseconds: Callable[[], int] = time.time_ns,
        first: int = 1,
    ) -> None:
        self._directory = directory
        self._url = exchange_url.rstrip("/")
        self._seed = seed
        self._chains = itertools.count(first)
        self._nanoseconds = nanoseconds
        self._session: aiohttp.ClientSession | None = None
        self.sent = sent

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=IN_FLIGHT_MAX)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    def chain(self) -> Chain:
        """A new chain of calls."""
        return Chain(self._directory, self._seed, next(self._chains), self._nanoseconds)

    async def carry(
        self, flow: str, sending: Sending, chain: Chain, depth: int = 0
    ) -> Reply | None:
        """Make the call, count how it ended, and make the calls that follow (to a depth); None when
        there was no reply.
        """
        tally = self.sent.of(flow)
        tally.sent += 1
        tally.items += sending.items
        reply = await self._call(sending)
        if reply is None or reply.status >= 500 or reply.status in TRY_AGAIN:
            tally.failed += 1
        elif reply.status >= 300:
            tally.rejected += 1
            self.sent.first_refusal = self.sent.first_refusal or _told(flow, reply)
        else:
            tally.accepted += 1
        if reply is not None and sending.then is not None and depth < DEPTH_MAX:
            for following in sending.then(reply, chain.situation()):
                await self.carry(flow, following, chain, depth + 1)
        return reply

    async def _call(self, sending: Sending) -> Reply | None:
        assert self._session is not None, "use it as an async context"
        call = sending.call
        try:
            async with self._session.request(
                call.method,
                self._url + call.path,
                params=call.query or None,
                data=call.body or None,
                headers=call.headers,
                allow_redirects=False,
            ) as response:
                body = await response.read()
                return Reply(
                    response.status,
                    body,
                    response.headers.get("Content-Type", ""),
                    response.headers,
                )
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None


def _told(flow: str, reply: Reply) -> str:
    return f"{flow}: {reply.status} {reply.body[:REFUSAL_BYTES_MAX].decode(errors='replace')}"


async def begin(
    stubs: Sequence[Stub],
    directory: Directory,
    exchange_url: str,
    seed: int,
    nanoseconds: Callable[[], int] = time.time_ns,
) -> Sent:
    """Send what partners send once, when they begin; waits for an exchange that isn't there yet."""
    sent = Sent()
    async with Sender(
        directory=directory,
        exchange_url=exchange_url,
        seed=seed,
        sent=sent,
        nanoseconds=nanoseconds,
        first=chains_from(nanoseconds()),
    ) as sender:
        for stub in stubs:
            chain = sender.chain()
            for sending in stub.begin(directory, chain.situation()):
                await _carry_surely(sender, sending, chain)
    return sent


async def _carry_surely(sender: Sender, sending: Sending, chain: Chain) -> None:
    """Make a call again and again until there is a reply."""
    for wait_seconds in itertools.chain([0.0], itertools.repeat(BEGIN_AGAIN_SECONDS)):
        await asyncio.sleep(wait_seconds)
        if await sender.carry("beginning", sending, chain) is not None:
            return


async def send_traffic(
    stubs: Sequence[Stub],
    directory: Directory,
    exchange_url: str,
    rate: float,
    duration_seconds: float,
    seed: int,
    report: Report | None = None,
    nanoseconds: Callable[[], int] = time.time_ns,
    stop: asyncio.Event | None = None,
    first: int = 1,
) -> Sent:
    """Send `rate` calls a second for a while (0: until `stop` is set; without one until SIGINT or
    SIGTERM) and say what became of them.

    The loop is open: a call starts when its time has come, whether or not earlier ones were
    answered, and its latency counts from that time. The same seed and number of the `first` chain
    give the same sequence of flows and messages; a ledger that has seen them takes them for
    duplicates, so live traffic begins at `chains_from` the time.

    Raises:
        ValueError: when the rate is not positive or no stub has a flow.
    """
    flows = [flow for stub in stubs for flow in stub.flows(directory) if flow.weight > 0]
    if rate <= 0 or not flows:
        raise ValueError("traffic needs a positive rate and at least one flow")
    ended, sent = stop or asyncio.Event(), Sent()
    async with (
        Sender(
            directory=directory,
            exchange_url=exchange_url,
            seed=seed,
            sent=sent,
            nanoseconds=nanoseconds,
            first=first,
        ) as sender,
        asyncio.TaskGroup() as group,
    ):
        reporting = group.create_task(_report_regularly(sent, report)) if report else None
        with _signals(ended) if stop is None else nullcontext():
            await _open_loop(sender, flows, rate, duration_seconds, random.Random(seed), ended)
        if reporting:
            reporting.cancel()
    if report:
        report(sent)
    return sent


async def _open_loop(
    sender: Sender,
    flows: Sequence[Flow],
    rate: float,
    duration_seconds: float,
    rng: random.Random,
    stop: asyncio.Event,
) -> None:
    """Start calls on time until the end, then wait for those in flight."""
    loop = asyncio.get_running_loop()
    weights = list(itertools.accumulate(flow.weight for flow in flows))
    room = asyncio.Semaphore(IN_FLIGHT_MAX)
    begun = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in itertools.count():
            due = begun + number / rate
            if duration_seconds and due >= begun + duration_seconds:
                break
            if (early := due - loop.time()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), early)
            elif number % 64 == 0:
                await asyncio.sleep(0)
            if stop.is_set():
                break
            if room.locked():
                sender.sent.behind += 1
            await room.acquire()
            flow = rng.choices(flows, cum_weights=weights)[0]
            group.create_task(_one(sender, flow, sender.chain(), due, room))


async def _one(
    sender: Sender, flow: Flow, chain: Chain, due: float, room: asyncio.Semaphore
) -> None:
    loop = asyncio.get_running_loop()
    try:
        await sender.carry(flow.name, flow.make(chain.situation()), chain)
    finally:
        room.release()
        latency = loop.time() - due
        sender.sent.latency_seconds_total += latency
        sender.sent.latency_seconds_max = max(sender.sent.latency_seconds_max, latency)


async def _report_regularly(sent: Sent, report: Report) -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        report(sent)


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set the event while inside; where a loop takes no signal handlers, nothing
    is done.
    """
    loop = asyncio.get_running_loop()
    caught = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.set)
            caught.append(number)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
