"""Reading TOML that people write: what is wrong with it is told in one line, whatever it is."""

from __future__ import annotations

import tomllib
from typing import Any


def parse(content: bytes) -> dict[str, Any]:
    """The tables of a file in UTF-8; the byte order mark that some editors write is passed over.

    Raises:
        ValueError: when it is no TOML, saying where.
    """
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"no TOML: line {line} is not in UTF-8: save the file in UTF-8") from error
    except RecursionError as error:
        raise ValueError("no TOML: it is nested too deeply") from error
    except ValueError as error:
        # (Python says this of a number of more than 4,300 digits.)
        why = str(error).partition(";")[0]
        raise ValueError(f"no TOML: {why}") from error
