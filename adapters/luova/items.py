"""The items of a message: how many there are of each kind, and in which one a finding lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lxml import etree

from exchange.adapters.luova.routing import ROUTES
from exchange.ports.message import Parsed, Verdict
from exchange.schemas.population.change_kinds import identified

#: By family: the items of a document by kind.
OF_FAMILY: dict[str, Callable[[Any], Mapping[str, Sequence[str]]]] = {"population": identified}


def items_by_kind(parsed: Parsed, verdict: Verdict) -> Mapping[str, Sequence[str]]:
    """The items of each kind that an accepted message holds; empty for a family of one kind a
    type.
    """
    of_family = OF_FAMILY.get(parsed.message_type.partition(".")[0])
    return of_family(parsed.document) if of_family is not None else {}


def item_of(parsed: Parsed, at: Any) -> int | None:
    """The item that an element or a path stands in, by the path of the type's records."""
    route = ROUTES.get(parsed.message_type)
    if route is None or not route.items:
        return None
    if isinstance(at, tuple):
        inside = len(at) > 1 and at[0] == route.items and isinstance(at[1], int)
        return at[1] if inside else None
    steps = route.items.split("/")
    for record in (at, *at.iterancestors()):
        names = [etree.QName(each).localname for each in (record, *record.iterancestors())]
        if names[-2::-1] == steps:
            return [*parsed.document.iter(record.tag)].index(record)
    return None
