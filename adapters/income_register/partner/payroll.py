"""The register's partners as stubs: payroll, insurers, funds and Kela send reports and ask for
their status; shares no code with the channel.

The register takes what Kela reports; Kela as a user of the register's data stands in
`partner_data_user`. Ordinary faults (delays, drops, garbled replies) are put on by the host of the
stubs.
"""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.partner import data_user as data_user
from exchange.adapters.income_register.partner.signing import is_xml, signed
from exchange.partners.stub import AtWill, Flow, Sending, Served, Situation
from exchange.schemas.bank_days import bank_day_from
from exchange.schemas.call import XML, Call, Reply, json_reply
from exchange.schemas.directory import Directory, Partner

SERVICES = "/income-register/20170526"
WAGE_REPORTS = "income-register.wage-reports"
BENEFIT_REPORTS = "income-register.benefit-reports"
STATUS_REQUEST = "income-register.status-request"
#: Items a year (2024, Kela's exchange statistics): wage reports, benefit reports that Kela sent,
#: and those of others (all that it received less its own, which come back to it).
ITEMS_A_YEAR = {"wages": 63_898_685, "others": 60_938_573 - 31_732_268, "sent": 31_732_268}
#: Fewest and most reports in a deferred delivery where nobody plans the traffic, and the share of
#: calls that are real-time ones with one report. On average 5 wage reports and 177 benefit reports
#: a delivery, as published (Statistics Finland); how sizes lie around that is modelled.
DEFERRED_REPORTS = {"wages": (2, 10), "benefits": (133, 271)}
REAL_TIME_SHARE = 0.1
#: Share of deliveries that are corrected: the first half of their reports is sent again, as
#: replacements, in a delivery that follows at once. With that 4.2 % of wage reports and 1.3 % of
#: benefit reports are replacements, as published for 2022; that they come in such deliveries, and
#: at once, is modelled.
CORRECTED_SHARES = {"wages": 0.092, "benefits": 0.026}
#: Punctuality of wage reports in early 2020, as published: 62.1 % came before the date of payment
#: and 21.1 % one to five days after it. The rest comes on the day (modelled), as benefit reports do
#: (modelled).
BEFORE_PAYMENT_SHARE, AFTER_PAYMENT_SHARE = 0.621, 0.211
#: Bank days from a wage report to the payment that it comes before, at most (modelled).
BANK_DAYS_AHEAD_MAX = 5
#: One in so many deferred deliveries is asked after at once.
STATUS_EVERY = 10

#: Service and action for a document that was made elsewhere, by type.
SUBMITTED = {
    WAGE_REPORTS: ("WageReportService", "SendWageReports"),
    BENEFIT_REPORTS: ("BenefitReportService", "SendBenefitReports"),
    "income-register.payer-summary-reports": (
        "PayerSummaryReportService",
        "SendPayerSummaryReports",
    ),
    "income-register.status-request": ("StatusService", "GetDeliveryDataStatus"),
}

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_REPORTED = "/income-register/benefit-reports"
#: The root of a document for real-time processing.
_ONE_REPORT = re.compile(
    rb"<(?:[A-Za-z_][\w.-]*:)?(?:Wage|Benefit|PayerSummary)ReportRequestToIR[\s>]"
)
#: A document that stands in an envelope already.
_IN_ENVELOPE = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?Envelope[\s>]")
_SIGNATURE = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?Signature[\s>]")
_CREATOR = re.compile(rb"<DeliveryDataCreator>.{,60}?<Code>([\w-]{1,20})</Code>", re.DOTALL)
_EPOCH = datetime.date(1970, 1, 1)


def soap(document: bytes) -> bytes:
    """The document in a SOAP envelope."""
    head = f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_SOAP}"><s:Body>'.encode()
    return b"".join((head, document, b"</s:Body></s:Envelope>"))


def _call(partner: Partner, service: str, action: str, document: bytes) -> Call:
    headers = {"X-API-Key": partner.key, "SOAPAction": f'"{action}"', "Content-Type": XML}
    return Call("POST", f"{SERVICES}/{service}.svc", headers, soap(document))


def _signed_call(partner: Partner, service: str, action: str, document: bytes) -> Call:
    return _call(partner, service, action, signed(document, partner.business_id))


