"""All partners of a simulated year in one process: they send what the plan says, answer the
exchange's calls and send what follows; no sockets.

What a partner does is its stub's. Faults happen to it here as the host of the stubs makes them
happen over sockets.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any

from exchange.errors import Unreachable
from exchange.partners.faults import Fault, Faults
from exchange.partners.overrides import Overrides
from exchange.partners.signature import fault_of
from exchange.partners.stub import Sending, Served, Situation, Stub, Wanted, as_it_likes
from exchange.schemas.call import Call, Reply, problem
from exchange.schemas.directory import Directory, Partner
from exchange.simulation.clock import VirtualClock
from exchange.simulation.endpoints import InsideEndpoints
from exchange.simulation.plan import Arrival, Plan

#: Calls that partners make at once; more wait for those before them.
AT_ONCE_MAX = 64
#: How long a partner takes to send what follows from a call, in seconds (assumed).
FOLLOWS_SECONDS = (120, 1500)
#: What of a body tells it from others: ids stand near its beginning.
HEAD_BYTES = 4096
#: What follows tells nothing: each process signs with a key of its own.
SIGNATURE = b"<ds:Signature"
DEPTH_MAX = 8
GARBAGE_BYTES = 64
REFUSALS_KEPT = 5

#: Whether a partner (by id) is cut off at a time (milliseconds).
IsCut = Callable[[str, int], bool]
#: A moment (milliseconds), a serial number and the calls that a partner makes then.
Following = tuple[int, int, Sequence[Sending]]


def nobody(partner: str, at: int) -> bool:
    """Nobody is ever cut off."""
    return False


@dataclass(slots=True)
class Made:
    """What the partners did: calls made and refused (and the first refusals, in words), calls that
    a fault lost.

    `proof` says what the ledger did not bear out when it was recounted; empty when it was clean.
    """

    calls: int = 0
    items: int = 0
    refused: int = 0
    lost: int = 0
    refusals: list[str] = field(default_factory=list)
    proof: str = ""


class LocalPartners:
    """The partners' side of a simulated year; it is the exchange's transport, too."""

    def __init__(
        self,
        stubs: Sequence[Stub],
        directory: Directory,
        plan: Plan,
        faults: Faults,
        clock: VirtualClock,
        is_cut: IsCut = nobody,
        overrides: Overrides | None = None,
    ) -> None:
        self._stubs = tuple(stubs)
        self._directory = directory
        self._plan = plan
        self._faults = faults
        self._clock = clock
        self._is_cut = is_cut
        self._overrides = overrides or Overrides()
        self._endpoints: InsideEndpoints | None = None
        #: Of the day's messages that are to be answered: by their beginning, how much of each type.
        self._answers: dict[bytes, dict[str, int]] = {}
        #: How often a call with that body came, so that each attempt meets a fault of its own.
        self._times: dict[bytes, int] = {}
        #: What partners are to send on their own accord, by the beginning of the tick in which they
        #: do.
        self._following: dict[int, list[Following]] = {}
        self._senders: set[asyncio.Task[None]] = set()
        #: Chance, seeded anew for each call: whoever gets it draws at once, and making one takes
        #: twice as long as seeding it.
        self._rng = random.Random()
        self.made = Made()

    def go_through(self, endpoints: InsideEndpoints) -> None:
        """Where the partners' calls go."""
        self._endpoints = endpoints

    def end_day(self) -> None:
        """Forget what only a day's messages needed; whatever failed in what partners sent on their
        own accord is raised here.
        """
        self._answers.clear()
        self._times.clear()
        ended = {sender for sender in self._senders if sender.done()}
        self._senders -= ended
        # (Each is asked: what nobody asks for, the loop tells whoever comes next.)
        if failed := [error for sender in ended if (error := sender.exception())]:
            raise failed[0]

    async def begin(self, part: int = 0, parts: int = 1) -> None:
        """Let the partners send what they send once, when they begin; `part` of `parts` exchanges
        that begin at the same time.

        Each call has its own moment of what is left of the tick, which it shares with none of the
        other exchanges': all at once they would be the busiest minute of a small year.
        """
        sendings = [
            each for stub in self._stubs for each in stub.begin(self._directory, self._situation(0))
        ]
        begun_at, tick = self._clock.now(), self._clock.tick
        apart = (tick - begun_at % tick) // (parts * max(1, len(sendings)))
        for number, sending in enumerate(sendings):
            # A task of its own, so that only what it does has that moment for its time.
            await asyncio.create_task(
                self._begin_at(begun_at + (number * parts + part) * apart, sending)
            )

    async def _begin_at(self, at: int, sending: Sending) -> None:
        self._clock.stand(at)
        await self._carry(sending, itertools.count(), 0)

    async def send_planned(self, arrival: Arrival) -> None:
        """Make a planned call and what follows from its reply."""
        self._clock.stand(arrival.at)
        flow = self._plan.flow(arrival.planned)
        partner = self._directory.get(flow.partner)
        if partner is not None and self._faults.loses(partner, arrival.serial):
            self.made.lost += 1
            return
        serials = itertools.count(arrival.serial)
        wanted = dict(zip(self._plan.answer_types(arrival.planned), arrival.answers, strict=True))
        own = {} if arrival.items is None else {flow.message_type: arrival.items}
        sending = flow.make(self._situation(next(serials), {**wanted, **own}.get))
        if wanted:
            self._answers[_head(sending.call.body)] = wanted
        await self._carry(sending, serials, 0)

    async def _carry(self, sending: Sending, serials: itertools.count[int], depth: int) -> None:
        assert self._endpoints is not None, "go_through comes first"
        made = self.made
        made.calls += 1
        made.items += sending.items
        reply = await self._endpoints.call(sending.call)
        if reply.status >= 400:
            made.refused += 1
            if len(made.refusals) < REFUSALS_KEPT:
                made.refusals.append(
                    f"{sending.call.path}: {reply.status} "
                    f"{reply.body[:300].decode('utf-8', 'replace')}"
                )
        if sending.then is not None and depth < DEPTH_MAX:
            for following in sending.then(reply, self._situation(next(serials))):
                await self._carry(following, serials, depth + 1)

    def _situation(self, serial: int, wanted: Wanted = as_it_likes) -> Situation:
        return Situation(
            rng=self._rng,
            now=self._clock.now(),
            serial=serial,
            directory=self._directory,
            wanted=wanted,
            seed=self._plan.seed << 64 | serial,
            signs=False,
        )

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """The stub's reply to the exchange's call.

        Raises:
            Unreachable: when a fault keeps the reply away.
        """
        if self._is_cut(partner.id, self._clock.now()):
            raise Unreachable("cut off")
        head = _head(call.body)
        number = int.from_bytes(head[:7], "big")
        override = self._overrides.meet(partner, call)
        if override is not None:
            await self._wait(override.delay_seconds, timeout_seconds)
            if override.reply is not None:
                return override.reply
        fault = override.befalling if override else self._fault(partner, head, number)
        kind = fault.kind if fault else ""
        if fault is not None and kind == "slow":
            await self._wait(fault.seconds, timeout_seconds)
        if kind == "refuse":
            return problem(403, "Refused by a fault")
        if kind == "down":
            return problem(503, "Down by a fault")
        served = self._serve(partner, call, head, number)
        for _ in range(2 if kind == "twice" else 1):
            self._follow(partner, served, number)
        if kind == "drop":
            raise Unreachable("dropped by a fault")
        if kind == "garbage":
            return Reply(
                200,
                self._situation(number).rng.randbytes(GARBAGE_BYTES),
                "application/octet-stream",
            )
        return served.reply

    def _fault(self, partner: Partner, head: bytes, number: int) -> Fault | None:
        """What befalls this call by the script of faults."""
        if not self._faults.faults:
            return None
        times = self._times[head] = self._times.get(head, 0) + 1
        return self._faults.befall(partner, number + times)

    async def _wait(self, seconds: float, timeout_seconds: float) -> None:
        """Let a caller wait, who does not wait for ever."""
        if seconds:
            await self._clock.sleep(min(seconds, timeout_seconds))
        if seconds >= timeout_seconds:
            raise Unreachable(f"no response within {timeout_seconds:g} s")

    def _serve(self, partner: Partner, call: Call, head: bytes, number: int) -> Served:
        answers = self._answers.get(head)
        situation = self._situation(number, as_it_likes if answers is None else answers.get)
        # (Its time passes in ticks: a push is of any age.)
        if wrong := fault_of(partner, call, None):
            return Served(problem(401, "Not from the exchange", wrong))
        for stub in self._stubs:
            served = stub.serve(partner, call, situation)
            if served is not None:
                return served
        return Served(problem(404, "Not served", f"{partner.id} serves no such call"))

    def _follow(self, partner: Partner, served: Served, number: int) -> None:
        if not served.then:
            return
        if self._faults.loses(partner, number):
            self.made.lost += len(served.then)
            return
        least, most = FOLLOWS_SECONDS
        at = self._clock.now() + (least + number % (most - least)) * 1000
        tick = at - at % self._clock.tick
        if tick not in self._following:
            self._following[tick] = []
            self._senders.add(asyncio.create_task(self._send_following(tick)))
        self._following[tick].append((at, number, served.then))

    async def _send_following(self, tick: int) -> None:
        """Once the tick has come, make its calls in parts that are made at once."""
        await self._clock.until(tick)
        await at_once(self.send_at(*each) for each in self._following.pop(tick))

    async def send_at(self, at: int, number: int, sendings: Sequence[Sending]) -> None:
        """Make calls, and what follows from their replies, at a moment of the present tick
        (milliseconds); serial numbers begin at `number`.
        """
        self._clock.stand(at)
        serials = itertools.count(number)
        for sending in sendings:
            await self._carry(sending, serials, 0)


async def at_once(calls: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Make the calls in parts that are made at once, each with a moment of its own."""
    calls = iter(calls)
    while part := list(islice(calls, AT_ONCE_MAX)):
        tasks = [asyncio.create_task(call) for call in part]
        try:
            # One after the other: whoever waits for all at once is told of each.
            for task in tasks:
                await task
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise


def _head(body: bytes) -> bytes:
    return blake2b(body[:HEAD_BYTES].partition(SIGNATURE)[0], digest_size=8).digest()
