"""Translations of the pages: chooses a reader's language and gives the words of `words.toml` behind
gettext's calls.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("fi", "sv", "en")
DEFAULT_LANGUAGE = "en"

#: What each language calls itself.
OWN_NAMES = {"fi": "Suomi", "sv": "Svenska", "en": "English"}

_PATH = Path(__file__).with_name("words.toml")


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """English text -> language -> text."""
    entries = tomllib.loads(_PATH.read_text(encoding="utf-8"))["word"]
    return {entry["en"]: entry for entry in entries}


def gettext(language: str) -> Callable[[str], str]:
    """The function that says a text in that language; in English where it has no translation."""

    def say(text: str) -> str:
        return words().get(text, {}).get(language, text)

    return say


def ngettext(language: str) -> Callable[[str, str, int], str]:
    """The same for a text with a singular and a plural."""
    say = gettext(language)
    return lambda singular, plural, number: say(singular if number == 1 else plural)


def wanted_language(asked: str | None, accept_language: str) -> str:
    """The language asked for, else the first that the browser accepts (by its q values), else
    English.
    """
    if asked in LANGUAGES:
        return asked
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for part in accept_language[:500].split(","):
        name, _, parameter = part.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    if not parameter.strip().startswith("q="):
        return 1.0
    try:
        return float(parameter.strip()[2:])
    except ValueError:
        return 0.0
