"""The signature of what is pushed: by the lines that Luova's page gives to integrators."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exchange import discovery
from exchange.adapters import luova
from exchange.journey.deliver.sign import signed
from exchange.ports import Delivered, Delivery, RefusedByPartner
from exchange.schemas import directory
from exchange.schemas.call import Call, Reply
from exchange.schemas.envelope import Envelope

PAGE = (Path(luova.__file__).parent / "README.md").read_text(encoding="utf-8")
PARTNERS = directory.load()
SECRET = "s" * 40


def verifier() -> Any:
    """The function on the page."""
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = {}
    exec(lines, found)
    return found["is_ours"]


def delivery(secret: str = SECRET, conflict: str = "delivered") -> Delivery:
    """One to a receiver with that secret."""
    sender, receiver = PARTNERS.get("dvv"), PARTNERS.get("kela.core-data")
    assert sender is not None
    assert receiver is not None
    envelope = Envelope(5, "luova", "population.births", "dvv", "b-1", 0, "application/json")
    changed = replace(receiver, callback_secret=secret, conflict=conflict)
    return Delivery(7, envelope, sender, changed, b'{"a":1}')


def test_the_lines_on_the_page_tell_ours_from_others() -> None:
    now = int(time.time() * 1000)
    one, is_ours = delivery(), verifier()
    call = signed(Call("POST", "/", {}, one.body), one, now)
    headers = dict(call.headers)
    assert is_ours(headers, call.body, SECRET)
    assert headers["X-Sender-Message-Id"] == "b-1"
    assert headers["X-Sender"] == "dvv"
    assert not is_ours(headers, call.body + b" ", SECRET)
    assert not is_ours(headers, call.body, "t" * 40)
    assert not is_ours(headers | {"X-Delivery-Id": "0" * 32}, call.body, SECRET)
    assert not is_ours(headers | {"X-Timestamp": str(now // 1000 + 1)}, call.body, SECRET)
    assert not is_ours({}, call.body, SECRET)
    old = signed(Call("POST", "/", {}, one.body), one, now - 301_000)
    assert not is_ours(dict(old.headers), old.body, SECRET), "a replay"


def test_who_has_no_secret_gets_no_signature() -> None:
    headers = signed(Call("POST", "/", {}, b""), delivery(""), 1).headers
    assert not {"X-Signature", "X-Timestamp"} & set(headers)


@pytest.mark.parametrize("name", ["luova", "kelmu"])
@pytest.mark.parametrize(
    ("conflict", "expected"),
    [("delivered", Delivered()), ("refused", RefusedByPartner("http-409"))],
)
def test_what_a_partner_means_by_409(name: str, conflict: str, expected: object) -> None:
    channel = discovery.channels()[name]
    assert channel.judge(delivery(conflict=conflict), Reply(409)) == expected
