"""Unemployment funds and Kela's unemployment benefits as stubs: data and requests of funds, Kela's
replies, the readings of mailboxes.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Sequence
from functools import partial
from json import dumps, loads

from exchange.adapters.luova.families.unemployment.generate import (
    RECORDS,
    Fund,
    benefit_data,
    earnings_data,
    information_request,
)
from exchange.adapters.luova.partner.sending import MAILBOX, Answer, date_of, flow, submit
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas import xml
from exchange.schemas.call import JSON, Call, Reply
from exchange.schemas.directory import Directory, Partner

#: Deliveries that a fund takes from its mailbox at once, and for how long.
MAILBOX_MOST = 50
MAILBOX_LEASE_SECONDS = 30
#: How many messages a reading of the mailbox finds on average, as the mix of traffic is made.
MAILBOX_FOUND = 20
NAMESPACE = "{urn:exchange:unemployment:1}"

#: Records exchanged in 2024 (Kela, statistics of information exchange).
ITEMS_2024 = {
    "unemployment.earnings-data": 1_434_466,
    "unemployment.information-request": 625_461,
}


def flows(directory: Directory) -> list[Flow]:
    """Each fund's data and requests; the readings of funds that have a mailbox."""
    flows = []
    funds = directory.in_sector("unemployment-fund")
    for fund in funds:
        data = ITEMS_2024["unemployment.earnings-data"] * 2 / sum(RECORDS) / len(funds)
        # A request holds one record.
        requests = ITEMS_2024["unemployment.information-request"] / len(funds)
        flows.append(flow("unemployment.earnings-data", fund, data, partial(_send_earnings, fund)))
        flows.append(flow("unemployment.information-request", fund, requests, partial(_ask, fund)))
        if fund.delivery == "mailbox":
            flows.append(
                Flow(
                    name=f"luova mailbox {fund.id}",
                    partner=fund.id,
                    message_type="unemployment.benefit-data",
                    weight=requests / MAILBOX_FOUND,
                    make=partial(_read_mailbox, fund),
                )
            )
    return flows


def _send_earnings(partner: Partner, situation: Situation) -> Sending:
    fund = Fund(partner.business_id, partner.name)
    wanted = situation.wanted("unemployment.earnings-data") or 0
    generated = earnings_data(situation.rng, date_of(situation), situation.serial, fund, wanted)
    return submit(partner, "unemployment.earnings-data", generated)


def _ask(partner: Partner, situation: Situation) -> Sending:
    fund = Fund(partner.business_id, partner.name)
    generated = information_request(situation.rng, date_of(situation), situation.serial, fund)
    return submit(partner, "unemployment.information-request", generated)


def _read_mailbox(partner: Partner, situation: Situation) -> Sending:
    query = {"most": str(MAILBOX_MOST), "lease_seconds": str(MAILBOX_LEASE_SECONDS)}
    return Sending(
        Call("GET", MAILBOX, {"X-API-Key": partner.key}, query=query),
        partial(_acknowledge, partner),
        items=0,
    )


def _acknowledge(partner: Partner, reply: Reply, situation: Situation) -> Sequence[Sending]:
    """Acknowledge what the mailbox gave, and read on when it gave a whole page."""
    if reply.status != 200:
        return []
    try:
        held = [
            {name: delivery[name] for name in ("id", "lease")}
            for delivery in loads(reply.body)["deliveries"]
        ]
    except (ValueError, KeyError, TypeError):
        return []
    if not held:
        return []
    headers = {"X-API-Key": partner.key, "Content-Type": JSON}
    call = Call(
        "POST", f"{MAILBOX}/acknowledgements", headers, dumps({"deliveries": held}).encode()
    )
    following = [Sending(call, items=0)]
    if len(held) == MAILBOX_MOST:
        following.append(_read_mailbox(partner, situation))
    return following


def _reply_to(partner: Partner, call: Call, situation: Situation) -> Sequence[Sending]:
    """The benefits of the person asked about.

    Raises:
        Malformed: when the request can't be read.
    """
    request = xml.parse(call.body)
    request_id = request.findtext(f"{NAMESPACE}RequestId", "")
    code = request.findtext(f"{NAMESPACE}Person/{NAMESPACE}PersonalIdentityCode", "")
    day = datetime.date.fromisoformat(
        request.findtext(f"{NAMESPACE}RequestedAt", "2024-01-01")[:10]
    )
    wanted = situation.wanted("unemployment.benefit-data")
    reply = benefit_data(
        # By what was asked, not by the exchange's delivery: its ids depend on all other traffic.
        random.Random(request_id),
        day,
        0,
        request_id,
        code,
        f"re-{request_id}",
        wanted,
    )
    return [
        submit(
            partner,
            "unemployment.benefit-data",
            reply,
            **{"X-Receiver": call.headers.get("X-Sender", "")},
        )
    ]


ANSWERS: dict[str, Answer] = {"unemployment.information-request": _reply_to}
