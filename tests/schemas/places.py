"""Where a character of a text stands, found the plain way, to compare the product's positions with;
nothing of the product.
"""

from __future__ import annotations

import re


def place(text: str, offset: int) -> tuple[int, int, str]:
    """Line, column (both from 1) and source line of the character at that offset; LF, CR LF and CR
    end a line.
    """
    line, start = 1, 0
    for end in re.finditer("\r\n|\r|\n", text):
        if end.end() > offset:
            return line, offset - start + 1, text[start : end.start()]
        line, start = line + 1, end.end()
    return line, offset - start + 1, text[start:]
