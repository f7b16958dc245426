"""The partners of Luova: funds and the population register that send, Kela's systems that answer;
shares no code with the channel.

The weights are the published figures of 2024 (Kela, statistics of information exchange), divided by
the records that a message holds on average.
"""

from __future__ import annotations

import datetime
import hmac
import random
from collections.abc import Sequence
from functools import partial
from json import dumps, loads

from exchange.adapters.luova import (
    partner_bilateral,
    partner_certificates,
    partner_payments,
    partner_pension,
    partner_tax,
)
from exchange.adapters.luova.generate_population import CHANGES, changes
from exchange.adapters.luova.generate_unemployment import (
    RECORDS,
    Fund,
    benefit_data,
    earnings_data,
    information_request,
)
from exchange.adapters.luova.partner_sending import SUBMIT, Answer, date_of, flow, submit
from exchange.partners.stub import Flow, Sending, Served, Situation
from exchange.schemas import xml
from exchange.schemas.call import JSON, XML, Call, Reply, json_reply, problem
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.violation import Malformed

#: The families whose stubs are in files of their own.
FAMILIES = (partner_bilateral, partner_certificates, partner_payments, partner_pension, partner_tax)
MAILBOX = "/luova/v1/mailbox"
DELIVERIES = "/luova/deliveries/"
#: Deliveries that a fund takes from its mailbox at once, and for how long.
MAILBOX_MOST = 50
MAILBOX_LEASE_SECONDS = 30
#: How many messages a reading of the mailbox finds on average, as the mix of traffic is made.
MAILBOX_FOUND = 20
NAMESPACE = "{urn:exchange:unemployment:1}"

#: Records exchanged in 2024.
ITEMS_2024 = {
    "unemployment.earnings-data": 1_434_466,
    "unemployment.information-request": 625_461,
    "unemployment.benefit-data": 1_354_005,
    "population.births": 43_725,
    "population.deaths": 81_410,
    "population.address-changes": 1_533_116,
    "population.registrations": 87_816,
}


def _calls(message_type: str, per_message: tuple[int, int] = (1, 1)) -> float:
    """Yearly calls: the published records by the mean of an even spread."""
    return ITEMS_2024[message_type] * 2 / sum(per_message)


def _send_changes(partner: Partner, message_type: str, situation: Situation) -> Sending:
    wanted = situation.wanted(message_type) or 0
    generated = changes(message_type, situation.rng, date_of(situation), situation.serial, wanted)
    moment = datetime.datetime.fromtimestamp(situation.now / 1000, datetime.UTC).isoformat()
    return submit(partner, message_type, generated, **{"X-Created-At": moment})


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


class Luova:
    """All partners of the channel."""

    channel = "luova"

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """The register's four kinds of changes; each fund's data and requests; the readings of
        funds that have a mailbox.
        """
        flows = []
        registers = directory.in_sector("population-register")
        for register in registers:
            for message_type, per_message in CHANGES.items():
                if message_type in ITEMS_2024:
                    weight = _calls(message_type, per_message) / len(registers)
                    flows.append(
                        flow(
                            message_type,
                            register,
                            weight,
                            partial(_send_changes, register, message_type),
                        )
                    )
        funds = directory.in_sector("unemployment-fund")
        for fund in funds:
            data = _calls("unemployment.earnings-data", RECORDS) / len(funds)
            requests = _calls("unemployment.information-request") / len(funds)
            flows.append(
                flow("unemployment.earnings-data", fund, data, partial(_send_earnings, fund))
            )
            flows.append(
                flow("unemployment.information-request", fund, requests, partial(_ask, fund))
            )
            if fund.delivery == "mailbox":
                read = partial(_read_mailbox, fund)
                flows.append(
                    Flow(
                        f"luova mailbox {fund.id}",
                        fund.id,
                        "unemployment.benefit-data",
                        requests / MAILBOX_FOUND,
                        read,
                    )
                )
        return [*flows, *(each for family in FAMILIES for each in family.flows(directory))]

    def begin(self, directory: Directory, situation: Situation) -> Sequence[Sending]:
        """Nothing."""
        return ()

    def submit(
        self, partner: Partner, message_type: str, message_id: str, body: bytes, receiver: str
    ) -> Call:
        """One message through the submit endpoint."""
        content_type = JSON if body.lstrip()[:1] in (b"{", b"[") else XML
        headers = {
            "X-API-Key": partner.key,
            "X-Message-Type": message_type,
            "X-Message-Id": message_id,
        }
        return Call(
            "POST",
            SUBMIT,
            {**headers, "Content-Type": content_type}
            | ({"X-Receiver": receiver} if receiver else {}),
            body,
        )

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        """Take a delivery whose signature is right; what a request asks for is sent later on its
        own accord.
        """
        if call.method != "POST" or not call.path.startswith(DELIVERIES):
            return None
        expected = hmac.digest(partner.callback_secret.encode(), call.body, "sha256").hex()
        given = call.headers.get("X-Signature", "").removeprefix("sha256=")
        signed = hmac.compare_digest(given.encode(), expected.encode())
        if partner.callback_secret and not signed:
            return Served(problem(401, "Wrong signature"))
        delivery_id = call.headers.get("X-Delivery-Id", "")
        then: Sequence[Sending] = ()
        if (answer := ANSWERS.get(call.headers.get("X-Message-Type", ""))) is not None:
            try:
                then = answer(partner, call, delivery_id, situation)
            except Malformed as error:
                return Served(problem(422, "Not understood", str(error)))
        return Served(json_reply({"delivery": delivery_id, "receivedBy": partner.id}), then)


def _reply_to(
    partner: Partner, call: Call, delivery_id: str, situation: Situation
) -> Sequence[Sending]:
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
        random.Random(delivery_id), day, 0, request_id, code, f"re-{delivery_id}", wanted
    )
    return [
        submit(
            partner,
            "unemployment.benefit-data",
            reply,
            **{"X-Receiver": call.headers.get("X-Sender", "")},
        )
    ]


#: What a delivery of a type makes its receiver send.
ANSWERS: dict[str, Answer] = {
    "unemployment.information-request": _reply_to,
    **partner_pension.ANSWERS,
    **partner_tax.ANSWERS,
}

STUB = Luova()
