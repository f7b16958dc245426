"""Ids of senders, conversations and keys by their bytes: the suite of what the port `Ledger` says of
them.
"""

from __future__ import annotations

from exchange.ports.ledger import MessageFilter, Remember, Remembered, Wanted
from exchange.storage.ledger import SqlLedger
from tests.contracts.rows import MINUTE, record


async def test_ids_are_told_apart_by_their_bytes(ledger: SqlLedger) -> None:
    """The same letters in other normal forms, beside what is not seen, alike in another script."""
    ids = ["d\u00e4", "da\u0308", "d\u00e4\u200b", "\u202ed\u00e4", "\u0501\u00e4"]
    for name in ids:
        made = record(
            name,
            modes=("mailbox",),
            receiver="fund",
            conversation=name,
            remember=[Remember(name, name)],
        )
        assert (await ledger.record(made)).kind == "new"
    for name in ids:
        assert (await ledger.record(record(name, conversation=name))).kind == "duplicate"
        for wanted in (MessageFilter(sender_message_id=name), MessageFilter(conversation=name)):
            found = await ledger.search(wanted, 1 << 62, 10, 1000)
            assert [each.sender_message_id for each in found.messages] == [name]
        asked = Wanted("luova", "fund", 10, conversation=name)
        (letter,) = await ledger.lease(asked, MINUTE, 2 * MINUTE, 1)
        assert letter.message.conversation == name
    assert await ledger.recall("luova", ids) == {name: Remembered(name, 1) for name in ids}
