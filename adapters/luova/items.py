"""What the items of a message are, in the families whose types hold several kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from exchange.ports.message import Parsed, Verdict
from exchange.schemas.population.change_kinds import happenings

#: By family: the items of a document by kind.
OF_FAMILY: dict[str, Callable[[Any], Mapping[str, int]]] = {"population": happenings}


def items_by_kind(parsed: Parsed, verdict: Verdict) -> Mapping[str, int]:
    """How many of each kind an accepted message holds; empty for a family of one kind a type."""
    of_family = OF_FAMILY.get(parsed.message_type.partition(".")[0])
    return of_family(parsed.document) if of_family is not None else {}
