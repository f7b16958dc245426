"""Messages by the persons that they name: a digest of each identity code beside the message's id,
in segments of an hour that are forgotten with the bodies.

New rows all go into the newest segment, so that what a commit changes stays a few pages of the
table. A digest hides nothing from who may read the ledger: the bodies with the codes lie beside it
for as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from exchange.clocks import SEQUENCE_BITS, WORKER_BITS
from exchange.ports.ledger import Record
from exchange.storage.connection import Connection

_SEGMENT_MILLISECONDS = 3_600_000
_ID_BITS = WORKER_BITS + SEQUENCE_BITS

#: Whether a message names the person with that digest.
NAMED = (
    "EXISTS (SELECT 1 FROM named_person WHERE "
    f"named_person.segment=(message.id>>{_ID_BITS})/{_SEGMENT_MILLISECONDS} AND "
    "named_person.person=? AND named_person.message_id=message.id)"
)
#: The messages that do: one step for each segment that there is.
OF_PERSON = """(WITH RECURSIVE part(segment) AS (
  SELECT MAX(segment) FROM named_person UNION ALL
  SELECT (SELECT MAX(named_person.segment) FROM named_person WHERE
    named_person.segment<part.segment) FROM part WHERE part.segment IS NOT NULL)
SELECT named_person.message_id FROM part CROSS JOIN named_person ON
  named_person.segment=part.segment AND named_person.person=?) AS named"""


def digest_of(person: str) -> int:
    """The digest of an identity code, a signed number of 64 bits."""
    digest = blake2b(person.upper().encode(), digest_size=8, person=b"search").digest()
    return int.from_bytes(digest, signed=True)


def named(records: Iterable[Record]) -> list[tuple[int, int, int]]:
    """The rows of some messages."""
    rows = []
    for record in records:
        if record.persons:
            message_id = record.message.id
            segment = _segment_of(message_id)
            rows += [(segment, digest_of(person), message_id) for person in record.persons]
    return rows


def forget_persons(connection: Connection, before: int) -> None:
    """Drop the oldest segment, when all its ids are below `before`."""
    connection.execute(
        "DELETE FROM named_person WHERE segment=(SELECT MIN(segment) FROM named_person) AND "
        "segment<?",
        (_segment_of(before),),
    )


def _segment_of(message_id: int) -> int:
    return (message_id >> _ID_BITS) // _SEGMENT_MILLISECONDS
