"""Characters that are not seen, or turn the order of what stands beside them, shown as what they
are: what somebody else wrote can't pose as another text, nor speak to a terminal.
"""

from __future__ import annotations

import re

#: Controls but for tabs and line ends, soft hyphens, zero-width and directional characters, tags.
#:
#: Source: Unicode Standard Annex 9, "Unicode Bidirectional Algorithm", 2 (directional characters);
#: ECMA-48, 5.3 (controls C0 and C1, by which a terminal is told something).
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\U000e0000-\U000e007f]"
)


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
