"""The query services: answer a data user's question in real time from the deliveries that the
exchange holds; renders through others.

Where a report is to be looked for is told by the index; what retention has dropped is not found.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

from exchange.adapters.income_register.document import DATA_REQUEST, ECHO, text_of
from exchange.adapters.income_register.endpoints.request import Operations, ask, fault_of, signed
from exchange.adapters.income_register.hand_out.changed_reports import fitting
from exchange.adapters.income_register.hand_out.document import Extraction, render
from exchange.adapters.income_register.hand_out.render import profile_of, profiles, render_reports
from exchange.adapters.income_register.orders import query_data_type
from exchange.adapters.income_register.orders.conditions import Conditions, as_data, of_data
from exchange.adapters.income_register.orders.subscription import moment
from exchange.adapters.income_register.register.index import Index
from exchange.adapters.income_register.register.stored_delivery import (
    INVALIDATED,
    StoredDelivery,
    Wanted,
)
from exchange.adapters.income_register.register.stored_reports import (
    messages_of,
    newest,
    records_of,
    stored_delivery_of,
)
from exchange.adapters.income_register.register.unindexed import LARGE_BYTES
from exchange.adapters.income_register.rules.judge import rules
from exchange.adapters.income_register.rules.request import QUERY_TYPES
from exchange.adapters.income_register.signature.signer import check_signer
from exchange.ports import Answered, Context, Desk, Identity, Parsed
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import public_id
from exchange.schemas.violation import Finding

Result = TypeVar("Result")
#: Reports in one answer, at most.
REPORTS_MAX = 1000


async def answer_query(operations: Operations, call: Call, partner: Partner, desk: Desk) -> Reply:
    """Answer with the newest valid version of each report that fits (all versions where the request
    says so); the question is kept with the ids of the reports that were handed out.
    """
    outcome, reply = await ask(operations, call, partner, desk, partial(_answer, desk))
    return fault_of(outcome) if reply is None else reply


def judge_question(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """What is wrong with a question: its fields, its signature, its profile."""
    document = parsed.document
    # An echo is data of the sender's own.
    found = [] if parsed.message_type == ECHO else rules(parsed, identity, context)
    found += check_signer(parsed, context)
    profile = document.find("QueryProfile") if parsed.message_type == DATA_REQUEST else None
    if profile is not None and (name := (profile.text or "").strip()) not in profiles():
        known = " or ".join(profiles())
        found.append(
            Finding(
                rule="ir.query-profile",
                message="no such query profile",
                at=profile,
                expected=known,
                found=name,
            )
        )
    return found


async def _answer(desk: Desk, parsed: Parsed) -> Answered:
    document, now = parsed.document, desk.now()
    profile = text_of(document, "QueryProfile")
    kind = QUERY_TYPES[str(document.tag).rpartition("}")[2]]
    parameters = document.find("DataRequestParameters")
    wanted = of_data(as_data(parameters, moment), kind)
    every = text_of(document, "IncludeAllVersions") == "true"
    message_type = query_data_type.ASKED[kind].message_type
    told: dict[str, None] = {}
    reports = await _collect(desk, message_type, wanted, profile_of(profile), every, told)
    rendered = render(
        Extraction(
            message_type=message_type,
            query_type=kind,
            query_id=public_id(now),
            at=now,
            profile=profile,
        ),
        reports,
    )
    return Answered(signed(rendered).body, {"reports": list(told)})


async def _collect(
    desk: Desk,
    message_type: str,
    wanted: Conditions,
    profile: str,
    every: bool,
    ids: dict[str, None],
) -> list[bytes]:
    """The reports that fit, newest delivery first; `ids` gets the register's id of each."""
    reports: list[bytes] = []
    async for delivery in _candidates(desk, message_type, wanted):
        found = [Wanted(index, name, version) for index, name, version, _ in delivery.valid]
        if fits := await _work(delivery, fitting, delivery, found, wanted):
            told = (await _told(desk, delivery, fits, every))[: REPORTS_MAX - len(reports)]
            reports += await _work(delivery, render_reports, delivery, told, profile)
            ids.update(
                dict.fromkeys(delivery.report_keys.register_id(each.report_id) for each in told)
            )
        if len(reports) >= REPORTS_MAX:
            break
        await asyncio.sleep(0)
    return reports


async def _work(
    delivery: StoredDelivery, function: Callable[..., Result], *arguments: object
) -> Result:
    """What a function makes of a delivery: of a large one on a thread, for on the loop everybody
    would wait.
    """
    return (
        await asyncio.to_thread(function, *arguments)
        if len(delivery.body) > LARGE_BYTES
        else function(*arguments)
    )


async def _candidates(
    desk: Desk, message_type: str, wanted: Conditions
) -> AsyncIterator[StoredDelivery]:
    """The deliveries that may hold an answer, the newest first."""
    if references := wanted.values.get(query_data_type.REFERENCE):
        for message_id in await messages_of(desk, sorted(references)):
            delivery = await stored_delivery_of(desk, message_id)
            if delivery is not None and delivery.envelope.message_type == message_type:
                yield delivery
        return
    async for delivery in Index(desk).look_up(message_type, wanted):
        yield delivery


async def _told(
    desk: Desk, delivery: StoredDelivery, fits: list[Wanted], every: bool
) -> list[Wanted]:
    """Those that are the newest version and valid; or all of them, and with the last one that it
    was invalidated.
    """
    records = await records_of(
        desk, (delivery.report_keys.place(each.report_id)[0] for each in fits)
    )
    told = []
    for each in fits:
        last = newest(delivery.report_keys, each.report_id, records)
        if every or last == each.version:
            told.append(each)
        if every and last == -(each.version + 1):
            told.append(each._replace(version=-last, status=INVALIDATED))
    return told
