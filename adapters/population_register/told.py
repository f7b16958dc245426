"""What of a page of changes Kela is told for the first time, so that asking again counts nothing
twice; counts nothing itself.

Changes of the same persons are told in the order of their keys. So for each list of persons (a
follower has one, or some buckets) the last key told is remembered, and what is not newer counts no
more. Who stands in two lists is followed twice, and counts in each (*modelled*).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from exchange.ports import Remember, Remembered
from exchange.schemas.population.change_kinds import happenings


class News(NamedTuple):
    """How many changes of each kind are new, and what is to be remembered of that."""

    kinds: Mapping[str, int]
    remember: Sequence[Remember]


def name_of(codes: Sequence[str]) -> str:
    """Under what is remembered how far a list of persons was followed, in whatever order."""
    persons = "/".join(sorted(set(codes)))
    return f"told/{blake2b(persons.encode(), digest_size=16).hexdigest()}"


def news(document: Mapping[str, Any], name: str, known: Remembered | None) -> News:
    """What of a page is new to Kela, which was told all up to the key that is `known`."""
    last = known.value if known is not None else -1
    keyed = [(_key(change), change) for change in document["muutokset"]]
    new = [change for key, change in keyed if key > last]
    if not new:
        return News({}, ())
    version = known.version if known is not None else 0
    remember = Remember(name, max(key for key, _ in keyed), version, with_message=True)
    return News(happenings({"muutokset": new}), (remember,))


def _key(change: Mapping[str, Any]) -> int:
    return int(datetime.datetime.fromisoformat(change["muutospv"]).timestamp())
