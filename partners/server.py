"""The host of all stubs: one web application under which every partner answers at `/<partner
id>/...`; no partner's behaviour.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from exchange.partners.control import Control
from exchange.partners.faults import Fault, Faults
from exchange.partners.overrides import Override, Overrides
from exchange.partners.sender import Sender, Sent, chains_from
from exchange.partners.signature import fault_of
from exchange.partners.stub import Served, Situation, Stub
from exchange.schemas.call import Call, Reply, problem
from exchange.schemas.directory import Directory, Partner

BODY_BYTES_MAX = 64 * 1024 * 1024
#: Arrivals that are remembered one by one; older ones stay in the counts only.
ARRIVALS_MAX = 100_000
#: Own-accord calls that may wait to be sent; more are dropped and counted.
FOLLOWING_MAX = 1_000
SENDERS = 8
SHUTDOWN_SECONDS = 5.0
DELIVERY_ID = "X-Delivery-Id"
GARBAGE_BYTES = 64
CHANCE_BITS = 128
#: As many as the serial numbers of live senders have.
SERIAL_BITS = 63


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that came to a partner. `status` 0: the connection was dropped. `fault` is the kind
    that befell it, if any.
    """

    partner: str
    method: str
    path: str
    delivery_id: str
    digest: str
    at: int
    status: int
    fault: str = ""


