"""The first half of the way: judge, route, record, and only then an outcome to make a receipt of;
the second half is `deliver`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from exchange.errors import Full, LedgerError, Unroutable
from exchange.journey import trace
from exchange.journey.count import detail_of_items
from exchange.journey.deliver.dispatcher import Dispatcher
from exchange.journey.identity import REASON as REUSED
from exchange.journey.identity import SCHEMA_VERSION, differences, identity_digest
from exchange.journey.mailbox.arrivals import Arrivals
from exchange.journey.record import (
    accepted_record,
    answered_record,
    envelope_of,
    envelope_unread,
    rejected_record,
    tell,
)
from exchange.journey.turns import Anew, Made
from exchange.journey.validate import Judge, Judgement, Reading
from exchange.journey.waiting import Waiting
from exchange.journey.worker_thread import WorkerThread
from exchange.ports import (
    Answered,
    Channel,
    Clock,
    Context,
    Delivery,
    Destination,
    Ids,
    Inbound,
    Ledger,
    Outcome,
    Parsed,
)
from exchange.ports.lanes import Lanes
from exchange.ports.ledger import MessageRow, Record, Recorded
from exchange.schemas.directory import Directory
from exchange.schemas.document_limits import shared_effort
from exchange.schemas.violation import Violation

#: Messages of a batch that are judged before others have the loop.
AT_ONCE_MAX = 16


class Acceptance:
    """The first half, for every channel alike."""

    def __init__(
        self,
        ledger: Ledger,
        judge: Judge,
        directory: Directory,
        clock: Clock,
        ids: Ids,
        dispatcher: Dispatcher,
        worker_thread: WorkerThread,
        waiting: Waiting,
        arrivals: Arrivals,
        lanes: Lanes,
    ) -> None:
        self._ledger = ledger
        self._judge = judge
        self._directory = directory
        self._clock = clock
        self._ids = ids
        self._dispatcher = dispatcher
        self._worker_thread = worker_thread
        self._waiting = waiting
        self._arrivals = arrivals
        self._lanes = lanes
        self._anew = Anew()

    async def accept(
        self, channel: Channel, inbound: Inbound, judged_bytes: int | None = None
    ) -> Outcome:
        """Take a message in; returns after the commit of whatever became of it.

        `judged_bytes` is how much is judged in one go, when that is more than this message: it
        decides whether judging is done beside the loop.

        Raises:
            Full: when a receiver, or the exchange, has as much waiting as it may.
        """
        outcome, _ = await self.accept_for_answer(channel, inbound, judged_bytes)
        return outcome

    async def accept_many(self, channel: Channel, inbounds: Sequence[Inbound]) -> list[Outcome]:
        """Several at once, each with an outcome of its own, in order; they share commits. Others
        have the loop in between, however many there are. What is wrong with them is explained
        thoroughly up to a bound for all of them together. One whose receiver is full has the
        outcome `full`, and nothing of it is kept.
        """
        judged_bytes = sum(len(inbound.body) for inbound in inbounds)
        tasks: list[asyncio.Task[Outcome]] = []
        try:
            with shared_effort():
                for inbound in inbounds:
                    one = self._accept_one(channel, inbound, judged_bytes)
                    tasks.append(asyncio.create_task(one))
                    if len(tasks) % AT_ONCE_MAX == 0:
                        await asyncio.sleep(0)
            return list(await asyncio.gather(*tasks))
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise

    async def _accept_one(self, channel: Channel, inbound: Inbound, judged_bytes: int) -> Outcome:
        try:
            return await self.accept(channel, inbound, judged_bytes)
        except Full as error:
            envelope = envelope_unread(channel.name, inbound, self._clock.now())
            told = Violation("receiver.full" if error.receiver else "exchange.full", str(error))
            return Outcome("full", envelope, [told], told.rule)

    async def accept_for_answer(
        self, channel: Channel, inbound: Inbound, judged_bytes: int | None = None
    ) -> tuple[Outcome, list[Delivery]]:
        """The same, with the deliveries whose answer somebody waits for (mode `ask`)."""
        now = self._clock.now()
        size = len(inbound.body) if judged_bytes is None else judged_bytes
        reading = await self._worker_thread.run(
            inbound.partner.id, size, self._judge.read, channel, inbound
        )
        judgement, made = await self._anew.judged(
            channel.name, partial(self._judge_and_record, channel, reading, now, size)
        )
        if made is None:
            return await self._reject(channel, reading, judgement, now), []
        record, recorded = made
        if recorded.kind == "new":
            return self._accepted(record, reading, judgement)
        original = recorded.original
        assert original is not None, "what is neither new nor stale was there before"
        if recorded.kind == "duplicate":
            return Outcome("duplicate", envelope_of(original)), []
        assert reading.identity is not None, "only what could be identified has an id"
        judgement.reason = REUSED
        sent = await self._ledger.deliveries(original.id)
        judgement.violations += differences(
            original, sent, record.message, reading.identity, record.deliveries
        )
        return await self._store_rejection(channel, reading, judgement, now), []

    async def _judge_and_record(
        self, channel: Channel, reading: Reading, now: int, size: int
    ) -> tuple[Judgement, Made]:
        """One try: what is accepted, and what became of it in the ledger."""
        judgement, destinations = await self._judge_and_route(channel, reading, now, size)
        if not judgement.verdict.accepted:
            return judgement, None
        record = self._record(channel, reading, judgement, destinations, now)
        return judgement, (record, await self._record_within_limits(record, destinations))

    async def answer(
        self,
        channel: Channel,
        inbound: Inbound,
        answering: Callable[[Parsed], Awaitable[Answered]],
    ) -> tuple[Outcome, Answered | None]:
        """Take in a question that the exchange itself answers, in one commit with what it was told:
        nothing is handed out that no record tells of.
        """
        now, size = self._clock.now(), len(inbound.body)
        reading = await self._worker_thread.run(
            inbound.partner.id, size, self._judge.read, channel, inbound
        )
        judgement, destinations = await self._judge_and_route(channel, reading, now, size)
        if not judgement.verdict.accepted:
            return await self._reject(channel, reading, judgement, now), None
        assert reading.parsed is not None, "only what could be read is accepted"
        answered = await answering(reading.parsed)
        detail = judgement.verdict.detail
        tell(detail, answered)
        record = self._record(channel, reading, judgement, destinations, now)
        recorded = await self._ledger.record(answered_record(record, detail, self._clock.now()))
        if recorded.kind != "new":
            raise LedgerError(f"{channel.name}: a question was not recorded ({recorded.kind})")
        envelope = envelope_of(record.message)
        return Outcome("accepted", envelope, judgement.violations), answered

    async def _record_within_limits(
        self, record: Record, destinations: Sequence[Destination]
    ) -> Recorded:
        """Commit it where there is room for it; a repetition of what was accepted needs none."""
        row = record.message
        try:
            receivers = self._waiting.enter(destinations, row.bytes)
        except Full:
            if await self._ledger.find(row.channel, row.sender, row.sender_message_id) is None:
                raise
            return await self._ledger.record(record)
        stored = False
        try:
            recorded = await self._ledger.record(record)
            stored = recorded.kind == "new"
            return recorded
        finally:
            self._waiting.leave(receivers, row.bytes, stored)

    async def refuse(
        self, channel: Channel, inbound: Inbound, reason: str, violations: Sequence[Violation]
    ) -> Outcome:
        """Record a message as rejected without reading it; one that may name a real person is
        rejected for that.
        """
        now = self._clock.now()
        reading = await self._worker_thread.run(
            inbound.partner.id,
            len(inbound.body),
            self._judge.refused,
            inbound,
            reason,
            violations,
            channel,
        )
        judgement = self._judge.decide(channel, reading, Context(self._directory, now))
        return await self._store_rejection(channel, reading, judgement, now)

    async def _judge_and_route(
        self, channel: Channel, reading: Reading, now: int, size: int
    ) -> tuple[Judgement, Sequence[Destination]]:
        """Rules, verdict and receivers, with what the channel remembers just now."""
        parsed, identity = reading.parsed, reading.identity
        if (
            parsed is not None
            and identity is not None
            and (keys := channel.recall(parsed, identity))
        ):
            reading.known = await self._ledger.recall(channel.name, keys)
        await self._find_question(channel, reading)
        context = Context(
            self._directory,
            now,
            reading.known,
            question=reading.question,
            strictness=self._judge.strictness,
        )
        judgement = await self._worker_thread.run(
            reading.inbound.partner.id, size, self._judge.decide, channel, reading, context
        )
        if reading.version:
            judgement.verdict.detail[SCHEMA_VERSION] = reading.version
        trace.keep(judgement.verdict.detail)
        if not judgement.verdict.accepted or parsed is None or identity is None:
            return judgement, ()
        try:
            destinations = channel.route(parsed, identity, judgement.verdict, self._directory)
        except Unroutable as error:
            judgement.reason = error.reason
            judgement.violations.append(Violation(f"route.{error.reason}", str(error)))
            judgement.verdict = type(judgement.verdict)(False, 0, detail=judgement.verdict.detail)
            return judgement, ()
        items = channel.items_by_kind(parsed, judgement.verdict)
        judgement.verdict.detail.update(detail_of_items(items))
        return judgement, destinations

    async def _find_question(self, channel: Channel, reading: Reading) -> None:
        """The accepted message that this one answers, if it is one that answers."""
        if reading.parsed is None or reading.identity is None:
            return
        asked = channel.question(reading.parsed, reading.identity)
        if asked is not None and self._judge.strictness.unasked_answers != "off":
            row = await self._ledger.find(channel.name, *asked)
            reading.question = envelope_of(row) if row is not None else None

    def _record(
        self,
        channel: Channel,
        reading: Reading,
        judgement: Judgement,
        destinations: Sequence[Destination],
        now: int,
    ) -> Record:
        parsed, identity = reading.parsed, reading.identity
        assert parsed is not None, "only what could be read is accepted"
        assert identity is not None, "only what could be identified is accepted"
        record = accepted_record(
            channel=channel.name,
            reading=reading,
            parsed=parsed,
            identity=identity,
            judgement=judgement,
            destinations=destinations,
            now=now,
            ids=self._ids,
            lanes=self._lanes,
        )
        context = Context(self._directory, now, reading.known, record.message.id)
        record.remember = channel.remember(parsed, identity, context, judgement.verdict)
        record.persons = reading.persons
        return record

    def _accepted(
        self, record: Record, reading: Reading, judgement: Judgement
    ) -> tuple[Outcome, list[Delivery]]:
        """Hand the deliveries on to the second half: those to be pushed to the dispatcher, those
        asked for to the caller.
        """
        envelope = envelope_of(
            record.message, None if judgement.violations else judgement.verdict.detail
        )
        asked = []
        body = record.body or b""
        for row in record.deliveries:
            if row.mode == "mailbox":
                self._arrivals.arrived(row.receiver)
                continue
            receiver = self._directory.get(row.receiver)
            if receiver is None:
                continue
            delivery = Delivery(
                id=row.id,
                envelope=envelope,
                sender=reading.inbound.partner,
                receiver=receiver,
                body=body,
                items=row.items,
                attempts=0,
                mode=row.mode,
                ordered=bool(row.ordered),
                lane=row.lane,
            )
            if row.mode == "ask":
                asked.append(delivery)
            else:
                self._dispatcher.offer(delivery)
        return Outcome("accepted", envelope, judgement.violations), asked

    async def _reject(
        self, channel: Channel, reading: Reading, judgement: Judgement, now: int
    ) -> Outcome:
        """A rejection, unless it is a repetition of what was accepted while it was still
        acceptable.
        """
        original = await self._repeated(channel, reading, judgement, now)
        if original is not None:
            return Outcome("duplicate", envelope_of(original))
        return await self._store_rejection(channel, reading, judgement, now)

    async def _repeated(
        self, channel: Channel, reading: Reading, judgement: Judgement, now: int
    ) -> MessageRow | None:
        """The accepted message that this one repeats, which is counted as a duplicate of it. None:
        there is none, or this one says something else under its id, which `judgement` then tells.
        """
        identity = reading.identity
        if identity is None or not identity.sender_message_id or not reading.storable:
            return None
        original = await self._ledger.find(
            channel.name, reading.inbound.partner.id, identity.sender_message_id
        )
        if original is None or original.digest != reading.digest:
            return None
        record = rejected_record(channel.name, reading, judgement, now, self._ids)
        again = record.message._replace(
            state="accepted",
            sender_message_id=identity.sender_message_id,
            conversation=identity.conversation,
            identity=identity_digest(record.message.message_type, identity),
        )
        sent = await self._ledger.deliveries(original.id)
        if found := differences(original, sent, again, identity):
            judgement.reason = REUSED
            judgement.violations += found
            return None
        again = again._replace(identity=original.identity)
        recorded = await self._ledger.record(
            Record(message=again, body=None, deliveries=(), events=(), counts=())
        )
        return original if recorded.kind == "duplicate" else None

    async def _store_rejection(
        self, channel: Channel, reading: Reading, judgement: Judgement, now: int
    ) -> Outcome:
        record = rejected_record(channel.name, reading, judgement, now, self._ids)
        if reading.parsed is not None and reading.identity is not None and reading.storable:
            context = Context(self._directory, now, reading.known, record.message.id)
            record.remember = channel.remember_rejected(
                reading.parsed, reading.identity, context, judgement.verdict
            )
        recorded = await self._ledger.record(record)
        if recorded.kind == "stale":
            # Somebody else's note on the same key came first; this rejection is still to be
            # recorded.
            record.remember = ()
            await self._ledger.record(record)
        return Outcome(
            "rejected", envelope_of(record.message), judgement.violations, judgement.reason
        )
