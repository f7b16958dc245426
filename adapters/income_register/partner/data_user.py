"""Kela's income data as a user of the register's data: subscribes by itself and takes what the
register hands on; shares no code with the channel, and makes no report.

At its start it asks whether its subscriptions are there, as they stay in force until they are
ended, and sends those that are not. It subscribes to every version of all wage reports and all
benefit reports, Kela's own among them, at short steps all day: a short run is to see them; a real
data user would take a few times a day.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence

from lxml import etree

from exchange.partners.stub import Sending, Served, Situation
from exchange.schemas.call import Call, Reply, json_reply
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.instants import FINLAND
from exchange.schemas.xml import looking

EXTRACTS = "/income-register/from-ir"
#: What the directory calls who takes income data.
SERVICE = "income-data"
#: Subscriptions by their ids, with the kind of data: all wage reports, all benefit reports.
SUBSCRIPTIONS = {"kela-wages": 300, "kela-benefits": 315}
#: How often an extraction is wanted, in seconds.
STEP_SECONDS = 10
_PROFILE = "benefit-decision"
_DAY_SECONDS = 86_400
_REPORT = re.compile(rb"<Report[\s>]")
_SUMMARY = re.compile(rb"<Summary>\s*<NrOfReports>\s*([0-9]+)\s*</NrOfReports>")
_LOOK = looking()

#: One document in so many is read whole. Of the others the reports are counted by their tags, as
#: what comes from the register is sound as a rule, and reading was a fourteenth of what a report
#: costs in a simulated year.
READ_WHOLE_ONE_IN = 16

#: Makes a signed call of a service (partner, service, action, document).
MakeCall = Callable[[Partner, str, str, bytes], Call]


def begin(directory: Directory, situation: Situation, signed: MakeCall) -> Sequence[Sending]:
    """Ask after each subscription, and subscribe where there is none."""
    kela = directory.serving(SERVICE)
    return (
        [_question(kela, name, situation, signed) for name in SUBSCRIPTIONS]
        if kela is not None
        else []
    )


def _question(kela: Partner, name: str, situation: Situation, signed: MakeCall) -> Sending:
    document = (
        '<s:StatusRequestToIR xmlns:s="http://www.tulorekisteri.fi/2017/1/StatusRequestToIR">'
        f"<Timestamp>{_timestamp(situation.now)}</Timestamp><DeliveryDataType>"
        f"103</DeliveryDataType><DeliveryId>{name}</DeliveryId>"
        "<ProductionEnvironment>false</ProductionEnvironment>"
        f"{_parties(kela)}</s:StatusRequestToIR>"
    ).encode()

    def subscribe(reply: Reply, later: Situation) -> Sequence[Sending]:
        if reply.status != 200 or b"<DeliveryDataStatus>0<" not in reply.body:
            return []
        return [
            Sending(
                signed(
                    kela,
                    "SubscriptionService",
                    "ProcessSubscription",
                    subscription(kela, name, later.now),
                ),
                items=0,
            )
        ]

    return Sending(
        signed(kela, "StatusService", "GetDeliveryDataStatus", document), subscribe, items=0
    )


def subscription(kela: Partner, name: str, now: int) -> bytes:
    """A continuous main subscription from the present day on, extracted every so many seconds; not
    signed.
    """
    today = datetime.datetime.fromtimestamp(now / 1000, FINLAND).date()
    midnight = int(datetime.datetime.combine(today, datetime.time(), FINLAND).timestamp() * 1000)
    # The change span must begin before the first time of the schedule, which is midnight.
    start = midnight - STEP_SECONDS * 1000
    times = "".join(
        f"<QueryStartTime><Time>{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+02:00</Time></QueryStartTime>"
        for second in range(0, _DAY_SECONDS, STEP_SECONDS)
    )
    return (
        "<s:SubscriptionsRequestToIR "
        'xmlns:s="http://www.tulorekisteri.fi/2017/1/SubscriptionsToIR"><DeliveryData>'
        f"<Timestamp>{_timestamp(now)}</Timestamp><DeliveryDataType>103</DeliveryDataType>"
        f"<DeliveryId>{name}</DeliveryId>"
        f"<ProductionEnvironment>false</ProductionEnvironment>{_parties(kela)}<MainSubscription>"
        f"<MainSubscriptionId>{name}</MainSubscriptionId><DeliveryChannelCode>"
        "1</DeliveryChannelCode>"
        f"<SubscriptionType>2</SubscriptionType><ValidFrom>{today}</ValidFrom>"
        f"<ModifiedTimespanStart>{_timestamp(start)}</ModifiedTimespanStart><PartyType>"
        "3</PartyType><Subscriptions><Subscription>"
        f"<SubscriptionId>{name}</SubscriptionId><QueryDataType>"
        f"{SUBSCRIPTIONS[name]}</QueryDataType>"
        f"<QueryProfile>{_PROFILE}</QueryProfile><IncludeAllVersions>true</IncludeAllVersions>"
        "</Subscription></Subscriptions>"
        f"<Schedule><RecurringDeliverySchedule><DailySchedule>{times}</DailySchedule>"
        "</RecurringDeliverySchedule></Schedule>"
        "</MainSubscription></DeliveryData></s:SubscriptionsRequestToIR>"
    ).encode()


def _timestamp(milliseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _parties(partner: Partner) -> str:
    return "".join(
        f"<DeliveryData{party}><Type>1</Type><Code>{partner.business_id}</Code>"
        f"</DeliveryData{party}>"
        for party in ("Owner", "Creator", "Sender")
    )


def take_extract(call: Call, situation: Situation) -> Served:
    """200 for what the register hands on, if it holds as many reports as it says; now and then it
    is read whole.
    """
    whole = situation.serial % READ_WHOLE_ONE_IN == 0
    reports = reports_in(call.body) if whole else len(_REPORT.findall(call.body))
    if reports is None:
        return Served(json_reply({"error": "no XML"}, 400))
    said = _SUMMARY.search(call.body)
    if said is None or int(said[1]) != reports:
        return Served(json_reply({"error": "another number of reports than it says"}, 400))
    return Served(json_reply({"reports": reports}))


def reports_in(body: bytes) -> int | None:
    """How many reports a document without comments holds; None when it is no XML. No tree is built
    (see `looking`).
    """
    try:
        etree.fromstring(body, _LOOK)
    except etree.XMLSyntaxError:
        return None
    return len(_REPORT.findall(body))
