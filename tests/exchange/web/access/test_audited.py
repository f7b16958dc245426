"""Every change that an operator can make is in the audit log with who made it: each route that
takes POST is listed here, with what it notes or why it changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from exchange.schemas.envelope import public_id
from tests.exchange.web.access.endpoints import Shut, shut
from tests.exchange.web.access.test_every_route import of_partners, routes
from tests.exchange.web.dead import die
from tests.journeys.pages.forms import form
from tests.journeys.pages.test_caseworkers import COUNTY, PERSON

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What judges, and notes nothing.
JUDGES = {"/validate", "/api/v1/validate"}
#: The audit log goes with the ledger that is emptied; a setting allows it, in tests.
EMPTIES = {"/api/v1/reset"}
ADDED = {
    "id": "county.own",
    "name": "Own",
    "sector": "wellbeing-county",
    "url": "http://127.0.0.1:9",
}
WORKER = {
    "task": "query",
    "organisation": COUNTY,
    "worker": "sos.tt.12",
    "mandate": "view-benefit-data",
    "person": PERSON,
}
#: By route what is sent, and what the audit log says then. `{dead}` is a dead letter.
CHANGES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/api/v1/dead-letters/resend", {"deliveries": ["{dead}"]}, "resend"),
    ("/api/v1/dead-letters/skip", {"deliveries": ["{dead}"]}, "skip"),
    ("/api/v1/dead-letters/skip", {"filter": {}, "per_second": 1}, "skip-by-filter"),
    ("/api/v1/dead-letters/job/stop", {}, "skip-stop"),
    ("/api/v1/partners", ADDED, "partner-add"),
    ("/api/v1/partners/{id}/pause", {}, "pause"),
    ("/api/v1/partners/{id}/resume", {}, "resume"),
    ("/api/v1/partners/{id}/rotate", {}, "partner-rotate"),
    ("/api/v1/partners/{id}/remove", {}, "partner-remove"),
    ("/api/v1/stubs/overrides", {"id": "one", "partner": "fund.pro", "status": 503}, "override"),
    ("/api/v1/stubs/overrides/remove", {"id": "one"}, "override-remove"),
    ("/api/v1/messages/search", {"person": PERSON}, "messages-of-person"),
    ("/api/v1/disclosures/search", {"person": PERSON}, "disclosures-of-person"),
)
FORMS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("/dead-letters", {"resend": "{dead}"}, "resend"),
    ("/dead-letters", {"skip": "{dead}"}, "skip"),
    ("/partners/{id}", {"pause": "1"}, "pause"),
    ("/partners/{id}", {"resume": "1"}, "resume"),
    ("/stubs", {"partner": "fund.pro", "status": "503"}, "override"),
    ("/messages", {"person": PERSON}, "messages-of-person"),
    ("/disclosures", {"person": PERSON}, "disclosures-of-person"),
    ("/kelmu/", WORKER, "kelmu-query-as-worker"),
)
SESSIONS = {"/sign-in": "sign-in", "/sign-out": "sign-out"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shut]:
    async with shut(tmp_path_factory.mktemp("audited")) as started:
        yield started


def changing(app: web.Application, closed: Shut) -> set[str]:
    """The operators' addresses that take anything but a question."""
    of_others = {each.path for each in of_partners(closed)}
    return {
        each.path
        for each in routes(app)
        if each.method not in ("GET", "HEAD") and each.path not in of_others
    }


async def noted(closed: Shut) -> tuple[str, str]:
    """The newest row: what, and by whom."""
    ((_, row),) = await closed.running.exchange.ledger.audited(1)
    return row.what, row.operator


async def test_every_route_that_changes_something_is_listed(closed: Shut) -> None:
    listed = {path for path, *_ in (*CHANGES, *FORMS)} | JUDGES | EMPTIES | {*SESSIONS}
    assert changing(closed.running.exchange.application(), closed) == listed


async def test_every_change_is_in_the_audit_log_with_who_made_it(closed: Shut) -> None:
    exchange, told = closed.running.exchange, {"Content_Type": "application/json"}
    for number, (path, given, what) in enumerate(CHANGES):
        dead = public_id(await die(exchange, f"dead-{number}", "http-503: closed"))
        body = json.dumps(given).replace("{dead}", dead)
        address = path.replace("{id}", "county.own")
        status, _, text = await closed.call("POST", address, "admin", body, **told)
        assert status < 300, (path, text)
        assert await noted(closed) == (what, "a-admin"), path
    for path, fields, what in FORMS:
        dead = public_id(await die(exchange, f"dead {path} {what}", "http-503: closed"))
        sent = form((name, value.replace("{dead}", dead)) for name, value in fields.items())
        address = path.replace("{id}", "fund.pro")
        status, _, text = await closed.call("POST", address, "admin", sent)
        assert status < 500, (path, text)
        assert await noted(closed) == (what, "a-admin"), path
    origin = {"Origin": closed.running.url}
    key = f"key={closed.keys['viewer']}"
    form_type = {"Content_Type": "application/x-www-form-urlencoded"}
    _, headers, _ = await closed.call("POST", "/sign-in", data=key, **origin, **form_type)
    assert await noted(closed) == ("sign-in", "a-viewer")
    cookie = headers["Set-Cookie"].partition(";")[0]
    await closed.call("POST", "/sign-out", Cookie=cookie, **origin)
    assert await noted(closed) == ("sign-out", "a-viewer")
