"""Whoever may only look sees no body and no button, and not the audit log."""

from __future__ import annotations

from exchange.schemas.envelope import public_id
from tests.exchange.web.access.endpoints import Shut
from tests.exchange.web.dead import die


async def test_a_viewer_sees_no_body_and_no_button(closed: Shut) -> None:
    exchange = closed.running.exchange
    message = await exchange.ledger.message_of(await die(exchange, "a", "http-503: closed"))
    path = f"/messages/{public_id(message)}?lang=en"
    for role, sees in (("viewer", False), ("operator", True)):
        status, _, text = await closed.call("GET", path, role)
        assert status == 200
        assert ('id="line-1"' in text) is sees
        assert ('name="resend"' in text) is sees
        status, _, text = await closed.call("GET", "/dead-letters?lang=en", role)
        assert (status, 'name="resend"' in text) == (200, sees)
    assert [(await closed.call("GET", "/audit", role))[0] for role in ("operator", "admin")] == [
        403,
        200,
    ]
