"""Pages on which a partner's caseworkers use a channel by hand, as the channel declares them: who
may sign in, with which mandates, the forms and what an answer says; who serves them is the web's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
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
    """A field of a form: a text (`choices` are suggestions), a long one, a date, one of the choices
    or some of them, one of the organisations that `organisations` chooses, files, or (`fixed`) what
    the address of the form says. `given` is what it holds at first; `note` says what may stand in
    it, or what it means when it is left empty. A browser sends no form without what is `required`.
    """

    name: str
    title: Title
    kind: Literal["text", "long", "date", "one", "some", "organisation", "files", "fixed"] = "text"
    choices: Sequence[Choice] = ()
    given: Sequence[str] = ()
    hint: str = ""
    note: Title | None = None
    required: bool = False
    organisations: Callable[[Partner], bool] = lambda _: True


@value
class Go:
    """A cell that leads to the form of another task, with what its address says of it: no person."""

    task: str
    title: Title
    given: Said


#: What a cell of a table holds; a number is an amount in euros.
Cell = str | Title | Decimal | Go


@value
class Section:
    """A part of an answer as a table: texts (dates are ISO, times RFC 3339), titles by language and
    amounts. `empty` is what is told where it has no rows.
    """

    title: Title
    columns: Sequence[Title]
    rows: Sequence[Sequence[Cell]]
    empty: Title | None = None


def first_step(violation: Mapping[str, Any], _: Said) -> str:
    """The member of a document that a violation (as JSON) is about."""
    return str(violation["path"]).split("/")[1] if violation["path"] else ""


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker with that mandate may do: a form whose document goes, as JSON and with the
    files of the form beside it, to one of the channel's endpoints (its name), and what its answer
    (JSON) says.

    `fields` gets the organisation, the time (milliseconds) and what the form says already; where it
    gives none the task is not offered. `document` gets what the form says and the worker,
    `parameters` makes of the former what stands in the endpoint's address, `field_of` names the
    field that a violation is about. `begins_with` names the fields that the form's own address may
    say: ids, never a person. `button` is what the form's button says. Of a task that changes
    something (`is_change`) a form that is sent twice is one message.
    """

    name: str
    title: Title
    mandate: str
    endpoint: str
    button: Title
    fields: Callable[[Partner, int, Said], Sequence[Field]]
    document: Callable[[Said, str], Any]
    told: Callable[[Any], Sequence[Section]]
    begins_with: Sequence[str] = ()
    parameters: Callable[[Said], Mapping[str, str]] = lambda _: {}
    field_of: Callable[[Mapping[str, Any], Said], str] = first_step
    is_change: bool = False


@value
class OpenWork:
    """What is open with an organisation, by message types: what opens it is sent to the
    organisation, which answers it, unless it is withdrawn.
    """

    title: Title
    opened: str
    answered: str
    withdrawn: str


@dataclass(frozen=True, slots=True)
class CaseworkerPages:
    """The pages of a channel below `path`, which ends with a slash. `id_header` is the header in
    which the channel's callers name a message; `purposes` titles what may be asked for; `rules`
    says, of the rules that a form can break, what a caseworker is told.
    """

    path: str
    title: Title
    mandates: Sequence[Choice]
    tasks: Sequence[Task]
    may_sign_in: Callable[[Partner], bool]
    id_header: str
    purposes: Mapping[str, Title]
    rules: Mapping[str, Title]
    open_work: OpenWork | None = None
