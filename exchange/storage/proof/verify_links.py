"""Proving the chain: every link against its rows and against the link before it, every stored body
and answer against its digest, the newest links against the file of heads.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from exchange.ports.verification import Check
from exchange.storage.connection import Connection, each
from exchange.storage.proof.chain import (
    CHAIN_COLUMNS,
    DIGEST_BYTES,
    ENTRIES,
    EVENT,
    MESSAGE,
    Link,
    added,
    content_digest,
    entries_of,
    hashed,
    heads,
    linked,
    memory_digest,
    told_apart,
    unlinked,
)
from exchange.storage.proof.dropped import forgotten, kept_digests, sum_of_counts, sum_of_links
from exchange.storage.proof.heads_file import Heads

#: Messages of a commit that are named.
NAMED_MAX = 5

#: `ENTRIES` with the stored body or answer: codec, bytes, media type of an answer; a
#: message's identity.
_ENTRIES = ENTRIES.replace(
    " FROM event",
    ",body.codec,body.content,answer.codec,answer.content,answer.content_type,message.identity "
    "FROM event",
) + (
    "LEFT JOIN body ON body.message_id=message.id "
    "LEFT JOIN answer ON event.kind='answered' AND answer.delivery_id=event.delivery_id "
    "ORDER BY event.id"
)
_MESSAGE_ID, _DELIVERY_ID = EVENT.index("message_id"), EVENT.index("delivery_id")
_KIND, _DIGEST = EVENT.index("kind"), EVENT.index("digest")
_OWN_ID = len(EVENT) + MESSAGE.index("id")
_POSITION = len(EVENT) + MESSAGE.index("position")
_STORED = len(EVENT) + len(MESSAGE)

_WITHOUT_EVENT = """
SELECT 'message '||id FROM message WHERE NOT EXISTS (SELECT 1 FROM event
  WHERE event.message_id=message.id AND event.delivery_id=0 AND event.kind=message.state)
UNION ALL SELECT 'body of message '||message_id FROM body
  WHERE NOT EXISTS (SELECT 1 FROM message WHERE message.id=body.message_id)
UNION ALL SELECT 'answer to delivery '||answer.delivery_id FROM answer LEFT JOIN delivery ON delivery.id=answer.delivery_id
  WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.message_id=delivery.message_id
    AND event.delivery_id=delivery.id AND event.kind='answered')
