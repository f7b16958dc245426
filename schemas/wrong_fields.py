"""What pydantic found wrong with values that a person wrote, in words of theirs: which field, what
would be right, the nearest name; reads nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

from pydantic_core import ErrorDetails


def nearest(found: str, names: Sequence[str]) -> str:
    """The name that is most like it, as an aside; empty where none is like it."""
    near = difflib.get_close_matches(found, names, n=1)
    return f" (nearest: {near[0]})" if near else ""


def told(
    error: ErrorDetails,
    place: Sequence[int | str],
    what: str,
    names: Sequence[str],
    secret: Collection[str] = (),
) -> str:
    """A wrong field in words. `place` leads to it within `what` (a partner, say), whose fields are
    `names`; the value of one that is `secret` stays unsaid.
    """
    where = ".".join(str(part) for part in place) or what
    found, expected = error["input"], error.get("ctx", {}).get("expected", "")
    kind = error["type"]
    if kind == "unexpected_keyword_argument":
        return f"{where}: a {what} has no such field{nearest(where, names)}"
    if kind == "missing":
        return f"{where}: missing"
    if kind == "literal_error":
        near = nearest(str(found), re.findall("'([^']*)'", expected))
        return f"{where}: {found!r} is none of {expected}{near}"
    if kind == "value_error":
        return f"{where}: {error['msg'].removeprefix('Value error, ')}"
    shown = "" if place and place[0] in secret else f", not {found!r:.80}"
    return f"{where}: {error['msg'][:1].lower()}{error['msg'][1:]}{shown}"
