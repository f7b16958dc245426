"""The query services: answer a data user's question in real time from the deliveries that the exchange holds; renders through others.

*Modelled*: the exchange keeps no index by person, so it looks through its deliveries, newest first, and no further than
`MESSAGES_MAX`; what retention has dropped is not found. Who may ask what is not judged: any partner may ask.
"""

from __future__ import annotations

from typing import Any

from adapters.income_register import soap, wsdl
from adapters.income_register.extract import (
    INVALIDATED,
    VALID,
    Conditions,
    Extraction,
    Found,
    conditions,
    profiles,
    render,
    render_report,
    reports_in,
)
from adapters.income_register.identify import identify
from adapters.income_register.memory import read_row
from adapters.income_register.opening import opened, signed
from adapters.income_register.parse import BENEFIT_REPORTS, DATA_REQUEST, PAYER_SUMMARY_REPORTS, WAGE_REPORTS, text_of
from adapters.income_register.rules import rules
from adapters.income_register.verification import check_signature
from exchange.ports import Context, Desk
from schemas.call import Call, Reply
from schemas.directory import Partner
from schemas.envelope import public_id
from schemas.violation import has_errors
from schemas.xml import locate

#: Deliveries looked through for one question, at most, and how many are read at once.
MESSAGES_MAX, PAGE_MESSAGES = 10_000, 100
#: Reports in one answer, at most.
REPORTS_MAX = 1000

_KINDS = {"Wage": WAGE_REPORTS, "Bene": BENEFIT_REPORTS, "Paye": PAYER_SUMMARY_REPORTS}
#: What each way of asking must give: attributes of `Conditions`.
_NEEDED = {
    "OneIncomeEarner": ("earner",),
    "OnePayer": ("payer",),
    "OnePayerOneIncomeEarner": ("payer", "earner"),
    "OnePolicyNo": ("policy",),
    "OneIRReportId": ("register_id",),
}


async def ask(operations: tuple[wsdl.Operation, ...], call: Call, partner: Partner, desk: Desk) -> Reply:
    """Answer with the newest valid version of each report that fits (all versions where the request says so)."""
    parsed = opened(DATA_REQUEST, operations, call, partner)
    if isinstance(parsed, Reply):
        return parsed
    document, now = parsed.document, desk.now()
    found = rules(parsed, identify(parsed), Context(desk.directory, now)) + check_signature(parsed, True)
    if has_errors(found):
        return soap.fault("Client", "rule", [each for each in locate(call.body, found) if each.severity == "error"])
    wanted = conditions(document)
    name = str(document.tag).rpartition("}")[2].removesuffix("RequestToIR")
    if missing := [each for each in _NEEDED["One" + name.partition("One")[2]] if not getattr(wanted, each)]:
        return soap.fault("Client", f"{name} needs a parameter for: {', '.join(missing)}")
    profile = text_of(document, "QueryProfile")
    if profile and profile not in profiles():
        return soap.fault("Client", f"there is no query profile {profile}; there are {', '.join(profiles())}")
    message_type = _KINDS[name[:4]]
    every = text_of(document, "IncludeAllVersions") == "true"
    reports = await _collect(desk, message_type, wanted, profile or next(iter(profiles())), every)
    about = Extraction(message_type, text_of(document, "QueryDataType"), public_id(now), now, profile)
    return signed(render(about, reports))


async def _collect(desk: Desk, message_type: str, wanted: Conditions, profile: str, every: bool) -> list[Any]:
    """The reports that fit, newest delivery first."""
    needles, after, reports = wanted.codes(), 0, []
    for _ in range(MESSAGES_MAX // PAGE_MESSAGES):
        page = await desk.stored((message_type,), 0, desk.now() + 1, PAGE_MESSAGES, after, newest_first=True)
        for envelope, body in page:
            if body and all(needle in body for needle in needles):
                fitting = [found for found in reports_in(envelope, body) if wanted.fit(found)]
                reports += await _current(desk, fitting, profile, every)
        if len(page) < PAGE_MESSAGES or len(reports) >= REPORTS_MAX:
            break
        after = page[-1][0].id
    return reports[:REPORTS_MAX]


async def _current(desk: Desk, fitting: list[Found], profile: str, every: bool) -> list[Any]:
    """Those that are the newest version and valid, or all of them with their status."""
    known = await desk.recall(list({found.shelf.place(found.report_id)[0] for found in fitting})) if fitting else {}
    reports = []
    for found in fitting:
        key, suffix = found.shelf.place(found.report_id)
        row = read_row(known.get(key))
        newest = row.versions.get(suffix, 0) if row else 0
        if every or newest == found.version:
            reports.append(render_report(found, INVALIDATED if newest < 0 else VALID, profile))
    return reports