"""


class Proof:
    """The checks of the chain, made in one pass over the events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dropped = forgotten(connection)
        self.links = Check("each writer's commits follow one another")
        self.rows = Check("every commit's rows are those that were committed")
        self.outside = Check("nothing is stored that no commit stored")
        self.stored = Check("every stored body and answer has the digest of its commit")
        self.memory = Check("what is remembered is what was committed last")
        self.positions = Check("positions rise in the order of commits")
        self.forgotten = Check("nothing is gone but what retention said that it dropped")
        self.checks = [
            *(self.links, self.rows, self.outside, self.stored, self.memory),
            *(self.positions, self.forgotten),
        ]
        self._last_position = 0

    def prove(self) -> None:
        """Make them."""
        self._prove_links(self._entries())
        for (what,) in each(self._connection, _WITHOUT_EVENT):
            self.outside.breaks(f"{what}: no event tells of it")
        self._prove_last_position()
        self._prove_memory()
        self._prove_dropped()

    def _entries(self) -> Iterator[tuple[int, int, bytes]]:
        """(id, message id, digest) of each event; its body or answer is looked at meanwhile."""
        for row, digest in entries_of(self._connection, each(self._connection, _ENTRIES)):
            self._prove_stored(row)
            if row[_OWN_ID] is not None:
                self._prove_position(row[_OWN_ID], row[_POSITION])
            yield row[0], row[_MESSAGE_ID], digest

    def _prove_links(self, entries: Iterator[tuple[int, int, bytes]]) -> None:
        writers: dict[tuple[int, int], Link] = {}
        entry = next(entries, None)
        for found in each(
            self._connection,
            f"SELECT {CHAIN_COLUMNS} FROM chain ORDER BY last_event,node,epoch,number",
        ):
            link = Link(*found)
            before = writers.get(link[:2], unlinked(*link[:2]))
            self._prove_order(before, link)
            writers[link[:2]] = link
            if not link.events:
                continue
            digests: dict[int, bytes] = {}
            messages: dict[int, None] = {}
            while entry is not None and entry[0] <= link.last_event:
                if entry[0] < link.first_event:
                    self.outside.breaks(f"event {entry[0]} of message {entry[1]}: no commit has it")
                else:
                    digests[entry[0]] = entry[2]
                    messages[entry[1]] = None
                entry = next(entries, None)
            self._prove_rows(link, digests, list(messages))
        while entry is not None:
            self.outside.breaks(f"event {entry[0]} of message {entry[1]}: no commit has it")
            entry = next(entries, None)

    def _prove_order(self, before: Link, link: Link) -> None:
        name = _name(link)
        if link.since != before.number + 1:
            self.links.breaks(f"{name}: comes after commit {before.number}, not {link.since - 1}")
        elif link.since == link.number and link.digest != linked(before.digest, link):
            self.links.breaks(
                f"{name}: its digest is not that of what it says and of what it follows"
            )
        elif link.since > link.number or (link.since < link.number and not link.gone):
            self.links.breaks(f"{name}: stands for commits from {link.since} on, yet holds events")

    def _prove_rows(self, link: Link, digests: dict[int, bytes], messages: list[int]) -> None:
        name = f"{_name(link)} (events {link.first_event} to {link.last_event})"
        if link.gone and not digests:
            return
        try:
            kept = kept_digests(link.kept)
        except (struct.error, TypeError):
            kept = {}
        whole = len(kept) == link.dropped and not kept.keys() & digests.keys()
        present = sorted({**kept, **digests}.items())
        if not whole or len(present) != link.events:
            self.rows.breaks(
                f"{name}: {len(digests)} events are there, {link.dropped} were dropped, "
                f"{link.events} were committed{_of_messages(messages)}"
            )
        elif hashed(b"".join(digest for _, digest in present)) != link.content:
            self.rows.breaks(
                f"{name}: an event, its message or delivery was changed{_of_messages(messages)}"
            )

    def _prove_stored(self, row: tuple[Any, ...]) -> None:
        digest, kind = row[_DIGEST], row[_KIND]
        if kind == "answered":
            what, (codec, content, content_type) = (
                f"answer to delivery {row[_DELIVERY_ID]}",
                row[_STORED + 2 : _STORED + 5],
            )
        elif row[_OWN_ID] is not None:
            what, content_type = f"body of message {row[_OWN_ID]}", ""
            codec, content = row[_STORED : _STORED + 2]
            digest, identity = told_apart(digest)
            if identity is not None and identity != row[_STORED + 5]:
                self.rows.breaks(f"message {row[_OWN_ID]}: its identity is not what was committed")
        else:
            return
        if content is None:
            if digest is not None and row[_MESSAGE_ID] > self._dropped.bodies:
                self.stored.breaks(f"{what}: is gone, and retention did not drop it")
        elif digest is None:
            self.stored.breaks(f"{what}: was committed without one")
        elif (
            not (isinstance(content, bytes) and isinstance(codec, int))
            or content_digest(codec, content, content_type) != digest
        ):
            self.stored.breaks(f"{what}: is not what was committed")

    def _prove_position(self, message_id: int, position: int) -> None:
        if position <= self._last_position:
            self.positions.breaks(
                f"message {message_id}: has position {position}, after {self._last_position}"
            )
        self._last_position = max(position, self._last_position)

    def _prove_last_position(self) -> None:
        """A position that could be given again would be refused, and its message with it."""
        (last,) = self._connection.execute("SELECT MAX(last) FROM position").fetchone()
        if (last or 0) < self._last_position:
            self.positions.breaks(
                f"{last or 0} is noted as the last one, though {self._last_position} was given"
            )

    def _prove_memory(self) -> None:
        total = 0
        for channel, key, value, version, message_id, digest in each(
            self._connection, "SELECT channel,key,value,version,message_id,digest FROM memory"
        ):
            if memory_digest(channel, key, value, version, message_id) != digest:
                self.memory.breaks(f"{channel} {key}: is not what was committed")
            total += int.from_bytes(digest)
        committed = sum(int.from_bytes(link.memory) for link in heads(self._connection))
        nothing = bytes(DIGEST_BYTES)
        if added(nothing, total) != added(nothing, committed) and not self.memory.broken:
            self.memory.breaks("a key was dropped, added or set back to what it was before")

    def _prove_dropped(self) -> None:
        said = self._dropped
        if said.links is not None and said.links != sum_of_links(self._connection):
            self.forgotten.breaks(
                "the commits of which events were dropped are others than it said"
            )
        if said.counts is not None and said.counts != sum_of_counts(self._connection):
            self.forgotten.breaks("the counts that are kept of what was dropped were changed")


def prove_heads(connection: Connection, said: Heads) -> tuple[Check, list[str]]:
    """Whether the ledger holds every commit that a file of heads tells of; and what is to be known
    of the file besides.
    """
    check, notes = Check("the ledger is not behind its head"), []
    for wrong in said.wrong:
        check.breaks(f"head file: {wrong}")
    if said.torn:
        notes.append(f"incomplete lines in the head file: {said.torn}")
    newest = {link[:2]: link for link in heads(connection)}
    for writer, (number, digest) in sorted(said.newest.items()):
        name = f"writer {writer[0]}/{writer[1]}"
        link = newest.pop(writer, None)
        if link is None or link.number < number:
            at = f"at commit {link.number}" if link else "not there"
            check.breaks(f"{name}: is {at}, its head says {number}: commits are lost")
            continue
        found = connection.execute(
            "SELECT digest FROM chain WHERE node=? AND epoch=? AND number=?", (*writer, number)
        ).fetchone()
        if found is not None and found[0] != digest:
            check.breaks(f"{name}: commit {number} is not the one that its head says")
        elif found is None and not _joined(connection, writer, number):
            check.breaks(f"{name}: commit {number}, which its head says, is not there")
        elif number < link.number:
            notes.append(f"{name}: the head file lags {link.number - number} commits behind")
    for writer, link in sorted(newest.items()):
        if writer[1]:
            notes.append(
                f"writer {writer[0]}/{writer[1]}: the head file says nothing of its {link.number} "
                "commits"
            )
    return check, notes


def _joined(connection: Connection, writer: tuple[int, ...], number: int) -> bool:
    """Whether retention made one link of that commit and others."""
    found = connection.execute(
        "SELECT 1 FROM chain WHERE node=? AND epoch=? AND since<=? AND number>? LIMIT 1",
        (*writer, number, number),
    ).fetchone()
    return found is not None


def _name(link: Link) -> str:
    return f"writer {link.node}/{link.epoch}, commit {link.number}"


def _of_messages(messages: list[int]) -> str:
    named = [str(each) for each in messages if each][:NAMED_MAX]
    return (
        f"; of messages {', '.join(named)}{' ...' if len(messages) > NAMED_MAX else ''}"
        if named
        else ""
    )
