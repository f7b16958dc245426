"""Translations of the pages: chooses a reader's language and gives the words of `words.toml` behind
gettext's calls.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

LANGUAGES = ("fi", "sv", "en")
DEFAULT_LANGUAGE = "en"

#: What each language calls itself.
OWN_NAMES = {"fi": "Suomi", "sv": "Svenska", "en": "English"}

_PATH = Path(__file__).with_name("words.toml")
#: A place for a value in a text: `{most}`; in one that repeats what was given, `{given!r}`.
_PLACE = re.compile(r"\{(\w+)(?:!r)?\}")
#: Longer texts are not held against those that have places.
_CHARACTERS_MAX = 1_000


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """English text -> language -> text."""
    entries = tomllib.loads(_PATH.read_text(encoding="utf-8"))["word"]
    return {entry["en"]: entry for entry in entries}


@cache
def _with_places() -> Mapping[str, re.Pattern[str]]:
    """By each English text that has places for values, what it looks like with values in them."""
    found = {}
    for text in words():
        names, said = _PLACE.findall(text), _PLACE.split(text)[::2]
        if names:
            parts = [
                f"(?P<{name}>.+){re.escape(after)}"
                for name, after in zip(names, said[1:], strict=True)
            ]
            found[text] = re.compile("".join((re.escape(said[0]), *parts)))
    return found


def gettext(language: str) -> Callable[[str], str]:
    """The function that says a text in that language, also one that was made of a text with places
    for values; in English where it has no translation.
    """

    def say(text: str) -> str:
        if (told := words().get(text)) is not None:
            return told.get(language, text)
        if len(text) <= _CHARACTERS_MAX:
            for placed, pattern in _with_places().items():
                if values := pattern.fullmatch(text):
                    parts = _PLACE.split(words()[placed][language])
                    # (Every second part is the name of a place.)
                    parts[1::2] = [values[name] for name in parts[1::2]]
                    return "".join(parts)
        return text

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
