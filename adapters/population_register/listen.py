"""The register's endpoints: the key of a day, changes after a key, basic data; reads headers and
addresses, judges nothing but a day.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial

from pydantic_core import to_json

from exchange.adapters.population_register import answer, interface
from exchange.adapters.population_register.feed import (
    Told,
    basic_data,
    changes,
    changes_of_residents,
)
from exchange.adapters.population_register.identify import (
    BASIC_DATA_QUERY,
    CHANGES_QUERY,
    may_ask,
    sees_restricted,
)
from exchange.ports import Answered, Desk, Endpoint, Inbound, Parsed
from exchange.schemas.call import JSON, Call, Reply, json_reply, problem
from exchange.schemas.directory import MUNICIPALITY_CODES, Partner
from exchange.schemas.fields import is_date
from exchange.schemas.instants import FINLAND
from exchange.schemas.persons.registration_times import key_of_day
from exchange.schemas.population.change_kinds import identified
from exchange.schemas.violation import Violation

BASE = "/population-register/api/v1"
ENDPOINT = "api"


def _said(message_type: str, call: Call, partner: Partner) -> Inbound:
    return Inbound(
        partner=partner,
        body=call.body,
        content_type=call.content_type,
        endpoint=ENDPOINT,
        hints={"type": message_type},
    )


async def _ask(
    message_type: str,
    telling: Callable[[Parsed, Partner, int], Told],
    call: Call,
    partner: Partner,
    desk: Desk,
) -> Reply:
    """Take a question in and answer it; whom was told of is kept with the question, and what Kela
    is told is counted.
    """

    async def answering(parsed: Parsed) -> Answered:
        size = len(call.body)
        told = await desk.beside(partner.id, size, telling, parsed, partner, desk.now() // 1000)
        document, persons = told.document, {"persons": list(told.persons)}
        is_news = message_type == CHANGES_QUERY and partner.sector == "kela"
        return Answered(to_json(document), persons, identified(document) if is_news else {})

    inbound = _said(message_type, call, partner)
    if call.content_type != JSON:
        wrong = Violation("call.media-type", "JSON is taken", expected=JSON)
        return answer.rejected(await desk.refuse(inbound, "unsupported", [wrong]))
    outcome, answered = await desk.answer(inbound, answering)
    return answer.rejected(outcome) if answered is None else Reply(200, answered.body, JSON)


def _changes(parsed: Parsed, partner: Partner, now: int) -> Told:
    asked = parsed.document
    codes, after = asked.get("hetulista"), asked["viimeisinKirjausavain"]
    if codes is None:
        town = MUNICIPALITY_CODES[partner.id]
        return changes_of_residents(town, after, now, sees_restricted(partner))
    return changes(codes, after, now, sees_restricted(partner))


def _basic_data(parsed: Parsed, partner: Partner, now: int) -> Told:
    asked = parsed.document
    return basic_data(asked["hetulista"], asked.get("tietoryhmat"), now, sees_restricted(partner))


async def first_key(call: Call, partner: Partner, desk: Desk) -> Reply:
    """The key from which on a day's changes are read; tells of nobody, so that it is no message."""
    if not may_ask(partner):
        return problem(403, "No permit", "the organisation has no permit", reason="no-permit")
    text = call.parameters.get("date", "")
    if not is_date(text):
        return problem(400, "No date", "a date as in 2026-11-20 is expected", reason="date")
    day, now = datetime.date.fromisoformat(text), desk.now() // 1000
    # A day begins by the clock of Finland, before it does in UTC, by which keys are.
    if day > datetime.datetime.fromtimestamp(now, FINLAND).date():
        return problem(400, "No key yet", "the day is not here yet", reason="future")
    key = min(key_of_day(day.toordinal()), now)
    return json_reply({"viimeisinKirjausavain": max(0, key)})


ENDPOINTS = (
    Endpoint(
        "GET",
        f"{BASE}/kirjausavain/{{date}}",
        "The key of a day's changes",
        first_key,
        interface=interface.FIRST_KEY,
    ),
    Endpoint(
        "POST",
        f"{BASE}/muutokset",
        "Changes of persons after a key",
        partial(_ask, CHANGES_QUERY, _changes),
        takes_messages=True,
        said=partial(_said, CHANGES_QUERY),
        interface=interface.CHANGES,
    ),
    Endpoint(
        "POST",
        f"{BASE}/perustiedot",
        "What the register has of persons",
        partial(_ask, BASIC_DATA_QUERY, _basic_data),
        takes_messages=True,
        said=partial(_said, BASIC_DATA_QUERY),
        interface=interface.BASIC_DATA,
    ),
)
