"""Where the values of a JSON text stand, and what is wrong with one that can't be read: a scan made
only on failure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from exchange.schemas.positions import Lines, decoded, malformed, placed
from exchange.schemas.violation import Finding, Malformed, Violation, excerpt

_SPACE = re.compile(r"[ \t\r\n]*")
# (Nothing in it is tried in two ways: a string without an end would be gone through twice at once.)
_STRING = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+"')
_SCALAR = re.compile(
    r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z_.+-])|true\b|false\b|null\b"
)
_WORD = re.compile(r"[A-Za-z0-9_.+-]+")
_NOT_FINITE = re.compile(r"[+-]?(?:NaN|Infinity|inf|nan)\b")
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9A-Fa-f]{2}")

#: Digits of the longest integer that the parser reads.
INTEGER_DIGITS_MAX = 4300

Path = tuple[Any, ...]


class Broken(Exception):
    """The text stops being JSON at `offset`."""

    def __init__(
        self, rule: str, message: str, offset: int, expected: str = "", found: str = ""
    ) -> None:
        super().__init__(message)
        self.rule, self.message, self.offset, self.expected, self.found = (
            rule,
            message,
            offset,
            expected,
            found,
        )


class _Enough(Exception):
    """Everything that was looked for is found."""


@dataclass(slots=True)
class _Frame:
    """An object or array that is being read."""

    is_object: bool
    path: Path
    keys: set[str] = field(default_factory=set)
    key: Any = -1
    key_offset: int = 0
    wanted: dict[Any, Any] | None = None


def scan(
    text: str,
    visit: Callable[[Path, int, int], None],
    duplicate: Callable[[Path, int], None],
    depth_max: int,
) -> None:
    """Read a JSON text without recursion; `visit` gets path, offset of the value and of its key
    (-1: none) for each value, `duplicate` path and offset of each key that its object already has.

    Raises:
        Broken: at the first character that does not belong.
    """
    frames: list[_Frame] = []
    at = _skip(text, 0)
    path: Path = ()
    key_offset = -1
    while True:
        # A value begins here.
        visit(path, at, key_offset)
        first = text[at : at + 1]
        if first in ("{", "["):
            if len(frames) >= depth_max:
                raise Broken(
                    "json.depth",
                    "arrays and objects are nested too deep",
                    at,
                    f"at most {depth_max} levels",
                )
            frames.append(_Frame(first == "{", path))
            at = _skip(text, at + 1)
            opened = True
        else:
            at = _skip(text, _scalar_end(text, at))
            opened = False
        # Close whatever ends, then find the next value.
        while frames:
            frame = frames[-1]
            closing = "}" if frame.is_object else "]"
            mark = text[at : at + 1]
            if mark == closing:
                frames.pop()
                at = _skip(text, at + 1)
                opened = False
                continue
            if not opened:
                if mark != ",":
                    raise _unexpected(text, at, f"',' or '{closing}'")
                at = _skip(text, at + 1)
            if frame.is_object:
                key, key_offset, at = _key(text, at)
                if key in frame.keys:
                    duplicate((*frame.path, key), key_offset)
                frame.keys.add(key)
                path = (*frame.path, key)
            else:
                frame.key += 1
                path, key_offset = (*frame.path, frame.key), -1
            break
        else:
            if at < len(text):
                raise _unexpected(text, at, "the end of the document")
            return


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _key(text: str, at: int) -> tuple[str, int, int]:
    """A key, its offset, and where its value begins."""
    if text[at : at + 1] != '"':
        raise _unexpected(text, at, "a key in quotation marks")
    end = _scalar_end(text, at)
    colon = _skip(text, end)
    if text[colon : colon + 1] != ":":
        raise _unexpected(text, colon, "':'")
    return json.loads(text[at:end]), at, _skip(text, colon + 1)


def _scalar_end(text: str, at: int) -> int:
    if text[at : at + 1] == '"':
        match = _STRING.match(text, at)
        if not match:
            raise _broken_string(text, at)
        if "\\u" in match[0] and _SURROGATE.search(match[0]):
            _refuse_lone_surrogate(match[0], at)
        if "\\u0000" in match[0]:
            _refuse_null(match[0], at)
        return match.end()
    if match := _SCALAR.match(text, at):
        if match[0][-1].isdigit() and _is_too_large(match[0]):
            raise Broken(
                rule="json.number",
                message="the number is too large",
                offset=at,
                expected="a finite number",
                found=match[0],
            )
        return match.end()
    if match := _NOT_FINITE.match(text, at):
        raise Broken(
            rule="json.number",
            message=f"{match[0]} is no number in JSON",
            offset=at,
            expected="a finite number",
            found=match[0],
        )
    raise _unexpected(text, at, "a value")


def _is_too_large(number: str) -> bool:
    """Whether the parser would take the number for infinite, or for an integer longer than it
    reads.
    """
    if number.lstrip("-").isdigit():
        return len(number.lstrip("-")) > INTEGER_DIGITS_MAX
    return abs(float(number)) == float("inf")


def _broken_string(text: str, at: int) -> Broken:
    """Where and why the string that begins at `at` goes wrong."""
    match = re.compile(_STRING.pattern.removesuffix('"')).match(text, at)
    end = match.end() if match else at + 1
    if end >= len(text):
        return Broken("json.malformed", "the string does not end", at, "'\"'")
    if text[end] == "\\":
        return Broken(
            rule="json.malformed",
            message="no such escape",
            offset=end,
            expected='one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX',
            found=text[end : end + 2],
        )
    return Broken(
        rule="json.malformed",
        message="a control character must be escaped",
        offset=end,
        expected="\\uXXXX",
        found=f"U+{ord(text[end]):04X}",
    )


def _refuse_lone_surrogate(literal: str, at: int) -> None:
    try:
        json.loads(literal).encode()
    except UnicodeEncodeError:
        offset = next(
            match.start()
            for match in _SURROGATE.finditer(literal)
            if not _is_paired(literal, match.start())
        )
        raise Broken(
            rule="json.encoding",
            message="half of a surrogate pair",
            offset=at + offset,
            expected="a pair of \\u escapes",
            found=literal[offset : offset + 6],
        ) from None


def _refuse_null(literal: str, at: int) -> None:
    """No text of ours holds U+0000: XML has no such character, PostgreSQL stores none.

    Source: "XML 1.0", 2.2 Characters; PostgreSQL's documentation, 8.3 "Character Types".
    """
    for match in _ESCAPE.finditer(literal):
        if match[0] == "\\u0000":
            raise Broken(
                rule="json.encoding",
                message="the character U+0000",
                offset=at + match.start(),
                expected="characters from U+0001 on",
                found=match[0],
            )


def _is_paired(literal: str, start: int) -> bool:
    value = int(literal[start + 2 : start + 6], 16)
    if value < 0xDC00:
        return bool(re.match(r"\\u[dD][c-fC-F]", literal[start + 6 : start + 10]))
    return bool(re.match(r"\\u[dD][89abAB]", literal[max(start - 6, 0) : start]))


def _unexpected(text: str, at: int, expected: str) -> Broken:
    if at >= len(text):
        return Broken(
            rule="json.malformed",
            message="the document ends too early",
            offset=at,
            expected=expected,
            found="the end",
        )
    match = _WORD.match(text, at)
    return Broken(
        rule="json.malformed",
        message=f"{expected} is expected",
        offset=at,
        expected=expected,
        found=match[0] if match else text[at],
    )


def excess_members(body: bytes, members_max: int) -> Malformed | None:
    """That there are more arrays, objects and keys than that: what reads them holds the interpreter
    for each. What is counted are the signs of them, also in strings. None: there are not.
    """
    found = body.count(b"[") + body.count(b"{") + body.count(b'":')
    if found <= members_max:
        return None
    return malformed(
        "json.members",
        "the document has too many arrays, objects and keys",
        body[:80].decode("utf-8", "replace"),
        expected=f"at most {members_max}",
        found=str(found),
    )


def diagnose(body: bytes, bytes_max: int, depth_max: int, said: str = "") -> Malformed:
    """Why the body was refused (`said` by the parser), as violations with positions; without
    violations when it is fine.
    """
    if not body.strip(b" \t\r\n"):
        return malformed("json.empty", "the body is empty", expected="a JSON document")
    if len(body) > bytes_max:
        return malformed(
            "json.size",
            "the body is too large",
            expected=f"at most {bytes_max} bytes",
            found=f"{len(body)} bytes",
        )
    if body[:3] == b"\xef\xbb\xbf":
        return malformed(
            "json.encoding",
            "the body begins with a byte order mark",
            expected="UTF-8 without a mark",
            found="U+FEFF",
        )
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in body[:4]:
        return malformed(
            "json.encoding", "the body is not in UTF-8", expected="UTF-8", found="UTF-16 or UTF-32"
        )
    try:
        text = decoded(body, "utf-8", "json.encoding")
    except Malformed as wrong:
        return wrong
    lines = Lines(text)
    violations: list[Violation] = []

    def duplicate(path: Path, offset: int) -> None:
        if len(violations) < 200:
            violations.append(
                lines.violation(
                    "json.duplicate-key",
                    f"{path[-1]} stands twice",
                    offset,
                    pointer(path),
                    "each key once",
                    str(path[-1]),
                )
            )

    try:
        scan(text, lambda *_: None, duplicate, depth_max)
    except Broken as broken:
        violations.append(
            lines.violation(
                broken.rule, broken.message, broken.offset, "", broken.expected, broken.found
            )
        )
    except RecursionError:
        violations.append(lines.violation("json.depth", "nested too deep", 0))
    if not violations and said:
        return malformed("json.malformed", said, text)
    return Malformed(violations)


def locate(body: bytes, findings: Sequence[Finding]) -> list[Violation]:
    """The findings with their positions in the body that they were found in, in the order given.

    A finding stands at its value; `json.extra` at the key; one about a part that is missing at what
    would enclose it.
    """
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    wanted: set[Path] = set()
    for finding in findings:
        if finding.at is not None:
            # What is missing is nowhere: it would only make the scan go on to the end.
            deepest = len(finding.at) - (finding.rule == "json.missing")
            wanted.update(tuple(finding.at[:length]) for length in range(deepest + 1))
    places: dict[Path, tuple[int, int]] = {}

    def visit(path: Path, offset: int, key_offset: int) -> None:
        if path in wanted:
            places[path] = (offset, key_offset)
            if len(places) == len(wanted):
                raise _Enough

    # The data came from a more lenient reading; what was found so far stands.
    with suppress(Broken, _Enough):
        scan(text, visit, lambda *_: None, 10_000)
    lines = Lines(text)
    return [_placed(finding, lines, places) for finding in findings]


def _placed(finding: Finding, lines: Lines, places: dict[Path, tuple[int, int]]) -> Violation:
    offset: int | None = None
    path: Path = tuple(finding.at) if finding.at is not None else ()
    nearest = path
    while finding.at is not None and nearest and nearest not in places:
        nearest = nearest[:-1]
    if finding.at is not None and nearest in places:
        offset, key_offset = places[nearest]
        if finding.rule == "json.extra" and nearest == path and key_offset >= 0:
            offset = key_offset
    return placed(finding, pointer(path), lines, offset)


def pointer(path: Iterable[Any]) -> str:
    """The JSON Pointer of a path (RFC 6901): `~` as `~0`, `/` as `~1`. A key that is longer than an
    excerpt is cut to one: it may be as long as a body, and stand in every path.
    """
    return "".join("/" + excerpt(str(part)).replace("~", "~0").replace("/", "~1") for part in path)
