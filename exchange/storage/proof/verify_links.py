"""Proving the chain: every link against its rows and against the link before it, every stored body
and answer against its digest, the newest links against the file of heads.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from exchange.ports.verification import Check
from exchange.storage.connection import Connection, each, execute_with
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
from exchange.storage.proof.dropped_events import (
    forgotten,
    kept_digests,
    sum_of_counts,
    sum_of_links,
)
from exchange.storage.proof.heads_file import Head, Heads, Writer, heads_in
from exchange.storage.proof.progress import LAST, Progress

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
    "WHERE event.id BETWEEN ? AND ? ORDER BY event.id"
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
#: (Without an end where all are read: what is no number at all is greater than any.)
_LINKS = (
    f"SELECT {CHAIN_COLUMNS} FROM chain WHERE last_event>=?{{}} "
    "ORDER BY last_event,node,epoch,number"
)
#: Where each writer's commits go on after those in `proved`: that one, or what retention made of it
#: and later ones.
_GOES_ON = f"""
SELECT {",".join(f"chain.{name}" for name in Link._fields)} FROM proved JOIN chain
  ON chain.node=proved.node AND chain.epoch=proved.epoch AND chain.number=(
    SELECT MIN(later.number) FROM chain AS later WHERE later.node=proved.node
      AND later.epoch=proved.epoch AND later.number>=proved.number)
"""
#: An event: id, message id, digest.
_Entry = tuple[int, int, bytes]


class Proof:
    """The checks of the chain, made in one pass over the events, or in several that each go on
    where the last one ended (`progress`).
    """

    def __init__(self, connection: Connection, progress: Progress) -> None:
        self._connection = connection
        self._progress = progress
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
        self._last_position = progress.last_position
        known = {check.name: check for check in progress.checks}
        for check in self.checks:
            if check.name in known:
                check.broken = known[check.name].broken
                check.examples = [*known[check.name].examples]

    def prove_commits(self, events: int | None) -> bool:
        """Prove the next commits, of about so many events (None: all); whether that was the end."""
        last = None if events is None else self._end_of(events)
        heads = heads_in(line.encode() for line in self._progress.heads)
        following, left = self._prove_links(heads.newest, last)
        self._progress.next_event = min(following, LAST)
        self._progress.heads = heads.lines().decode().splitlines()
        self._progress.last_position = self._last_position
        self._progress.checks = [
            replace(check, examples=[*check.examples]) for check in self.checks if check.broken
        ]
        # (These are met again by whoever goes on from here.)
        for number, message, _ in left:
            self.outside.breaks(f"event {number} of message {message}: no commit has it")
        return last is None

    def prove_rest(self) -> None:
        """Prove what the commits say together, once all were proved."""
        for (what,) in each(self._connection, _WITHOUT_EVENT):
            self.outside.breaks(f"{what}: no event tells of it")
        self._prove_last_position()
        self._prove_memory()
        self._prove_dropped()

    def _end_of(self, events: int) -> int | None:
        """The last event of the commit with which about so many more are proved; None where there
        are no more than these.
        """
        (first,) = self._connection.execute(
            "SELECT MIN(id) FROM event WHERE id>=?", (self._progress.next_event,)
        ).fetchone()
        if first is None:
            return None
        found = self._connection.execute(
            "SELECT last_event FROM chain WHERE last_event>=? AND events>0 "
            "ORDER BY last_event LIMIT 1",
            (min(first + events - 1, LAST),),
        ).fetchone()
        return int(found[0]) if found else None

    def _entries(self, first: int, last: int) -> Iterator[_Entry]:
        """Each event; its body or answer is looked at meanwhile."""
        rows = each(self._connection, _ENTRIES, (first, last))
        for row, digest in entries_of(self._connection, rows):
            self._prove_stored(row)
            if row[_OWN_ID] is not None:
                self._prove_position(row[_OWN_ID], row[_POSITION])
            yield row[0], row[_MESSAGE_ID], digest

    def _prove_links(
        self, heads: dict[Writer, Head], last: int | None
    ) -> tuple[int, Iterator[_Entry]]:
        """Prove the commits after those in `heads`, up to the event `last` (None: all), and put
        them into `heads`; the id that comes next, and events that no commit has.
        """
        first = following = self._progress.next_event
        writers = self._proved(heads)
        entries = self._entries(first, LAST if last is None else last)
        entry = next(entries, None)
        links = _LINKS.format("" if last is None else f" AND last_event<={last}")
        # (Commits of what is remembered alone have the last event of the one before.)
        for found in each(self._connection, links, (first - (first > 0),)):
            link = Link(*found)
            before = writers.get(link[:2], unlinked(*link[:2]))
            if link.last_event < first and link.number <= before.number:
                continue
            self._prove_order(before, link)
            writers[link[:2]] = link
            heads[link[:2]] = link.number, link.digest
            following = max(link.last_event + 1, first)
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
        return following, chain([entry] if entry else [], entries)

    def _proved(self, heads: dict[Writer, Head]) -> dict[Writer, Link]:
        """The commits in `heads`, as those that follow are to refer to them."""
        rows = [(*writer, number) for writer, (number, _) in heads.items()]
        columns = "node bigint,epoch bigint,number bigint"
        proved = {}
        for found in execute_with(self._connection, "proved", rows, columns, _GOES_ON):
            link = Link(*found)
            number, digest = heads[link[:2]]
            if link.number == number:
                proved[link[:2]] = link._replace(digest=digest)
            elif link.since <= number:
                # It is read as what follows the commits that it stands for.
                proved[link[:2]] = link._replace(number=link.since - 1)
        return proved

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