@dataclass(slots=True)
class Arrivals:
    """What came to the stubs: the latest calls one by one, and how often each delivery was served
    (2xx).
    """

    latest: list[Arrival] = field(default_factory=list)
    by_partner: Counter[str] = field(default_factory=Counter)
    served: Counter[tuple[str, str]] = field(default_factory=Counter)
    following_dropped: int = 0

    def note(self, arrival: Arrival, served: bool) -> None:
        """Remember an arrival; forget the older half when there are too many."""
        self.latest.append(arrival)
        self.by_partner[arrival.partner] += 1
        if arrival.delivery_id and served:
            self.served[arrival.partner, arrival.delivery_id] += 1
        if len(self.latest) > ARRIVALS_MAX:
            del self.latest[: ARRIVALS_MAX // 2]
        if len(self.served) > 2 * ARRIVALS_MAX:
            for key in list(itertools.islice(self.served, ARRIVALS_MAX)):
                del self.served[key]

    def duplicates(self) -> dict[tuple[str, str], int]:
        """Deliveries that were taken more than once: (partner, delivery id) -> how often."""
        return {key: times for key, times in self.served.items() if times > 1}


class StubHost:
    """Serves every stub's partners. Chance and ids of an answer come from the seed, the partner and
    the delivery that is answered, so that a second start on the same ledger gives no id anew. What
    a partner sends because of a delivery it sends once, however often the delivery comes. What
    `overrides` say of a call is done in the place of what the stub, or a fault, would do.
    """

    def __init__(
        self,
        stubs: Sequence[Stub],
        directory: Directory,
        faults: Faults,
        seed: int,
        exchange_url: str,
        nanoseconds: Callable[[], int],
    ) -> None:
        self._stubs = tuple(stubs)
        self._directory = directory
        self._faults = faults
        self._seed = seed
        self._nanoseconds = nanoseconds
        self._numbers: Counter[str] = Counter()
        self._following: asyncio.Queue[Served] = asyncio.Queue(FOLLOWING_MAX)
        self._workers: list[asyncio.Task[None]] = []
        self._exchange_url = exchange_url
        self.overrides = Overrides()
        self.arrivals = Arrivals()
        self.sent = Sent()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any call to any partner."""
        partner = self._directory.get(request.match_info["partner"])
        if partner is None:
            return _response(problem(404, "No such partner"))
        if not partner.is_played:
            told = f"{partner.id} plays itself: `url` or `played = false` in the directory says so"
            return _response(problem(404, "Not played", told))
        number = self._numbers[partner.id] = self._numbers[partner.id] + 1
        body = await request.read()
        call = Call(
            method=request.method,
            path="/" + request.match_info["rest"],
            headers=request.headers,
            body=body,
            query=request.query,
        )
        wrong = fault_of(partner, call, self._nanoseconds() // 1_000_000)
        override = None if wrong else self.overrides.meet(partner, call)
        fault = override.befalling if override else self._faults.befall(partner, number)
        if seconds := _delay_seconds(override, fault):
            await asyncio.sleep(seconds)
        reply = (override and override.reply) or self._reply(partner, call, fault, wrong)
        dropped = fault is not None and fault.kind == "drop"
        self._note(partner, call, 0 if dropped else reply.status, fault, 200 <= reply.status < 300)
        if dropped and request.transport is not None:
            request.transport.close()
        return _response(reply)

    def _reply(self, partner: Partner, call: Call, fault: Fault | None, wrong: str) -> Reply:
        kind = fault.kind if fault else ""
        if kind == "refuse":
            return problem(403, "Refused by a fault")
        if kind == "down":
            return problem(503, "Down by a fault")
        if wrong:
            return problem(401, "Not from the exchange", wrong)
        chance = _chance(self._seed, partner, call)
        rng = random.Random(chance)
        serial = chance >> CHANCE_BITS - SERIAL_BITS
        situation = Situation(rng, self._nanoseconds() // 1_000_000, serial, self._directory)
        for stub in self._stubs:
            served = stub.serve(partner, call, situation)
            if served is not None:
                again = (partner.id, call.headers.get(DELIVERY_ID, "")) in self.arrivals.served
                for _ in range(0 if again else 2 if kind == "twice" else 1):
                    self._follow(served)
                return (
                    Reply(200, rng.randbytes(GARBAGE_BYTES), "application/octet-stream")
                    if kind == "garbage"
                    else served.reply
                )
        return problem(404, "Not served", f"{partner.id} serves no such call")

    def _note(
        self, partner: Partner, call: Call, status: int, fault: Fault | None, served: bool
    ) -> None:
        digest = hashlib.blake2b(call.body, digest_size=16).hexdigest()
        delivery_id = call.headers.get(DELIVERY_ID, "")
        kind = fault.kind if fault else ""
        arrival = Arrival(
            partner=partner.id,
            method=call.method,
            path=call.path,
            delivery_id=delivery_id,
            digest=digest,
            at=self._nanoseconds() // 1_000_000,
            status=status,
            fault=kind,
        )
        self.arrivals.note(arrival, served)

    def _follow(self, served: Served) -> None:
        if not served.then:
            return
        if not self._exchange_url or self._following.full():
            self.arrivals.following_dropped += len(served.then)
            return
        self._following.put_nowait(served)

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """While the application runs: workers that send what partners send on their own accord
        after an answer.
        """
        first = chains_from(self._nanoseconds(), 1)
        async with Sender(
            directory=self._directory,
            exchange_url=self._exchange_url,
            seed=self._seed + 1,
            sent=self.sent,
            nanoseconds=self._nanoseconds,
            first=first,
        ) as sender:
            self._workers = [
                asyncio.create_task(self._send_following(sender)) for _ in range(SENDERS)
            ]
            yield
            for worker in self._workers:
                worker.cancel()
            for ended in await asyncio.gather(*self._workers, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended

    async def settle(self) -> None:
        """Wait until everything that partners wanted to send by now was sent."""
        await self._following.join()

    async def _send_following(self, sender: Sender) -> None:
        while True:
            served = await self._following.get()
            try:
                chain = sender.chain()
                for sending in served.then:
                    await sender.carry("answers", sending, chain)
            finally:
                self._following.task_done()


HOST: web.AppKey[StubHost] = web.AppKey("host", StubHost)


def _delay_seconds(override: Override | None, fault: Fault | None) -> float:
    if override is not None:
        return override.delay_seconds
    return fault.seconds if fault is not None and fault.kind == "slow" else 0.0


def _chance(seed: int, partner: Partner, call: Call) -> int:
    """What decides all chance of an answer: the delivery, or the call's own bytes where it names
    none.
    """
    said = call.headers.get(DELIVERY_ID, "").encode() or b"\0".join(
        (call.method.encode(), call.path.encode(), call.body)
    )
    digest = hashlib.blake2b(f"{seed}:{partner.id}:".encode(), digest_size=CHANCE_BITS // 8)
    digest.update(said)
    return int.from_bytes(digest.digest())


def _response(reply: Reply) -> web.Response:
    headers = dict(reply.headers)
    headers["Content-Type"] = reply.content_type
    return web.Response(status=reply.status, body=reply.body, headers=headers)


def stub_application(host: StubHost, control: Control) -> web.Application:
    """The web application around a host, with its own interface."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app[HOST] = host
    control.attach(app)
    app.router.add_route("*", "/{partner}/{rest:.*}", host.handle)
    app.cleanup_ctx.append(host.run)
    return app


async def serve_stubs(
    stubs: Sequence[Stub],
    directory: Directory,
    host: str,
    port: int,
    faults: Faults,
    seed: int,
    exchange_url: str = "",
    nanoseconds: Callable[[], int] = time.time_ns,
    control_key: str = "",
) -> web.AppRunner:
    """Start serving every partner of the directory and return the runner; `await runner.cleanup()`
    ends it.

    Port 0 takes a free one (`runner.addresses` says which). `exchange_url` is where partners send
    what they send on their own accord after an answer; empty: such sendings are dropped and
    counted. What arrived stands in `runner.app[HOST].arrivals`, what followed in `.sent`. Whoever
    changes what stubs answer needs `control_key`; empty: who does must be on this machine.

    Raises:
        OSError: when the address can't be taken.
    """
    stub_host = StubHost(
        stubs=stubs,
        directory=directory,
        faults=faults,
        seed=seed,
        exchange_url=exchange_url,
        nanoseconds=nanoseconds,
    )
    runner = web.AppRunner(
        stub_application(stub_host, Control(stub_host.overrides, directory, control_key)),
        access_log=None,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
