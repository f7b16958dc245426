"""Kela's information requests and notices as a worker reads and handles them in a browser: the work
lists, an answer with its statements and files, a notice moved to another authority.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from exchange.adapters.kelmu.caseworker.form import (
    HANDLE,
    NO,
    SEARCH,
    SEND,
    STATE,
    YES,
    field_of,
    files,
    one,
    receipt,
    titles,
)
from exchange.adapters.kelmu.rights import provides_social_services
from exchange.ports.caseworkers import Cell, Choice, Field, Go, Said, Section, Task, Title
from exchange.schemas.directory import Partner
from exchange.schemas.kelmu.codes import NOTICE_KINDS, STATEMENTS

_REQUESTS = titles("Kelan tietopyynnöt", "FPA:s informationsbegäranden", "Information requests")
_NOTICES = titles("Kelan ilmoitukset", "FPA:s meddelanden", "Notices")
_REQUEST = titles("Tietopyyntö", "Informationsbegäran", "Information request")
_NOTICE = titles("Ilmoitus", "Meddelande", "Notice")
_PERSON = titles("Henkilö", "Person", "Person")
_ANSWER = titles("Vastaa tietopyyntöön", "Besvara informationsbegäran", "Answer a request")
_MOVE = titles("Siirrä ilmoitus", "Överför meddelande", "Move a notice")
_MORE = titles("Lisää", "Fler", "More")
_STATES: Mapping[str, Title] = {
    "open": titles("avoin", "öppen", "open"),
    "answered": titles("vastattu", "besvarad", "answered"),
    "withdrawn": titles("peruttu", "återtagen", "withdrawn"),
    "given": titles("annettu", "lämnat", "given"),
    "moving": titles("siirtymässä", "överförs", "being moved"),
    "moved": titles("siirretty", "överfört", "moved"),
}
#: How many of a work list stand on a page.
_MOST = 100
#: The fields of an answer that hold its statements begin so.
_TEXT = "text."


def _list_fields(partner: Partner, _: int, said: Said) -> Sequence[Field]:
    if not provides_social_services(partner):
        return ()
    which = Field(
        name="which",
        title=titles("Mitkä", "Vilka", "Which"),
        kind="one",
        choices=(
            Choice("open", titles("Avoimet", "Öppna", "Open ones")),
            Choice("all", titles("Kaikki", "Alla", "All")),
        ),
    )
    if not one(said, "after"):
        return (which,)
    after = titles("Edellisen sivun jälkeen", "Efter föregående sida", "After the page before")
    return which, Field(name="after", title=after, kind="fixed")


def _query(work_list: str) -> Callable[[Said, str], Any]:
    def document(said: Said, worker: str) -> dict[str, Any]:
        return {
            "work_list": work_list,
            "user": worker,
            "all": one(said, "which") == "all",
            "after": one(said, "after"),
            "most": _MOST,
        }

    return document


def _requests(answer: Any) -> Sequence[Section]:
    columns = (
        _REQUEST,
        STATE,
        _PERSON,
        titles("Selvitykset", "Utredningar", "Statements"),
        titles("Kysymys", "Fråga", "Question"),
        titles("Viimeistään", "Senast", "Answer by"),
        titles("Myöhässä", "Försenad", "Late"),
        titles("Toiminto", "Åtgärd", "Action"),
    )
    rows = [_request_row(each) for each in answer["entries"]]
    return [Section(title=_REQUESTS, columns=columns, rows=rows), *_more(answer, "requests")]


def _request_row(entry: Mapping[str, Any]) -> Sequence[Cell]:
    number, statements = entry["information_request"], entry["statements"]
    given = {"information_request": (number,), "statements": statements}
    return (
        number,
        _STATES[entry["state"]],
        entry["person"],
        _joined([STATEMENTS[each].title for each in statements]),
        entry["question"],
        entry["answer_by"],
        YES if entry["late"] else NO,
        Go("answer", _ANSWER, given) if entry["state"] == "open" else "",
    )


def _notices(answer: Any) -> Sequence[Section]:
    columns = (
        _NOTICE,
        STATE,
        titles("Laji", "Slag", "Kind"),
        _PERSON,
        titles("Annettu", "Lämnat", "Given at"),
        titles("Toiminto", "Åtgärd", "Action"),
    )
    rows = [
        (
            entry["notice"],
            _STATES[entry["state"]],
            NOTICE_KINDS[entry["notice_kind"]].title,
            entry.get("person", ""),
            entry["given_at"],
            Go("move", _MOVE, {"notice": (entry["notice"],)}) if entry["state"] == "given" else "",
        )
        for entry in answer["entries"]
    ]
    return [Section(title=_NOTICES, columns=columns, rows=rows), *_more(answer, "notices")]


def _more(answer: Any, task: str) -> Iterator[Section]:
    if answer["after"]:
        go = Go(task, _MORE, {"after": (answer["after"],)})
        yield Section(title=_MORE, columns=(_MORE,), rows=((go,),))


def _joined(several: Sequence[Title]) -> Title:
    return {language: "; ".join(each[language] for each in several) for language in several[0]}


def _answer_fields(partner: Partner, _: int, said: Said) -> Sequence[Field]:
    asked = [name for name in said.get("statements", ()) if name in STATEMENTS]
    if not provides_social_services(partner) or not asked:
        return ()
    empty = titles(
        "tyhjä: ei lausuttavaa", "tomt: inget att uttala", "empty: there is nothing to state"
    )
    return (
        Field(name="information_request", title=_REQUEST, kind="fixed"),
        Field(
            name="statements",
            title=titles("Pyydetty", "Begärt", "Asked for"),
            kind="fixed",
            choices=[Choice(name, code.title) for name, code in STATEMENTS.items()],
        ),
        *(
            Field(
                name=f"{_TEXT}{name}",
                title=STATEMENTS[name].title,
                kind="long",
                note=empty,
            )
            for name in dict.fromkeys(asked)
        ),
        files(),
    )


def _answer(said: Said, worker: str) -> dict[str, Any]:
    given = []
    for name in said.get("statements", ()):
        text = one(said, f"{_TEXT}{name}")
        told = {"text": text} if text else {}
        given.append({"statement": name, "known": bool(text), **told})
    return {"information_request": one(said, "information_request"), "given": given, "user": worker}


def _field_of_answer(violation: Mapping[str, Any], said: Said) -> str:
    """Of a statement its text."""
    name, statements = field_of(violation, said), said.get("statements", ())
    if name != "given":
        return name
    index = violation["path"].split("/")[2:3]
    if index and index[0].isdecimal() and int(index[0]) < len(statements):
        return f"{_TEXT}{statements[int(index[0])]}"
    return "statements"


def _move_fields(partner: Partner, _: int, said: Said) -> Sequence[Field]:
    if not provides_social_services(partner) or not one(said, "notice"):
        return ()
    return (
        Field(name="notice", title=_NOTICE, kind="fixed"),
        Field(
            name="authority",
            title=titles("Toinen viranomainen", "Annan myndighet", "Other authority"),
            kind="organisation",
            required=True,
            organisations=lambda other: other.id != partner.id and provides_social_services(other),
        ),
        Field(name="reason", title=titles("Syy", "Orsak", "Reason"), kind="long", required=True),
    )


def _move(said: Said, worker: str) -> dict[str, Any]:
    named = {name: one(said, name) for name in ("notice", "authority", "reason")}
    return {**named, "user": worker}


def _reference(name: str) -> Callable[[Said], Mapping[str, str]]:
    return lambda said: {"id": one(said, name)}


REQUESTS = Task(
    name="requests",
    title=_REQUESTS,
    mandate=HANDLE.value,
    endpoint="POST /kelmu/v1/ui/work-lists",
    button=SEARCH,
    fields=_list_fields,
    document=_query("information-requests"),
    told=_requests,
    begins_with=("after",),
)
NOTICES = Task(
    name="notices",
    title=_NOTICES,
    mandate=HANDLE.value,
    endpoint="POST /kelmu/v1/ui/work-lists",
    button=SEARCH,
    fields=_list_fields,
    document=_query("notices"),
    told=_notices,
    begins_with=("after",),
)
ANSWER = Task(
    name="answer",
    title=_ANSWER,
    mandate=HANDLE.value,
    endpoint="POST /kelmu/v1/information-requests/{id}/answers",
    button=SEND,
    fields=_answer_fields,
    document=_answer,
    told=receipt,
    begins_with=("information_request", "statements"),
    parameters=_reference("information_request"),
    field_of=_field_of_answer,
    is_change=True,
)
MOVE = Task(
    name="move",
    title=_MOVE,
    mandate=HANDLE.value,
    endpoint="POST /kelmu/v1/notices/{id}/transfers",
    button=titles("Siirrä", "Överför", "Move"),
    fields=_move_fields,
    document=_move,
    told=receipt,
    begins_with=("notice",),
    parameters=_reference("notice"),
    is_change=True,
)
