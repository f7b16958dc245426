"""What is wrong with a message: a finding (raised by a schema or a rule) and a violation (the same,
with its position), and how others' texts are shown with it; nothing that decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]

#: Longest text of `found` or `source` that is repeated to a sender, in characters.
EXCERPT_CHARACTERS_MAX = 200
#: Directional characters, and what is of no width or blank beside the spaces, as a part of a class
#: of a regular expression: Unicode's Default_Ignorable_Code_Point, the blank Braille pattern, and
#: marks of annotations.
#:
#: Source: Unicode Standard Annex 9, "Unicode Bidirectional Algorithm", 2; DerivedCoreProperties.txt.
INVISIBLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
#: Those, and controls but for tabs and line ends; by C0 and C1 a terminal is told something
#: (ECMA-48, 5.3).
_UNSEEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{INVISIBLE}]")


@dataclass(slots=True)
class Finding:
    """One thing wrong, before its position is known.

    `at` is an lxml element (XML), a tuple of keys and indexes (JSON), or None for the whole
    message. `attribute` names an attribute of the element. `item` is the 0-based index of the item
    (report, payment) that it is about, or None when it is about the message. `code` is the
    channel's own error code, if it has one.
    """

    rule: str
    message: str
    at: Any = None
    expected: str = ""
    found: str = ""
    severity: Severity = "error"
    code: str = ""
    item: int | None = None
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a message, and where: lines and columns count from 1 (0: no position),
    columns in characters.

    `path` is an XPath (XML) or a JSON Pointer (RFC 6901); `source` is the line that it stands on,
    cut to `EXCERPT_CHARACTERS_MAX` characters around the column, and `source_column` the place in
    it that the column has become.
    """

    rule: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    expected: str = ""
    found: str = ""
    source: str = ""
    severity: Severity = "error"
    code: str = ""
    item: int | None = None
    source_column: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The violation as JSON: always rule, message, path, line, column, severity; the others
        where they say something.
        """
        out: dict[str, Any] = {
            "rule": self.rule,
            "message": self.message,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "severity": self.severity,
        }
        for name in ("expected", "found", "source", "code"):
            if value := getattr(self, name):
                out[name] = value
        if self.item is not None:
            out["item"] = self.item
        return out

    def as_text(self) -> str:
        """The violation in one line for a person: `line:column path: message (rule; expected ...;
        found ...)`.
        """
        detail = [self.rule]
        if self.expected:
            detail.append(f"expected {self.expected}")
        if self.found:
            detail.append(f"found {self.found}")
        where = f"{self.line}:{self.column} " if self.line else ""
        path = f"{self.path}: " if self.path else ""
        return on_one_line(f"{where}{self.severity}: {path}{self.message} ({'; '.join(detail)})")

    def as_lines(self) -> list[str]:
        """The same with its source line below and a caret under the column, for a terminal."""
        lines = [self.as_text()]
        source = self.source.replace("\t", " ")
        if shown := source.strip():
            lines.append("    " + on_one_line(shown))
            if self.source_column:
                before = source[len(source) - len(source.lstrip()) : self.source_column - 1]
                lines.append("    " + " " * len(on_one_line(before)) + "^")
        return lines


def visible(text: str) -> str:
    """A text that somebody else wrote, with its characters that are not seen as `\\u202e` (one
    beyond U+FFFF as the two of UTF-16), so that two different texts never look alike for them. Of a
    text in JSON it is another spelling.
    """
    return _UNSEEN.sub(_spelled, text)


def on_one_line(text: str) -> str:
    """The same, and its line ends and tabs can't make it look like two."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _spelled(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def excerpt(text: str, column: int = 1) -> str:
    """`text` cut to `EXCERPT_CHARACTERS_MAX` characters around `column`, with an ellipsis where
    something is left out.
    """
    return excerpt_at(text, column)[0]


def excerpt_at(text: str, column: int) -> tuple[str, int]:
    """The excerpt around `column`, and the column in it."""
    return excerpt_of(text, column, 0, len(text))


def excerpt_of(part: str, column: int, left_out: int, length: int) -> tuple[str, int]:
    """The same of a text of that length of which only a part is at hand: it begins after the
    characters left out and holds all that the excerpt can show.
    """
    if length <= EXCERPT_CHARACTERS_MAX:
        return part, column
    start = max(0, min(column - 1 - EXCERPT_CHARACTERS_MAX // 2, length - EXCERPT_CHARACTERS_MAX))
    end = start + EXCERPT_CHARACTERS_MAX
    return ("…" if start else "") + part[start - left_out : end - left_out] + (
        "…" if end < length else ""
    ), column - start + bool(start)


def has_errors(findings: list[Finding]) -> bool:
    """Whether any of them is an error; warnings alone never reject a message."""
    return any(finding.severity == "error" for finding in findings)


class Malformed(ValueError):
    """The bytes are no document at all (not well-formed, too deep, forbidden construct); carries
    the violations found.
    """

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(violations[0].message if violations else "malformed")
        self.violations = violations
