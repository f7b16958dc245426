"""The first half of the way on a real ledger: what repeats a message and what only has its id."""

from __future__ import annotations

from pathlib import Path

from exchange.ports import Context, Identity, Inbound, Outcome, Parsed
from exchange.schemas.violation import Finding
from tests.exchange.journey.way import BODY, FIRST, SENDER, Script, Way, way


async def put(running: Way, body: bytes, message_id: str = "a") -> Outcome:
    """What becomes of these bytes under a message id."""
    sender = running.exchange.directory.get(SENDER)
    assert sender is not None
    hints = {"type": "population.births", "id": message_id, "receiver": FIRST}
    return await running.exchange.acceptance.accept(
        running.channel, Inbound(sender, body, "application/json", "api", hints)
    )


async def test_what_is_refused_now_repeats_only_what_was_accepted_byte_for_byte(
    tmp_path: Path,
) -> None:
    closed: list[Finding] = []

    def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
        return list(closed)

    async with way(tmp_path, Script(), rules=rules) as running:
        first = await put(running, BODY)
        assert first.kind == "accepted"
        closed.append(Finding("some.rule", "no longer"))
        again = await put(running, BODY)
        assert (again.kind, again.envelope.id) == ("duplicate", first.envelope.id)
        other = await put(running, BODY + b"\n")
        assert (other.kind, other.reason) == ("rejected", "rule")
        assert other.envelope.id != first.envelope.id


async def test_what_was_refused_leaves_its_id_to_other_content(tmp_path: Path) -> None:
    closed = [Finding("some.rule", "not yet")]

    def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
        return list(closed)

    async with way(tmp_path, Script(), rules=rules) as running:
        assert (await put(running, BODY)).kind == "rejected"
        closed.clear()
        second = await put(running, BODY + b"\n")
        assert second.kind == "accepted", "a refused message took no id"
        third = await put(running, BODY)
        assert (third.kind, third.reason) == ("rejected", "message-id-reused")
        repeated = await put(running, BODY + b"\n")
        assert (repeated.kind, repeated.envelope.id) == ("duplicate", second.envelope.id)


async def test_what_no_database_keeps_is_not_in_the_record_of_a_refused_message(
    tmp_path: Path,
) -> None:
    """(Lines of a batch are JSON: an id, a conversation and a receiver may hold U+0000.)"""
    async with way(tmp_path, Script()) as running:
        sender = running.exchange.directory.get(SENDER)
        assert sender is not None
        hints = {"id": "a\0b", "conversation": "c\0", "receiver": "\0"}
        inbound = Inbound(sender, b"no document", "text/\0xml", "batch", {"type": "", **hints})
        outcome = await running.exchange.acceptance.accept(running.channel, inbound)
        assert outcome.kind == "rejected"
        row = await running.exchange.ledger.message(outcome.envelope.id)
    assert row is not None
    kept = (row.sender_message_id, row.conversation, row.content_type)
    assert kept == ("a\ufffdb", "c\ufffd", "text/\ufffdxml")
    assert "\0" not in row.detail
