"""Data with long arrays and objects, seen through windows: some members of each at a time, so that
what is wrong with them can be told a part at a time; no schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from exchange.schemas.violation import Finding

#: Errors that are told in one go: some microseconds and a kilobyte each.
ERRORS_MAX = 5_000
#: Members of an array or object that are seen at once.
MEMBERS_MAX = 500
#: An array of more is seen through windows before it is validated as a whole.
LONG_MEMBERS = 20_000
#: Findings about what is seen in part only that say nothing of the whole.
_OF_PART = ("json.missing", "json.length")

Path = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """What is seen of the data, and by how many the members of arrays, by their paths in it, are
    moved.
    """

    data: Any
    moved: Mapping[Path, int]

    def of_whole(self, finding: Finding, whole: Any) -> Finding | None:
        """What was found in what is seen, as of the whole; None when it is true of the part alone."""
        path: list[Any] = []
        seen: list[Any] = []
        node = whole
        for part in finding.at:
            path.append(part + self.moved.get(tuple(seen), 0) if isinstance(part, int) else part)
            seen.append(part)
            try:
                node = node[path[-1]]
            except (KeyError, IndexError, TypeError):
                return replace(finding, at=tuple(path))
        if finding.rule in _OF_PART and (
            finding.rule == "json.missing" or tuple(seen) in self.moved
        ):
            return None
        return replace(finding, at=tuple(path))


def is_long(data: Any) -> bool:
    """Whether the data is a long array or has one as a member."""
    if isinstance(data, dict):
        return any(isinstance(each, list) and len(each) > LONG_MEMBERS for each in data.values())
    return isinstance(data, list) and len(data) > LONG_MEMBERS


def windows(data: Any) -> Iterator[Window]:
    """The data through one window after another, until each member of the longest array or object
    was seen.
    """
    longest = _longest(data)
    for first in range(0, longest, MEMBERS_MAX):
        moved: dict[Path, int] = {}
        yield Window(_seen(data, first, (), moved), moved)


def _longest(data: Any) -> int:
    """The number of members of the longest array or object."""
    longest, left = 0, [data]
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            longest = max(longest, len(value))
            left += [
                each
                for each in (value.values() if isinstance(value, dict) else value)
                if isinstance(each, dict | list)
            ]
    return longest


def _seen(value: Any, first: int, path: Path, moved: dict[Path, int]) -> Any:
    """The value with the members of each long array and object from the `first` on, but at least
    its last ones.
    """
    if not isinstance(value, dict | list):
        return value
    start = min(first, max(0, len(value) - 1) // MEMBERS_MAX * MEMBERS_MAX)
    if isinstance(value, dict):
        some = list(value.items())[start : start + MEMBERS_MAX]
        return {key: _seen(each, first, (*path, key), moved) for key, each in some}
    if len(value) > MEMBERS_MAX:
        moved[path] = start
    return [
        _seen(each, first, (*path, number), moved)
        for number, each in enumerate(value[start : start + MEMBERS_MAX])
    ]
