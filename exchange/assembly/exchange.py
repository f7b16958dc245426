"""The exchange put together from its parts, and how it opens and closes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import web

from exchange import discovery
from exchange.assembly.pages import PageParts, attach_pages
from exchange.assembly.parts import (
    attempts_of,
    bounds_of,
    catalogue_of,
    check_delivery,
    directory_of,
    is_resettable,
    judge_of,
    leased_lanes_of,
    ledger_address,
    ledger_of,
    nodes_of,
    probing_of,
    tracing_of,
    waiting_limits_of,
    warm_up,
)
from exchange.clocks import SequentialIds, WallClock, first_id
from exchange.errors import LedgerError
from exchange.journey.accept import Acceptance
from exchange.journey.added_partners import LOOK_SECONDS, AddedPartners
from exchange.journey.answer import Asking
from exchange.journey.check import Checking
from exchange.journey.deliver.circuit_breaker import Receivers
from exchange.journey.deliver.dispatcher import Dispatcher
from exchange.journey.deliver.lanes import NumberedLanes
from exchange.journey.desk import ChannelDesk
from exchange.journey.files.drop import Folders
from exchange.journey.keeper import Keeper
from exchange.journey.mailbox import (
    EXPIRE_EVERY_SECONDS,
    JOB_EVERY_SECONDS,
    LetterJobs,
    Mailboxes,
)
from exchange.journey.repeat import Repeated
from exchange.journey.requests import Requests
from exchange.journey.retention import RetentionJob
from exchange.journey.turns import Turns
from exchange.journey.waiting import Waiting
from exchange.journey.watch import Watching
from exchange.journey.worker_thread import WorkerThread
from exchange.ports import Channel, Clock, Ids, Transport, Watch
from exchange.ports.desk import Processing
from exchange.ports.lanes import Lanes
from exchange.schemas.directory import Directory
from exchange.settings import Settings
from exchange.storage.dead_letters import LedgerDeadLetters
from exchange.storage.operators.accounts import LedgerOperators
from exchange.storage.partners.added import LedgerAddedPartners
from exchange.storage.partners.call_records import LedgerCallRecords
from exchange.storage.partners.receiver_states import LedgerReceivers
from exchange.storage.postgresql_server.address import Server
from exchange.web.api.dead_letters import DeadLetters
from exchange.web.api.disclosures import Disclosures
from exchange.web.api.message_search import MessageSearch
from exchange.web.api.operations import Api
from exchange.web.api.partners import PartnerOperations
from exchange.web.api.receivers import ReceiverOperations
from exchange.web.api.reset import Reset
from exchange.web.api.stubs import StubOperations
from exchange.web.app import Parts, build
from exchange.web.figures.overview import Snapshots
from exchange.web.figures.receiver_conditions import Conditions
from exchange.web.pages.sign_in import SignIn
from exchange.web.partner_calls import HttpTransport
from exchange.web.x_road.monitoring import Monitoring


class Exchange:
    """The exchange put together: open it, serve with its desks, close it.

    `worker` is its number among those that share the ledger, the node that it writes as; on a
    server it leases one, and has it once it is open. `owner` says in the ledger who that is. Once
    it is open, `ledger.ownership` has its epoch.
    """

    def __init__(
        self,
        settings: Settings,
        worker: int = 0,
        clock: Clock | None = None,
        ids: Ids | None = None,
        transport: Transport | None = None,
        channels: Mapping[str, Channel] | None = None,
        directory: Directory | None = None,
        lanes: Lanes | None = None,
        owner: str = "",
    ) -> None:
        self.settings = settings
        self.worker = worker
        self.clock: Clock = clock or WallClock()
        self.ids: Ids = ids or SequentialIds(self.clock, worker)
        known = discovery.channels(settings.recognition.enabled) if channels is None else channels
        self.channels = dict(known)
        self.directory = directory or directory_of(settings)
        check_delivery(self.directory, self.channels.values())
        self.catalogue = catalogue_of(settings)
        deliveries = settings.deliveries
        on_server = isinstance(ledger_address(settings), Server)
        self.ledger = ledger_of(settings, None if on_server else worker, owner, self.clock)
        own = HttpTransport(settings.partners.address, deliveries, settings.limits)
        self._own_transport = own if transport is None else None
        self.tracing = tracing_of(settings, worker)
        self.transport: Transport = self.tracing.around(transport or own)
        self.attempts = attempts_of(
            settings,
            ledger=self.ledger,
            channels=self.channels,
            transport=self.transport,
            directory=self.directory,
            clock=self.clock,
        )
        workers = settings.server.workers
        self.leased = leased_lanes_of(settings, self.ledger)
        # A number beyond the workers (a shard of a simulation) is for ids: nobody else has its
        # lanes.
        self.lanes: Lanes = self.leased or lanes or NumberedLanes(worker % workers, workers)
        self.added_partners = AddedPartners(
            LedgerAddedPartners(self.ledger), self.directory, self.clock
        )
        self.receiver_states = LedgerReceivers(self.ledger)
        self.receivers = Receivers(self.receiver_states, self.clock, probing_of(settings))
        self.dispatcher = self._dispatcher()
        self.judge = judge_of(settings, self.catalogue)
        self.checking = self._checking()
        self.worker_thread = WorkerThread(settings.limits.loop_bytes_max)
        self.turns = Turns(self.ledger if on_server or workers > 1 else None)
        self.waiting = Waiting(waiting_limits_of(settings))
        self.dead_letters = LedgerDeadLetters(self.ledger)
        self.mailboxes = self._mailboxes()
        self.letter_jobs = self._letter_jobs()
        self.acceptance = self._acceptance()
        self.asking = Asking(
            ledger=self.ledger,
            acceptance=self.acceptance,
            attempts=self.attempts,
            clock=self.clock,
            longest_seconds=deliveries.ask_seconds,
        )
        self.requests = Requests(self.ledger, self.clock)
        self.monitoring = Monitoring(settings.x_road, LedgerCallRecords(self.ledger), self.clock)
        self.retention = RetentionJob(self.ledger, self.clock, settings.retention)
        self.watching = Watching(self._watches(), self.clock)
        self._look_for_partners = self._looking_for_partners()
        self.keeper = Keeper([*self._of_one_worker(), self.watching])
        self.reset = Reset(is_resettable(settings))

    def _checking(self) -> Checking:
        return Checking(
            judge=self.judge,
            catalogue=self.catalogue,
            channels=self.channels,
            directory=self.directory,
            clock=self.clock,
        )

    def _dispatcher(self) -> Dispatcher:
        return Dispatcher(
            ledger=self.ledger,
            attempts=self.attempts,
            directory=self.directory,
            clock=self.clock,
            bounds=bounds_of(self.settings),
            lanes=self.lanes,
            receivers=self.receivers,
        )

    def _acceptance(self) -> Acceptance:
        return Acceptance(
            ledger=self.ledger,
            judge=self.judge,
            directory=self.directory,
            clock=self.clock,
            ids=self.ids,
            dispatcher=self.dispatcher,
            worker_thread=self.worker_thread,
            waiting=self.waiting,
            arrivals=self.mailboxes.arrivals,
            lanes=self.lanes,
        )

    def _mailboxes(self) -> Mailboxes:
        return Mailboxes(
            ledger=self.ledger,
            dead_letters=self.dead_letters,
            clock=self.clock,
            ids=self.ids,
            bounds=self.settings.deliveries,
        )

    def _letter_jobs(self) -> LetterJobs:
        return LetterJobs(
            ledger=self.ledger,
            dead_letters=self.dead_letters,
            mailboxes=self.mailboxes,
            receivers=self.receiver_states,
            clock=self.clock,
        )

    def _looking_for_partners(self) -> Repeated:
        """What other workers added; by the wall's time, since it is they who are waited for."""
        look = self.added_partners.look
        return Repeated("added-partners", look, LOOK_SECONDS, asyncio.sleep, at_once=False)

    def _of_one_worker(self) -> list[Repeated]:
        """What one worker does for all, in the order in which it begins."""
        sleep, every_seconds = self.clock.sleep, self.settings.retention.every_seconds
        drop_old, drop_records = self.retention.drop_old, self.monitoring.drop_old
        return [
            Repeated("expiring", self.mailboxes.expire, EXPIRE_EVERY_SECONDS, sleep),
            Repeated("old-calls", self.asking.abandon_old, EXPIRE_EVERY_SECONDS, sleep),
            Repeated("dead-letter-job", self.letter_jobs.run, JOB_EVERY_SECONDS, sleep),
            Repeated("retention", drop_old, every_seconds, sleep, at_once=False),
            Repeated("call-records", drop_records, every_seconds, sleep, at_once=False),
        ]

    def _watches(self) -> list[tuple[Channel, Watch, ChannelDesk]]:
        bytes_max = self.settings.limits.body_bytes_max
        return [
            (channel, watch, self.desk(channel))
            for channel in self.channels.values()
            for watch in (
                *([Folders(channel.files, bytes_max).watch()] if channel.files else []),
                *channel.watches,
            )
        ]

    def warm_up(self) -> None:
        """Compile the schemas of every message type that a channel carries, so that the first
        caller does not wait.
        """
        warm_up(self.catalogue, self.channels.values())

    def desk(self, channel: Channel) -> ChannelDesk:
        """The desk of a channel."""
        files = self.settings.files.directory
        folder = files / channel.name if files is not None else None
        return ChannelDesk(
            channel=channel,
            ledger=self.ledger,
            acceptance=self.acceptance,
            asking=self.asking,
            mailboxes=self.mailboxes,
            directory=self.directory,
            clock=self.clock,
            worker_thread=self.worker_thread,
            turns=self.turns,
            documents=self.settings.limits.documents,
            folder=folder,
            processing=Processing(
                milliseconds=round(self.settings.processing.seconds * 1000),
                status_lost_one_in=self.settings.processing.status_lost_one_in,
                language=self.settings.processing.feedback_language,
                seed=self.settings.seed,
            ),
        )

    def application(self) -> web.Application:
        """The worker's application."""
        snapshots = Snapshots(self.ledger, self.clock, tuple(self.channels), self.waiting)
        states, channels = self.receiver_states, self.channels.values()
        conditions = Conditions(states, self.dead_letters, self.directory, self.waiting)
        # (Sessions last by the wall's time, however fast the exchange's own passes.)
        sign_in = SignIn(self.settings, LedgerOperators(self.ledger), WallClock())
        search = MessageSearch(self.ledger, self.catalogue, [*self.channels], self.clock)
        control_key = self.settings.partners.control_key
        stubs = StubOperations(self.transport, self.ledger, self.clock, control_key)
        disclosures = Disclosures(self.ledger, list(self.channels), self.clock)
        parts = Parts(
            limits=self.settings.limits,
            directory=self.directory,
            channels=self.channels.values() if self.settings.server.role.takes_calls else (),
            desk=self.desk,
            ledger=self.ledger,
            clock=self.clock,
            snapshots=snapshots,
            requests=self.requests,
            conditions=conditions,
            api=Api(
                ledger=self.ledger,
                checking=self.checking,
                worker_thread=self.worker_thread,
                snapshots=snapshots,
                catalogue=self.catalogue,
                dead_letters=DeadLetters(self.ledger, self.mailboxes, self.letter_jobs),
                receivers=ReceiverOperations(states, conditions, self.directory, self.clock),
                partners=PartnerOperations(self.added_partners, self.directory, channels),
                stubs=stubs,
                reset=self.reset,
                search=search,
                disclosures=disclosures,
            ),
            x_road=self.settings.x_road,
            monitoring=self.monitoring,
            transport=self.transport,
            ids=self.ids,
            worker_thread=self.worker_thread,
            reset_wanted=self.reset.wanted.is_set,
            held=lambda: self.dispatcher.held,
            open=self.open,
            close=self.close,
            end_waits=self.mailboxes.arrivals.close,
            tell_commits=self.ledger.tell_commits,
            sign_in=sign_in,
            catalogue=self.catalogue,
            samples=discovery.samples(),
            tracing=self.tracing,
            worker=lambda: self.worker,
            role=self.settings.server.role,
            nodes=nodes_of(self.settings, self.ledger),
            workers=self.settings.server.workers,
        )
        app = build(parts)
        attach_pages(app, self._of_pages(search, stubs, disclosures), parts, self.settings)
        return app

    def _of_pages(
        self, search: MessageSearch, stubs: StubOperations, disclosures: Disclosures
    ) -> PageParts:
        return PageParts(
            ledger=self.ledger,
            channels=[*self.channels.values()],
            checking=self.checking,
            worker_thread=self.worker_thread,
            mailboxes=self.mailboxes,
            letter_jobs=self.letter_jobs,
            receiver_states=self.receiver_states,
            added_partners=self.added_partners,
            search=search,
            stubs=stubs,
            disclosures=disclosures,
            held=lambda: self.dispatcher.held,
        )

    async def open(self, deliver: bool = True) -> None:
        """Open the ledger, take up what a crash left, begin to deliver."""
        await self.ledger.open()
        self.worker = self.ledger.ownership.node
        since = first_id(self.clock.now())
        self.ids.begin_after(self.worker, await self.ledger.latest_id(since, self.worker))
        await self.added_partners.look()
        await self.ledger.begin(self.clock.now(), list(self.directory))
        if self._own_transport is not None:
            await self._own_transport.open()
        if deliver:
            if self.leased is not None:
                await self.leased.start(self.dispatcher)
            await self.asking.recover(self.lanes.callers())
            self.dispatcher.start()
            if self._own_transport is not None:
                # (A simulated time has no other workers, and half seconds without number.)
                self._look_for_partners.start()
            if self.leased is not None:
                self.keeper.follow(lambda: self.leased is not None and self.leased.keeps)
            elif self.worker == 0:
                self.keeper.begin()

    async def hold(self) -> None:
        """Keep that the ledger is held up to now."""
        await self.ledger.hold(self.clock.now())

    async def drop_old(self) -> None:
        """Let go of all that is too old now: in mailboxes, and by retention."""
        await self.mailboxes.expire()
        await self.retention.drop_old()

    async def close(self) -> None:
        """Stop in the reverse order; nothing acknowledged is lost."""
        await self.keeper.stop()
        await self._look_for_partners.stop()
        await self.dispatcher.stop()
        await self.attempts.stop()
        await self.turns.stop()
        await self.requests.stop()
        await self.monitoring.stop()
        self.worker_thread.close()
        if self.leased is not None:
            await self.leased.stop()
        # A ledger that takes nothing any more is closed all the same.
        with suppress(LedgerError):
            await self.hold()
        await self.ledger.close()
        if self._own_transport is not None:
            await self._own_transport.close()
