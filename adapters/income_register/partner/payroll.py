"""The register's partners as stubs: payroll, insurers, funds and Kela send reports and ask for
their status; shares no code with the channel.

The register takes what Kela reports; Kela as a user of the register's data stands in
`partner_data_user`. Ordinary faults (delays, drops, garbled replies) are put on by the host of the
stubs.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.partner import data_user as data_user
from exchange.adapters.income_register.partner.signing import is_xml, signed
from exchange.partners.stub import Flow, Sending, Served, Situation
from exchange.schemas.call import XML, Call, Reply, json_reply
from exchange.schemas.directory import Directory, Partner

SERVICES = "/income-register/20170526"
WAGE_REPORTS = "income-register.wage-reports"
BENEFIT_REPORTS = "income-register.benefit-reports"
STATUS_REQUEST = "income-register.status-request"
#: Items a year (2024, Kela's exchange statistics): wage reports, benefit reports that Kela sent,
#: and those of others (all that it received less its own, which come back to it).
ITEMS_A_YEAR = {"wages": 63_898_685, "others": 60_938_573 - 31_732_268, "sent": 31_732_268}
#: Reports in a deferred delivery, on average, and the share of calls that are real-time ones with
#: one report.
DEFERRED_REPORTS = (5, 45)
REAL_TIME_SHARE = 0.2
#: One in so many deferred deliveries is asked after at once.
STATUS_EVERY = 10

#: Service and action for a document that was made elsewhere, by type.
SUBMITTED = {
    WAGE_REPORTS: ("WageReportService", "SendWageReports"),
    BENEFIT_REPORTS: ("BenefitReportService", "SendBenefitReports"),
    "income-register.status-request": ("StatusService", "GetDeliveryDataStatus"),
}

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_REPORTED = "/income-register/benefit-reports"
#: The root of a document for real-time processing.
_ONE_REPORT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(?:Wage|Benefit)ReportRequestToIR[\s>]")
_SIGNATURE = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?Signature[\s>]")
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


def _maker(partner: Partner, kind: str) -> Callable[[Situation], Sending]:
    """Sends one delivery of that partner: `wages`, or the kind of benefits that it pays."""
    wages = kind == "wages"
    service, action = (
        ("WageReportService", "SendWageReport")
        if wages
        else ("BenefitReportService", "SendBenefitReport")
    )

    def make(situation: Situation) -> Sending:
        rng, day = situation.rng, _day(situation)
        wanted = situation.wanted(WAGE_REPORTS if wages else BENEFIT_REPORTS)
        real_time = rng.random() < REAL_TIME_SHARE if wanted is None else wanted == 1
        count = wanted or (1 if real_time else rng.randrange(*DEFERRED_REPORTS))
        name = generate.delivery_id(day, situation.serial, "W" if wages else "B")
        batch = generate.Batch(
            payer=partner.business_id,
            sender=partner.business_id,
            day=day,
            delivery_id=name,
            reports=count,
            real_time=real_time,
        )
        document = (
            generate.wage_delivery(rng, batch)
            if wages
            else generate.benefit_delivery(rng, batch, kind)
        )
        made = _signed_call if situation.signs else _call
        call = made(partner, service, action if real_time else f"{action}s", document)

        def ask(reply: Reply, later: Situation) -> Sequence[Sending]:
            accepted = reply.status == 200 and b"<DeliveryDataStatus>2<" in reply.body
            return [_status_request(partner, batch, 100 if wages else 102)] if accepted else []

        asked = situation.wanted(STATUS_REQUEST)
        asks = not real_time and (
            situation.serial % STATUS_EVERY == 0 if asked is None else asked > 0
        )
        return Sending(call, ask if asks else None, count, (name,))

    return make


class Stub:
    """Everybody on the Incomes Register's channel but the exchange."""

    channel = "income-register"

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """Wage reports from employers, benefit reports from insurers, pension institutions and
        funds, and those that Kela sends.
        """
        mean = REAL_TIME_SHARE + (1 - REAL_TIME_SHARE) * (sum(DEFERRED_REPORTS) - 1) / 2
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
        """A document in a SOAP envelope to the service that takes it: at once when it is of one
        report, else in deferred processing. One that is not signed is signed as the partner.
        """
        if message_type not in SUBMITTED:
            raise ValueError(
                f"the register takes no {message_type or 'message of unknown type'}: "
                f"{', '.join(SUBMITTED)}"
            )
        service, action = SUBMITTED[message_type]
        made = _call if _SIGNATURE.search(body) or not is_xml(body) else _signed_call
        at_once = _ONE_REPORT.search(body, 0, 2_000)
        return made(partner, service, action.removesuffix("s") if at_once else action, body)

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
