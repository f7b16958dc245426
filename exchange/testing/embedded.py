"""An exchange and the stubs of all partners in this process, on a loop of their own and free ports:
nothing is shared with another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, TypeVar

from exchange import discovery
from exchange.assembly import Exchange, played_directory
from exchange.cli.serving.port import bind
from exchange.cli.simulating.timeline import timeline
from exchange.client import Client, NotYet, Pushes
from exchange.client.errors import violation_of
from exchange.client.loop_thread import LoopThread
from exchange.client.pushes import Answer, received
from exchange.partners import faults as scripts
from exchange.partners.faults import Faults
from exchange.partners.overrides import override_of
from exchange.partners.server import HOST, StubHost, serve_stubs
from exchange.ports import Channel, MessageRow
from exchange.ports.rows import DeliveryRow, MessageFilter
from exchange.schemas.directory import Directory, Partner, check_added, partner_of
from exchange.schemas.identifiers import make_business_id
from exchange.schemas.value import value
from exchange.schemas.violation import Violation
from exchange.settings import Settings, load
from exchange.testing.clock import HandClock
from exchange.web.access.new_keys import new_key
from exchange.web.partner_calls import HttpTransport
from exchange.web.serving import serving

Result = TypeVar("Result")

HOST_NAME = "127.0.0.1"
LOOK_SECONDS = 0.02
#: Messages that are looked at, the newest.
MESSAGES_MAX = 10_000
#: The first seven digits of the first business id that is made for a partner.
BUSINESS_ID_FIRST = 9_900_000
#: So that a test does not wait: a first attempt again, and a look for what is due, in seconds.
DELIVERIES = {"first_backoff_seconds": 0.05, "poll_seconds": 0.05, "probe_seconds_max": 0.5}


@value
class Received:
    """A message that came to the exchange: `state` is accepted or rejected, `violations` what was
    found.
    """

    id: int
    channel: str
    message_type: str
    sender: str
    message_id: str
    state: str
    violations: tuple[Violation, ...]


@value
class OwnPartner:
    """A partner that the test plays: its key and secret, a client that is it, and what is pushed to
    it.
    """

    partner: Partner
    key: str
    secret: str
    client: Client
    pushes: Pushes

    @property
    def id(self) -> str:
        """The id in the directory."""
        return self.partner.id


class Embedded:
    """The exchange of a test. `folder` gets its ledger; `faults` are texts as those of
    `exchange partners --fault`, by `seed`; further sections of the settings by name
    (`limits={...}`). `port` 0 takes a free one. `transport` makes what carries calls to partners,
    `channels` are those that it has; None: the usual ones.
    """

    def __init__(
        self,
        folder: Path,
        faults: Sequence[str] = (),
        seed: int = 1,
        port: int = 0,
        transport: Callable[[Settings], HttpTransport] | None = None,
        channels: Mapping[str, Channel] | None = None,
        **sections: Mapping[str, Any],
    ) -> None:
        self.clock = HandClock()
        self._folder = folder
        self._faults = faults
        self._seed = seed
        self._port = port
        self._transport = transport
        self._channels = channels
        self._sections = sections
        self._stack = contextlib.ExitStack()
        self._inside = AsyncExitStack()
        self._made = 0

    def __enter__(self) -> Self:
        self._loop = LoopThread()
        self._stack.callback(self._loop.close)
        try:
            self._loop.run(self._start())
        except BaseException:
            self._loop.run(self._inside.aclose())
            self._stack.close()
            raise
        self._stack.callback(lambda: self._loop.run(self._inside.aclose()))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    async def _start(self) -> None:
        bound = bind(HOST_NAME, self._port)
        self.address = f"http://{HOST_NAME}:{bound.getsockname()[1]}"
        self._inside.callback(bound.close)
        given = {name: dict(each) for name, each in self._sections.items()}
        everybody = played_directory(load(**given))
        stubs = await self._serve_stubs(everybody)
        given["partners"] = {**given.get("partners", {}), "address": stubs}
        given["deliveries"] = {**DELIVERIES, **given.get("deliveries", {})}
        ledger = {"url": f"sqlite:///{self._folder / 'exchange.db'}", "durable": False}
        given["storage"] = {**ledger, **given.get("storage", {})}
        settings = load(**given, seed=self._seed)
        transport = self._transport(settings) if self._transport is not None else None
        if transport is not None:
            await transport.open()
            self._inside.push_async_callback(transport.close)
        self._exchange = Exchange(
            settings,
            clock=self.clock,
            directory=everybody,
            transport=transport,
            channels=self._channels,
        )
        app = self._exchange.application()
        await self._inside.enter_async_context(serving(app, settings.limits, bound, 1.0))

    async def _serve_stubs(self, everybody: Directory) -> str:
        """Serve the stubs on a free port; their address."""
        listed = [scripts.from_text(each) for each in self._faults]
        scripts.check_targets(listed, everybody)
        runner = await serve_stubs(
            stubs=discovery.stubs(),
            directory=everybody,
            host=HOST_NAME,
            port=0,
            faults=Faults(listed, self._seed),
            seed=self._seed,
            exchange_url=self.address,
            nanoseconds=lambda: self.clock.now() * 1_000_000,
        )
        self._inside.push_async_callback(runner.cleanup)
        self._stubs: StubHost = runner.app[HOST]
        return f"http://{HOST_NAME}:{runner.addresses[0][1]}"

    @property
    def directory(self) -> Directory:
        """Every partner that the exchange knows."""
        return self._exchange.directory

    def partner(self, partner_id: str, answer: Answer = received, **fields: Any) -> OwnPartner:
        """Play a partner from here on: a new one, or one of the directory, that no stub plays any
        more. A new one has the sector of those whose ids begin as its own, and a business id.

        Raises:
            DirectoryFault: when it can't be one.
            ValueError: when its sector can't be told.
        """
        shipped = self.directory.get(partner_id)
        key, secret = new_key("partner"), new_key("callback")
        pushes = self._stack.enter_context(Pushes(secret, answer=answer, now=self.clock.seconds))
        own = {"url": pushes.address, "key": key, "callback_secret": secret, "played": False}
        if shipped is not None:
            base = {**asdict(shipped), "key_sha256": ()}
            partner = partner_of({**base, **fields, **own})
        else:
            base = {"id": partner_id, "name": partner_id, **self._usual(partner_id, fields)}
            partner = partner_of({**base, **fields, **own})
            check_added(self.directory, partner)
        self.put(partner)
        client = self.client(key)
        return OwnPartner(partner=partner, key=key, secret=secret, client=client, pushes=pushes)

    def put(self, partner: Partner) -> None:
        """Know a partner from now on, instead of the one with that id where there is one."""
        self.run(self._put(partner))

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of a coroutine that runs on the loop of the exchange."""
        return self._loop.run(work)

    def client(self, key: str) -> Client:
        """A client with that key, open as long as the exchange is."""
        return self._stack.enter_context(Client(self.address, key))

    def key_of(self, partner_id: str) -> str:
        """The key of a partner that a stub plays, for sending in its name.

        Raises:
            KeyError: when there is no such partner.
        """
        found = self.directory.get(partner_id)
        if found is None:
            raise KeyError(partner_id)
        return found.key

    def received(self, **wanted: str) -> list[Received]:
        """The messages that came to the exchange, in order; `wanted` are channel, message_type,
        sender, state, conversation, ...
        """
        rows = self.run(self._rows(MessageFilter(first=0, **wanted)))
        return [_received(row) for row in rows]

    def deliveries(self, message_id: int) -> list[DeliveryRow]:
        """The deliveries of a message, by the exchange's id of it."""
        return self.run(self._exchange.ledger.deliveries(message_id))

    def await_received(
        self,
        count: int = 1,
        timeout_seconds: float = 10.0,
        where: Callable[[Received], bool] = lambda _: True,
        **wanted: str,
    ) -> list[Received]:
        """The same, once there are so many.

        Raises:
            NotYet: when there are fewer after that time.
        """
        until = time.monotonic() + timeout_seconds
        while len(found := [each for each in self.received(**wanted) if where(each)]) < count:
            if time.monotonic() > until:
                raise NotYet(f"{len(found)} of {count} messages came within {timeout_seconds:g} s")
            time.sleep(LOOK_SECONDS)
        return found

    def override(self, **fields: Any) -> str:
        """Let stubs answer otherwise, from the next call on, by the fields of an override:
        `partner`, `message_type`, `status`, `times`, ...; its id.

        Raises:
            ValueError: when it can't be one.
        """
        self._made += 1
        override = override_of({"id": f"override {self._made}", **fields}, self.directory)

        async def set_now() -> None:
            self._stubs.overrides.set(override)

        self.run(set_now())
        return override.id

    def stub_calls(self, partner: str = "") -> list[dict[str, Any]]:
        """The calls to stubs while overrides stood, the newest first: which each met (`met`), and
        why it met no other (`not_met`).
        """

        async def latest() -> list[dict[str, Any]]:
            return self._stubs.overrides.latest(partner)

        return self.run(latest())

    def settle(self, timeout_seconds: float = 10.0) -> None:
        """Wait until nothing is on its way but what waits in mailboxes.

        Raises:
            NotYet: when something still is after that time.
        """
        self.run(self._settle(timeout_seconds))

    def timeline(self) -> str:
        """What happened to every message, by the time, with what was found wrong."""
        return self.run(timeline(self._exchange.ledger, MESSAGES_MAX))

    async def _rows(self, wanted: MessageFilter) -> list[MessageRow]:
        found = await self._exchange.ledger.search(wanted, 1 << 62, MESSAGES_MAX, MESSAGES_MAX)
        return list(reversed(found.messages))

    async def _settle(self, timeout_seconds: float) -> None:
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._stubs.settle()
                # (What a partner answers by itself is on its way again.)
                while self._exchange.dispatcher.held or await self._waiting():
                    await asyncio.sleep(LOOK_SECONDS)
                    await self._stubs.settle()
        except TimeoutError as error:
            raise NotYet(f"deliveries still wait after {timeout_seconds:g} s") from error

    async def _waiting(self) -> bool:
        """Whether a delivery waits that nobody fetches."""
        for row in await self._rows(MessageFilter(state="accepted")):
            deliveries = await self._exchange.ledger.deliveries(row.id)
            if any((each.state, each.mode) == ("waiting", "push") for each in deliveries):
                return True
        return False

    async def _put(self, partner: Partner) -> None:
        self.directory.put([partner])
        await self._exchange.ledger.begin(self.clock.now(), [partner])

    def _usual(self, partner_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The sector of who has an id like that, and a business id of its own."""
        prefix = partner_id.partition(".")[0] + "."
        like = next((each for each in self.directory if each.id.startswith(prefix)), None)
        if like is None and "sector" not in fields:
            raise ValueError(f"whose sector is that of {partner_id}? Say sector=...")
        self._made += 1
        usual = {"business_id": make_business_id(BUSINESS_ID_FIRST + 10 * self._made)}
        return usual | ({"sector": like.sector} if like is not None else {})


def _received(row: MessageRow) -> Received:
    found = json.loads(row.detail).get("violations", ())
    return Received(
        id=row.id,
        channel=row.channel,
        message_type=row.message_type,
        sender=row.sender,
        message_id=row.sender_message_id,
        state=row.state,
        violations=tuple(violation_of(each) for each in found),
    )
