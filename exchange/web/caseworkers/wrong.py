"""What is wrong with a caseworker's form: at which of its fields, and in which words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from exchange.ports.caseworkers import CaseworkerPages, Field, Said, Task, Title, first_step


class Wrong(NamedTuple):
    """One thing that is wrong: the field of the form (empty: none of them), what is told (a title,
    or the exchange's own words in English) and, of a file, which one it is, from 1 on.
    """

    field: str
    told: Title | str
    file: int = 0


def wrong_with(
    pages: CaseworkerPages,
    task: Task,
    fields: Sequence[Field],
    said: Said,
    problem: Mapping[str, Any],
) -> list[Wrong]:
    """Each violation of the problem by which a form was refused."""
    kinds = {each.name: each.kind for each in fields}
    found = []
    for violation in _errors(problem):
        name, rule = task.field_of(violation, said), violation["rule"]
        by_member = pages.rules.get(f"{rule} {first_step(violation, said)}")
        told = by_member or pages.rules.get(rule) or str(violation["message"])
        number = violation.get("item", -1) + 1 if kinds.get(name) == "files" else 0
        found.append(Wrong(name if name in kinds else "", told, number))
    return found


def _errors(problem: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The violations for which it was refused, without warnings."""
    for violation in problem.get("violations", ()):
        if violation["severity"] == "error":
            yield violation