def _status_request(partner: Partner, batch: generate.Batch, kind: int) -> Sending:
    """A question after a delivery, signed."""
    owner, sender = (f"<Type>1</Type><Code>{code}</Code>" for code in (batch.payer, batch.sender))
    document = (
        '<s:StatusRequestToIR xmlns:s="http://www.tulorekisteri.fi/2017/1/StatusRequestToIR">'
        f"<Timestamp>{batch.day}T06:05:00Z</Timestamp><DeliveryDataType>{kind}</DeliveryDataType>"
        f"<DeliveryId>{batch.delivery_id}</DeliveryId><ProductionEnvironment>"
        "false</ProductionEnvironment>"
        f"<DeliveryDataOwner>{owner}</DeliveryDataOwner><DeliveryDataCreator>"
        f"{sender}</DeliveryDataCreator>"
        f"<DeliveryDataSender>{sender}</DeliveryDataSender></s:StatusRequestToIR>"
    ).encode()
    return Sending(
        _signed_call(partner, "StatusService", "GetDeliveryDataStatus", document), items=0
    )


def _day(situation: Situation) -> datetime.date:
    return _EPOCH + datetime.timedelta(days=situation.now // 86_400_000)


def _paid_on(chance: float, day: datetime.date) -> datetime.date:
    """The date of the wages that are reported on a day; `chance` is drawn from 0 to below 1."""
    if chance < BEFORE_PAYMENT_SHARE:
        ahead = int(chance / BEFORE_PAYMENT_SHARE * BANK_DAYS_AHEAD_MAX)
        return bank_day_from(day, 1 + ahead)
    # The bank day before lies at most five days back, at Easter and at Christmas.
    late = chance < BEFORE_PAYMENT_SHARE + AFTER_PAYMENT_SHARE
    return bank_day_from(day, -1) if late else day


def _delivery(
    partner: Partner, kind: str, batch: generate.Batch, chance: random.Random, signs: bool
) -> Sending:
    """A delivery of reports, in the one service or the other; signed when `signs`."""
    report = "Wage" if kind == "wages" else "Benefit"
    document = (
        generate.wage_delivery(chance, batch)
        if kind == "wages"
        else generate.benefit_delivery(chance, batch, kind)
    )
    action = f"Send{report}Report{'' if batch.real_time else 's'}"
    made = _signed_call if signs else _call
    call = made(partner, f"{report}ReportService", action, document)
    return Sending(call, items=batch.reports, fresh=(batch.delivery_id,))


def _maker(partner: Partner, kind: str) -> Callable[[Situation], Sending]:
    """Sends one delivery of that partner: `wages`, or the kind of benefits that it pays."""
    wages = kind == "wages"
    sort = "wages" if wages else "benefits"

    def make(situation: Situation) -> Sending:
        rng, day = situation.rng, _day(situation)
        count = situation.wanted(WAGE_REPORTS if wages else BENEFIT_REPORTS)
        if count is None:
            real_time = rng.random() < REAL_TIME_SHARE
            count = 1 if real_time else rng.randint(*DEFERRED_REPORTS[sort])
        replaced = count // 2 if rng.random() < CORRECTED_SHARES[sort] else 0
        name = generate.delivery_id(day, situation.serial, "W" if wages else "B")
        batch = generate.Batch(
            payer=partner.business_id,
            sender=partner.business_id,
            day=_paid_on(rng.random(), day) if wages else day,
            delivery_id=name,
            reports=count - replaced,
            real_time=count - replaced == 1,
            sent=day,
        )
        # Who is paid in a report and its replacement is drawn alike.
        drawn = rng.getrandbits(64)
        asked = situation.wanted(STATUS_REQUEST)
        asks = not batch.real_time and (
            situation.serial % STATUS_EVERY == 0 if asked is None else asked > 0
        )

        def follow(reply: Reply, later: Situation) -> Sequence[Sending]:
            following = []
            if asks and reply.status == 200 and b"<DeliveryDataStatus>2<" in reply.body:
                following.append(_status_request(partner, batch, 100 if wages else 102))
            if replaced and reply.status == 200:
                correction = replace(
                    batch,
                    delivery_id=f"{name}R",
                    reports=replaced,
                    real_time=replaced == 1,
                    replaces=name,
                )
                chance = random.Random(drawn)
                following.append(_delivery(partner, kind, correction, chance, situation.signs))
            return following

        sending = _delivery(partner, kind, batch, random.Random(drawn), situation.signs)
        return replace(sending, then=follow if asks or replaced else None)

    return make


def _summary(partner: Partner, situation: Situation) -> Sending:
    """A payer's summary of a month: one separate report, in real time."""
    day = _day(situation)
    batch = generate.Batch(
        payer=partner.business_id,
        sender=partner.business_id,
        day=day,
        delivery_id=generate.delivery_id(day, situation.serial, "S"),
    )
    made = _signed_call if situation.signs else _call
    document = generate.separate_delivery(situation.rng, batch)
    call = made(partner, "PayerSummaryReportService", "SendPayerSummaryReport", document)
    return Sending(call, fresh=(batch.delivery_id,))


class Stub:
    """Everybody on the Incomes Register's channel but the exchange."""

    channel = "income-register"
    at_will: ClassVar[AtWill] = {"income-register.payer-summary-reports": _summary}

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """Wage reports from employers, benefit reports from insurers, pension institutions and
        funds, and those that Kela sends.
        """
        insurers = [
            *directory.in_sector("pension-institution"),
            *_named(directory, "accident-insurers-centre"),
        ]
        groups = (
            ("wages", "wages", WAGE_REPORTS, directory.in_sector("employer")),
            ("others", "fund", BENEFIT_REPORTS, directory.in_sector("unemployment-fund")),
            ("others", "insurer", BENEFIT_REPORTS, insurers),
            ("sent", "kela", BENEFIT_REPORTS, _named(directory, "kela.benefits")),
        )
        payers_of_others = len(groups[1][3]) + len(groups[2][3])
        flows = []
        for row, kind, message_type, partners in groups:
            share = payers_of_others if row == "others" else len(partners)
            deferred = DEFERRED_REPORTS["wages" if kind == "wages" else "benefits"]
            mean = REAL_TIME_SHARE + (1 - REAL_TIME_SHARE) * sum(deferred) / 2
            for partner in partners:
                weight = ITEMS_A_YEAR[row] / mean / share
                flows.append(
                    Flow(
                        name=f"{message_type} from {partner.id}",
                        partner=partner.id,
                        message_type=message_type,
                        weight=weight,
                        make=_maker(partner, kind),
                    )
                )
        return flows

    def begin(self, directory: Directory, situation: Situation) -> Sequence[Sending]:
        """Kela's subscriptions, unless they are there."""
        return data_user.begin(directory, situation, _signed_call)

    def submit(
        self, partner: Partner, message_type: str, message_id: str, body: bytes, receiver: str
    ) -> Call:
        """A document, put in a SOAP envelope where it is in none, to the service that takes it: at
        once when it is of one report, else in deferred processing. One that is neither in an
        envelope nor signed is signed as the partner.

        Raises:
            ValueError: when the register takes no such message, or it is another's to sign.
        """
        if message_type not in SUBMITTED:
            raise ValueError(
                f"the register takes no {message_type or 'message of unknown type'}: "
                f"{', '.join(SUBMITTED)}"
            )
        service, action = SUBMITTED[message_type]
        action = action.removesuffix("s") if _ONE_REPORT.search(body, 0, 2_000) else action
        if _IN_ENVELOPE.search(body, 0, 2_000):
            return replace(_call(partner, service, action, b""), body=body)
        if _SIGNATURE.search(body) or not is_xml(body):
            return _call(partner, service, action, body)
        creator = _CREATOR.search(body)
        if creator and creator[1].decode() != partner.business_id:
            raise ValueError(
                f"the document is of {creator[1].decode()} (DeliveryDataCreator): {partner.id}, "
                f"which is {partner.business_id or 'nobody'}, can't sign it"
            )
        return _signed_call(partner, service, action, body)

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        """200 for a document that can be read and holds reports, 400 for anything else on these
        paths.
        """
        if call.method == "POST" and call.path == data_user.EXTRACTS:
            return data_user.take_extract(call, situation)
        if call.method != "POST" or call.path != _REPORTED:
            return None
        if not (reports := data_user.reports_in(call.body)):
            return Served(json_reply({"error": "no reports"}, 400))
        return Served(json_reply({"reports": reports}))


def _named(directory: Directory, partner_id: str) -> list[Partner]:
    partner = directory.get(partner_id)
    return [partner] if partner is not None else []


STUB = Stub()
