"""The table of the channels as bad input sees them: a valid call, how an error is told, what an
unknown type and a wrong clock look like.
"""

from __future__ import annotations

import datetime
import itertools
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from exchange import discovery
from exchange.partners.stub import Sending, Situation
from exchange.schemas import directory
from exchange.schemas.call import PROBLEM, Call
from exchange.schemas.income_register.codes import ERRORS_BY_CODE

DIRECTORY = directory.load()
STUBS = {stub.channel: stub for stub in discovery.stubs()}
SERIALS = itertools.count(1)
_VIOLATIONS = "{urn:exchange:violations}"


def told_by_problem(body: bytes) -> set[str]:
    """The rules and the reason of a problem document."""
    document = json.loads(body)
    assert document["title"], document
    assert document["detail"], document
    return {document["reason"], *(each["rule"] for each in document.get("violations", ()))}


def told_by_ebms(body: bytes) -> set[str]:
    """The same with the ebMS errors that EESSI's channel adds."""
    document = json.loads(body)
    return told_by_problem(body) | {each["errorCode"] for each in document.get("errors", ())}


def told_by_register(body: bytes) -> set[str]:
    """The rules of a SOAP fault, or those behind the error codes of an acknowledgement or status
    response.
    """
    root = etree.fromstring(body)
    rules = {each.text or "" for each in root.iter(f"{_VIOLATIONS}rule")}
    codes = [each.text or "" for each in root.iter("{*}ErrorCode", "ErrorCode")]
    faults = [(each.text or "").partition(":")[0] for each in root.iter("faultstring")]
    return rules | {ERRORS_BY_CODE[code].rule for code in codes} | set(faults)


@dataclass(frozen=True)
class Form:
    """A row of the table. `unknown` makes a call of no known type; `ahead` one whose sender's clock
    is so wrong (hours).
    """

    name: str
    channel: str
    partner: str
    message_type: str
    told: Callable[[bytes], set[str]]
    error_type: str
    unknown: Callable[[Call], Call]
    unknown_rules: frozenset[str]
    ahead: Callable[[Call, datetime.timedelta], Call] | None
    clock_rule: str = ""
    #: How the answer to other bytes under an id that was used says so.
    reused_rule: str = "message-id.reused"
    fits: Callable[[Call], bool] = lambda call: True

    @property
    def is_xml(self) -> bool:
        """Whether the channel's message is XML."""
        return b"<" in self.sending().call.body[:1]

    def sending(self) -> Sending:
        """A valid call that was never made before, by the channel's own stub."""
        flow = next(
            each
            for each in STUBS[self.channel].flows(DIRECTORY)
            if each.message_type == self.message_type and each.partner == self.partner
        )
        while True:
            serial = 10 * next(SERIALS)
            sending = flow.make(
                Situation(
                    random.Random(serial), int(time.time() * 1000), serial, DIRECTORY, signs=False
                )
            )
            if self.fits(sending.call):
                return sending

    def accepted(self, status: int, body: bytes) -> bool:
        """Whether the answer is a receipt."""
        return status in (200, 202) and not self.told_errors(body)

    def told_errors(self, body: bytes) -> set[str]:
        """What the answer complains of, nothing when it is a receipt."""
        if self.error_type == PROBLEM:
            return set() if "reason" not in json.loads(body) else self.told(body)
        return self.told(body)


def with_header(call: Call, name: str, value: str) -> Call:
    """The call with a header set."""
    return replace(call, headers={**call.headers, name: value})


def with_body(call: Call, body: bytes) -> Call:
    """The call with another body."""
    return replace(call, body=body)


def _moved(pattern: bytes) -> Callable[[Call, datetime.timedelta], Call]:
    """Moves the first time in the body that the pattern finds."""

    def move(call: Call, by: datetime.timedelta) -> Call:
        moment = (datetime.datetime.now(datetime.UTC) + by).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        moved, times = re.subn(pattern, rb"\g<1>" + moment, call.body, count=1)
        assert times == 1
        return with_body(call, moved)

    return move


def _created_at(call: Call, by: datetime.timedelta) -> Call:
    return with_header(call, "X-Created-At", (datetime.datetime.now(datetime.UTC) + by).isoformat())


def _luova(name: str, partner: str, message_type: str) -> Form:
    return Form(
        name,
        "luova",
        partner,
        message_type,
        told_by_problem,
        PROBLEM,
        lambda call: with_header(call, "X-Message-Type", "population.weddings"),
        frozenset({"luova.message-type"}),
        _created_at,
        "luova.clock",
    )


def _register(name: str, action: str) -> Form:
    return Form(
        name,
        "income-register",
        "employer.demo-oy",
        "income-register.wage-reports",
        told_by_register,
        "text/xml",
        lambda call: with_header(
            with_body(call, b'<?xml version="1.0"?><Nothing xmlns="urn:x"/>'),
            "SOAPAction",
            '"Nothing"',
        ),
        frozenset({"ir.operation"}),
        _moved(rb"(<Timestamp>)[^<]+"),
        "timestamp-ahead",
        "delivery-id-used",
        lambda call: call.headers["SOAPAction"] == f'"{action}"',
    )


FORMS = (
    _luova("luova json", "dvv", "population.births"),
    _luova("luova xml", "fund.ytk", "unemployment.earnings-data"),
    Form(
        "kelmu",
        "kelmu",
        "county.pirkanmaa",
        "kelmu.benefit-query",
        told_by_problem,
        PROBLEM,
        lambda call: with_body(call, b'{"wedding": true}'),
        frozenset({"json.missing", "json.extra"}),
        # A query says nothing of the sender's clock.
        None,
    ),
    _register("register real-time", "SendWageReport"),
    _register("register deferred", "SendWageReports"),
    Form(
        "eessi",
        "eessi",
        "eessi.se.fk",
        "eessi.a009",
        told_by_ebms,
        PROBLEM,
        lambda call: with_body(call, call.body.replace(b"ns/4_2/A009", b"ns/4_2/A999")),
        frozenset({"eessi.sbdh.sed-unknown", "EBMS:0001"}),
        _moved(rb"(CreationDateAndTime>)[^<]+"),
        "eessi.sbdh.clock",
    ),
)


def as_dict(document: bytes) -> Any:
    """A JSON answer."""
    return json.loads(document)
