"""The log of who was told something about whom: the keys by which its entries stand among what a
channel remembers; what an entry tells is read from its message.

An entry is forgotten with its message, long after the message's body (`retention.message_seconds`).
A key holds a digest of the identity code, so that what is remembered names no person.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from exchange.ports.rows import Remember

#: Digits of a message's id in a key, so that keys sort as ids do.
_DIGITS = 20


def disclosures_of(person: str) -> str:
    """Where the keys of what was told about a person begin."""
    return f"disclosed/{blake2b(person.encode(), digest_size=16).hexdigest()}/"


def disclosures(persons: Iterable[str], message_id: int) -> list[Remember]:
    """That a message (by the exchange's id) told something about these persons, or asked for it."""
    return [
        Remember(f"{disclosures_of(person)}{message_id:0{_DIGITS}d}", 0, with_message=True)
        for person in dict.fromkeys(persons)
    ]


def message_of(key: str) -> int:
    """The message that an entry is about."""
    return int(key[-_DIGITS:])
