"""Pages on which a partner's caseworkers use a channel by hand, as the channel declares them: who
may sign in, with which mandates, the forms and what an answer says; who serves them is the web's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from exchange.schemas.directory import Partner
from exchange.schemas.value import value

#: A title by language.
Title = Mapping[str, str]
#: What a form said: the values of each field.
Said = Mapping[str, Sequence[str]]


@value
class Choice:
    """A value that may be chosen."""

    value: str
    title: Title


@value
class Field:
    """A field of a form: a text, a date, one of the choices or some of them; `given` is what it
    holds at first.
    """

    name: str
    title: Title
    kind: Literal["text", "date", "one", "some"] = "text"
    choices: Sequence[Choice] = ()
    given: Sequence[str] = ()
    hint: str = ""


@value
class Section:
    """A part of an answer as a table: texts (dates are ISO) and titles by language."""

    title: Title
    columns: Sequence[Title]
    rows: Sequence[Sequence[str | Title]]


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker with that mandate may do: a form whose document goes, as JSON, to one of the
    channel's endpoints (its name), and what the answer (200, JSON) says.

    `fields` and `document` get the organisation and the time (milliseconds); `document` the worker
    besides.
    """

    name: str
    title: Title
    mandate: str
    endpoint: str
    fields: Callable[[Partner, int], Sequence[Field]]
    document: Callable[[Said, str], Any]
    told: Callable[[Any], Sequence[Section]]


@dataclass(frozen=True, slots=True)
class CaseworkerPages:
    """The pages of a channel below `path`, which ends with a slash."""

    path: str
    title: Title
    mandates: Sequence[Choice]
    tasks: Sequence[Task]
    may_sign_in: Callable[[Partner], bool]
