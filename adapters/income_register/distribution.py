"""Extracts what subscriptions ask for when they are due, as messages of the register to the subscriber; a watch, not the schedule itself.

An extraction is a message of its own and goes the whole way; the subscription is remembered as extracted in the same commit as its last
document. Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapter 8 (vero.fi). *Modelled*: of the
kinds of material only those of all earners or payers are extracted (QueryDataType 300, 306, 315); an invalidated report is
told of when its delivery lies in the change span.
"""

from __future__ import annotations

from typing import Any

from adapters.income_register.cycle import SUBSCRIPTION_DOOR
from adapters.income_register.extract import INVALIDATED, VALID, Extraction, profiles, render, render_report, reports_in
from adapters.income_register.memory import read_row, subscription_key
from adapters.income_register.parse import BENEFIT_REPORTS, PAYER_SUMMARY_REPORTS, WAGE_REPORTS
from adapters.income_register.signature import sign, signing_key
from adapters.income_register.subscription import ALL, due_at, part_id, span
from exchange.ports import Desk, Inbound, Watch
from schemas.call import XML
from schemas.envelope import Envelope

EXTRACTED = {"300": WAGE_REPORTS, "306": PAYER_SUMMARY_REPORTS, "315": BENEFIT_REPORTS}
#: Who the register is among the partners.
REGISTER = "income-register"
#: An extraction waits so long after its time, so that what was received before it is committed.
SETTLING_MILLISECONDS = 2000
#: Reports in one document, at most, and deliveries read at once.
REPORTS_MAX, PAGE_MESSAGES = 3000, 50


async def watch(desk: Desk) -> None:
    """One round: every subscription that is due, as often as it is."""
    listed = (await desk.recall([ALL])).get(ALL)
    for register_id in listed.value if listed is not None else ():
        while await extract(register_id, desk):
            pass


async def extract(register_id: str, desk: Desk) -> bool:
    """Extract a main subscription if it is due; whether it was."""
    key = subscription_key(register_id)
    data = (await desk.recall([key]))[key].value
    at = due_at(data)
    register = desk.directory.get(REGISTER)
    if not at or at + SETTLING_MILLISECONDS > desk.now() or register is None:
        return False
    parts = [part for part in data["parts"] if part["type"] in EXTRACTED]
    for part in parts:
        documents = await _documents(register_id, data, part, at, desk)
        for number, document in enumerate(documents, 1):
            last = part is parts[-1] and number == len(documents)
            hints = {"subscription": register_id, "receiver": data["partner"], "until": str(at) if last else ""}
            outcome = await desk.accept(Inbound(register, sign(document, signing_key()), XML, SUBSCRIPTION_DOOR, hints))
            if outcome.kind == "rejected":
                return False
    return bool(parts)


async def _documents(register_id: str, data: dict[str, Any], part: dict[str, Any], at: int, desk: Desk) -> list[bytes]:
    """The documents of one part: at least one, with at most so many reports each."""
    start, end = span(data, at)
    message_type, profile = EXTRACTED[part["type"]], part["profile"] if part["profile"] in profiles() else next(iter(profiles()))
    reports: list[Any] = []
    after = 0
    while page := await desk.stored((message_type,), start, end, PAGE_MESSAGES, after):
        for envelope, body in page:
            reports += await _reports(envelope, body, part["all"], profile, desk) if body else []
        after = page[-1][0].id
    own = part_id(register_id, part["id"])
    heads = range(0, max(len(reports), 1), REPORTS_MAX)
    return [
        render(
            Extraction(
                message_type,
                part["type"],
                f"{own[:16]}{at:012x}{number:04x}",
                at,
                part["profile"],
                (start, end),
                data["id"],
                part["id"],
                (register_id, own),
            ),
            reports[first : first + REPORTS_MAX],
        )
        for number, first in enumerate(heads)
    ]


async def _reports(envelope: Envelope, body: bytes, every: bool, profile: str, desk: Desk) -> list[Any]:
    """The reports of a delivery that are still the newest version (all when the subscription says so), with their status."""
    found = list(reports_in(envelope, body))
    known = await desk.recall(list({each.shelf.place(each.report_id)[0] for each in found}))
    rendered = []
    for each in found:
        key, suffix = each.shelf.place(each.report_id)
        row = read_row(known.get(key))
        newest = row.versions.get(suffix, 0) if row else 0
        if newest == -(each.version + 1):
            each.version = -newest
            rendered.append(render_report(each, INVALIDATED, profile))
        elif every or newest == each.version:
            rendered.append(render_report(each, VALID, profile))
    return rendered


WATCH = Watch("subscriptions", 5.0, watch)
