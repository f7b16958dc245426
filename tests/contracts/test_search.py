"""The search finds exactly what is wanted, whatever the filters and however it is bounded: held
against going through all messages, on every database.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from exchange.clocks import EPOCH_MILLISECONDS, first_id
from exchange.ports.ledger import EventRow, MessageFilter, Old, Record
from exchange.ports.rows import DEAD_LETTERED
from exchange.storage.ledger import SqlLedger
from tests.contracts.rows import record, settlement

LAST = 1 << 62
HOUR = 3_600_000
#: What messages differ by; each value meets the values of the others in some message.
SENDERS, TYPES, ENDPOINTS = ("dvv", "tax"), ("population.births", "tax.cards"), ("api", "ui")
CONVERSATIONS, RECEIVERS = ("", "case-1", "case-2"), ("bank.op", "fund.pro")
ENDS = ("waiting", "delivered", "dead", "skipped", "rejected")
REASONS = {"dead": "http-503: closed", "rejected": "schema"}
FILTERS: dict[str, Sequence[str]] = {
    "channel": ("luova", "kelmu", "none"),
    "message_type": ("tax.cards", "none"),
    "sender": ("tax", "nobody"),
    "endpoint": ("ui", "none"),
    "conversation": ("case-2", "none"),
    "receiver": ("bank.op", "nobody"),
    "state": ("accepted", DEAD_LETTERED, *ENDS),
    "reason": ("http-503", "schema", "http-418"),
    "sender_message_id": ("m-7", "m-4", "none"),
    "detail": ("seven",),
    "person": ("140890-9423", "140890-9445"),
}


def made() -> Iterator[tuple[Record, str]]:
    """Messages of every mixture, in another order than that of any field, with how each ends."""
    mixtures = itertools.product(
        ENDS, ("luova", "kelmu"), SENDERS, TYPES, ENDPOINTS, CONVERSATIONS, RECEIVERS
    )
    for number, (end, channel, sender, name, endpoint, conversation, receiver) in enumerate(
        each for index, each in enumerate(mixtures) if index % 7 == 0
    ):
        state = "rejected" if end == "rejected" else "accepted"
        each = record(f"m-{number}", state=state, channel=channel, receiver=receiver)
        each.message = each.message._replace(
            message_type=name,
            sender=sender,
            endpoint=endpoint,
            conversation=conversation,
            detail='{"said":"seven"}' if number % 7 == 0 else "{}",
        )
        each.persons = ("140890-9423", "220984V9880") if number % 5 == 0 else ()
        if state == "rejected":
            each.events = [EventRow(each.message.id, 0, 60_000, "rejected", REASONS[end])]
        yield each, end


async def filled(ledger: SqlLedger) -> list[tuple[Record, str]]:
    """The messages in the ledger, the newest first."""
    kept = list(made())
    for each, end in kept:
        await ledger.record(each)
        if end not in ("waiting", "rejected"):
            ended = settlement(each, end, [{"dead": "dead-lettered"}.get(end, end)])
            ended.reason = REASONS.get(end, "")
            await ledger.settle(ended)
    return kept[::-1]


def is_wanted(each: Record, end: str, wanted: MessageFilter) -> bool:
    """Whether a message is one of those that a filter selects."""
    row = each.message
    for name in ("channel", "message_type", "sender", "endpoint", "conversation"):
        if getattr(wanted, name) not in ("", getattr(row, name)):
            return False
    receiver = each.deliveries[0].receiver if each.deliveries else None
    return (
        wanted.sender_message_id in ("", row.sender_message_id)
        and wanted.detail in row.detail
        and wanted.person in ("", *each.persons)
        and wanted.receiver in ("", receiver)
        and wanted.state
        in ("", end, row.state, DEAD_LETTERED if end in ("dead", "skipped") else "")
        and wanted.reason in ("", REASONS.get(end, "").partition(":")[0])
        and row.id >= wanted.first
    )


def filters() -> Iterator[MessageFilter]:
    """Each filter alone, and each pair of two."""
    alone = [(name, value) for name, values in FILTERS.items() for value in values]
    yield from (MessageFilter(**{name: value}) for name, value in alone)
    for one, other in itertools.combinations(alone, 2):
        if one[0] != other[0]:
            yield MessageFilter(**dict((one, other)))


async def test_each_filter_and_each_pair_finds_exactly_what_it_selects(ledger: SqlLedger) -> None:
    kept = await filled(ledger)
    assert len(kept) > 60
    seen = 0
    for wanted in filters():
        expected = [each.message.id for each, end in kept if is_wanted(each, end, wanted)]
        found = await ledger.search(wanted, LAST, 1000, 1000)
        assert [row.id for row in found.messages] == expected, wanted
        assert found.before == 0
        seen += len(expected)
    assert seen > 1000


async def test_a_bounded_look_says_where_to_go_on_and_leaves_nothing_out(
    ledger: SqlLedger,
) -> None:
    kept = await filled(ledger)
    middle = kept[len(kept) // 2][0].message.id
    for wanted in (
        MessageFilter(detail="seven"),
        MessageFilter(channel="kelmu", detail="seven"),
        MessageFilter(state=DEAD_LETTERED, detail="seven"),
        MessageFilter(sender="tax", state="dead"),
        MessageFilter(reason="http-503", first=middle),
        MessageFilter(person="140890-9423"),
        MessageFilter(message_type="tax.cards", receiver="bank.op"),
    ):
        expected = [each.message.id for each, end in kept if is_wanted(each, end, wanted)]
        before, told, pages = LAST, list[int](), 0
        while before:
            found = await ledger.search(wanted, before, 2, 5)
            assert len(found.messages) <= 2
            told += [row.id for row in found.messages]
            before, pages = found.before, pages + 1
        assert told == expected, wanted
        assert pages > 2


async def test_when_the_time_is_over_it_says_where_to_go_on(ledger: SqlLedger) -> None:
    kept = await filled(ledger)
    wanted = MessageFilter(sender="tax", detail="nowhere")
    expected = [each.message.id for each, _ in kept if each.message.sender == "tax"]
    found = await ledger.search(wanted, LAST, 100, 1000, 0)
    assert (list(found.messages), found.before) == ([], expected[-1])
    assert (await ledger.search(wanted, found.before, 100, 1000, 0)).before == 0


async def test_receiver_state_and_cause_are_those_of_one_delivery(ledger: SqlLedger) -> None:
    each = record("two", modes=("push", "push"))
    each.deliveries = [
        one._replace(receiver=receiver)
        for one, receiver in zip(each.deliveries, RECEIVERS, strict=True)
    ]
    await ledger.record(each)
    dead = settlement(each, "dead", ["dead-lettered"])
    dead.reason = "http-503: closed"
    await ledger.settle(dead)
    for receiver, state, count in (
        ("bank.op", "dead", 1), ("bank.op", "waiting", 0),
        ("fund.pro", "waiting", 1), ("fund.pro", "dead", 0),
    ):  # fmt: skip
        wanted = MessageFilter(receiver=receiver, state=state)
        assert len((await ledger.search(wanted, LAST, 10, 10)).messages) == count, wanted


async def test_a_person_is_found_over_segments_and_forgotten_with_the_bodies(
    ledger: SqlLedger,
) -> None:
    kept = [record(f"m-{number}") for number in range(3)]
    for number, each in enumerate(kept):
        # Ids of three hours.
        each.message = each.message._replace(id=first_id(EPOCH_MILLISECONDS + HOUR * number) + 1)
        each.deliveries, each.persons = (), ("140890-9423",)
        each.events = [one._replace(message_id=each.message.id) for one in each.events]
        await ledger.record(each)
    ids = [each.message.id for each in kept]
    for dropped, expected in ((0, ids[::-1]), (1, ids[:0:-1]), (2, ids[:1:-1])):
        before = first_id(EPOCH_MILLISECONDS + HOUR * dropped)
        await ledger.drop(Old(before, 0), Old(0, 0), 10)
        found = await ledger.search(MessageFilter(person="140890-9423"), LAST, 10, 10)
        assert [row.id for row in found.messages] == expected, dropped
