"""Synthetic messages of the unemployment funds and Kela's replies to them; artificial
persons only.
"""

from __future__ import annotations

import datetime
import functools
import random
from dataclasses import dataclass
from decimal import Decimal
from xml.sax.saxutils import escape

from exchange.adapters.luova.synthetic import in_conversation, new_id
from exchange.schemas.call import XML
from exchange.schemas.directory import load
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.persons import Person, person

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = "urn:exchange:unemployment:1"
#: Fewest and most records in one delivery of earnings data (*modelled*).
RECORDS = (1, 15)
PURPOSES = ("ENTITLEMENT", "COORDINATION", "RECOVERY", "WAITING_PERIOD")
BENEFITS = (
    "BASIC_UNEMPLOYMENT_ALLOWANCE",
    "LABOUR_MARKET_SUBSIDY",
    "SICKNESS_ALLOWANCE",
    "PARENTAL_ALLOWANCE",
    "CHILD_HOME_CARE_ALLOWANCE",
    "REHABILITATION_ALLOWANCE",
    "STUDY_GRANT",
    "NATIONAL_PENSION",
    "GUARANTEE_PENSION",
)
#: How many benefits a reply holds: on average 2.165, as 1,354,005 deliveries to 625,461 requests
#: (2024) make it.
BENEFITS_IN_REPLY = ((1, 2, 3, 4), (300, 370, 195, 135))


@dataclass(frozen=True, slots=True)
class Fund:
    """Who sends: business id and name, as in the partner directory."""

    business_id: str
    name: str


@functools.cache
def _first_fund() -> Fund:
    partner = load().in_sector("unemployment-fund")[0]
    return Fund(partner.business_id, partner.name)


def _fund(fund: Fund) -> str:
    return (
        f"<Fund><BusinessId>{fund.business_id}</BusinessId><Name>{escape(fund.name)}</Name></Fund>"
    )


#: Nobody joins a fund before having worked (*modelled*).
_YOUNGEST_MEMBER = datetime.timedelta(days=17 * 365)


def _person(who: Person) -> str:
    return (
        f"<Person><PersonalIdentityCode>{who.personal_identity_code}</PersonalIdentityCode>"
        f"<LastName>{who.last_name}</LastName><FirstName>{who.first_name}</FirstName></Person>"
    )


def _moment(rng: random.Random, date: datetime.date) -> str:
    return f"{date}T{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}Z"


def _member(rng: random.Random, date: datetime.date) -> Person:
    return person(
        rng, date, datetime.date(date.year - 64, 1, 1), datetime.date(date.year - 20, 12, 31)
    )


def _record(rng: random.Random, date: datetime.date, number: int) -> str:
    """One person's record. A payment covers four whole weeks, twenty days."""
    who = _member(rng, date)
    since = date - datetime.timedelta(days=rng.randrange(600, 6_000))
    since = max(since, who.birth_date + _YOUNGEST_MEMBER)
    decided = date - datetime.timedelta(days=rng.randrange(0, 4))
    monday = decided - datetime.timedelta(days=decided.weekday() + 28)
    wage = Decimal(rng.randrange(6_000, 18_000)).scaleb(-2)
    allowance = (wage * Decimal("0.55")).quantize(Decimal("0.01"))
    head = (
        f'<Record id="r{number}">{_person(who)}<Membership><MemberSince>{since}</MemberSince>'
        f"<WorkingConditionMetOn>{since + datetime.timedelta(days=365)}</WorkingConditionMetOn>"
        "</Membership>"
        f"<Decision><DecisionId>d{rng.getrandbits(40):010x}</DecisionId><DecidedOn>"
        f"{decided}</DecidedOn>"
    )
    if rng.random() < 0.08:
        return (
            f"{head}<Outcome>REJECTED</Outcome><Grounds>Työssäoloehto ei "
            "täyty</Grounds></Decision></Record>"
        )
    adjusted = rng.random() < 0.3
    days = 20
    full = allowance * days
    gross = (full * rng.randrange(30, 90) / 100).quantize(Decimal("0.01")) if adjusted else full
    tax = (gross * Decimal("0.25")).quantize(Decimal("0.01"))
    maximum = (300, 400, 500)[rng.randrange(3)]
    friday = monday + datetime.timedelta(days=25)
    return (
        f"{head}<Outcome>{'ADJUSTED' if adjusted else 'GRANTED'}</Outcome><Entitlement>"
        f"<Period><From>{monday}</From><To>{monday + datetime.timedelta(days=180)}</To></Period>"
        f"<DailyWage>{wage}</DailyWage><DailyAllowance>{allowance}</DailyAllowance>"
        f"<MaximumDays>{maximum}</MaximumDays><DaysUsed>{rng.randrange(20, maximum)}</DaysUsed>"
        "</Entitlement></Decision>"
        f"<Payment><PaymentId>p{rng.getrandbits(40):010x}</PaymentId><PaidOn>"
        f"{date + datetime.timedelta(days=1)}</PaidOn>"
        f"<Period><From>{monday}</From><To>{friday}</To></Period><Days>{days}</Days>"
        f"<Gross>{gross}</Gross><Tax>{tax}</Tax><Net>{gross - tax}</Net></Payment></Record>"
    )


def earnings_data(
    rng: random.Random, date: datetime.date, serial: int, fund: Fund | None = None, count: int = 0
) -> Generated:
    """Decisions and payments of a fund (default: the first of the directory), 1-15 records."""
    count = count or rng.randint(*RECORDS)
    records = "".join(_record(rng, date, number) for number in range(1, count + 1))
    body = (
        f'{HEAD}<EarningsData xmlns="{NAMESPACE}">{_fund(fund or _first_fund())}'
        f"<CreatedAt>{_moment(rng, date)}</CreatedAt>{records}</EarningsData>"
    )
    return Generated(body.encode(), XML, new_id("earn", rng, date, serial), count)


def information_request(
    rng: random.Random, date: datetime.date, serial: int, fund: Fund | None = None
) -> Generated:
    """A fund's question about a member; it opens a conversation of the same id."""
    request_id = new_id("req", rng, date, serial)
    benefits = "".join(
        f"<Benefit>{kind}</Benefit>" for kind in rng.sample(BENEFITS, rng.randint(1, 4))
    )
    body = (
        f'{HEAD}<InformationRequest xmlns="{NAMESPACE}"><RequestId>{request_id}</RequestId>'
        f"<RequestedAt>{_moment(rng, date)}</RequestedAt>"
        f"{_fund(fund or _first_fund())}{_person(_member(rng, date))}"
        f"<Purpose>{PURPOSES[rng.randrange(len(PURPOSES))]}</Purpose><Period>"
        f"<From>{date - datetime.timedelta(days=rng.randrange(30, 700))}</From><To>{date}</To>"
        f"</Period>{benefits}</InformationRequest>"
    )
    return in_conversation(
        body=body, content_type=XML, message_id=request_id, conversation=request_id
    )


def _benefit(rng: random.Random, date: datetime.date) -> str:
    start = date - datetime.timedelta(days=rng.randrange(60, 500))
    length = rng.randrange(14, 50)
    amount = f"{rng.randrange(30, 60)}.{rng.randrange(100):02d}"
    return (
        f"<Benefit><Kind>{BENEFITS[rng.randrange(len(BENEFITS))]}</Kind><Status>"
        f"{('GRANTED', 'ENDED')[rng.randrange(2)]}</Status>"
        f"<Period><From>{start}</From><To>{start + datetime.timedelta(days=length)}</To></Period>"
        f"<DailyAmount>{amount}</DailyAmount><DaysPaid>{rng.randrange(1, 9)}</DaysPaid></Benefit>"
    )


def benefit_data(
    rng: random.Random,
    date: datetime.date,
    serial: int,
    request_id: str = "",
    code: str = "",
    message_id: str = "",
    count: int | None = None,
) -> Generated:
    """Kela's reply to a request (default: to one that it makes up) about the person with that code
    (default: somebody).
    """
    request_id = request_id or new_id("req", rng, date, serial)
    code = code or _member(rng, date).personal_identity_code
    if count is None:
        count = rng.choices(BENEFITS_IN_REPLY[0], BENEFITS_IN_REPLY[1])[0]
    benefits = "".join(_benefit(rng, date) for _ in range(count))
    body = (
        f'{HEAD}<BenefitData xmlns="{NAMESPACE}"><InReplyTo>{request_id}</InReplyTo><CreatedAt>'
        f"{_moment(rng, date)}</CreatedAt>"
        f"<Person><PersonalIdentityCode>{code}</PersonalIdentityCode></Person>"
        f"{benefits}</BenefitData>"
    )
    return in_conversation(
        body=body,
        content_type=XML,
        message_id=message_id or new_id("ben", rng, date, serial),
        conversation=request_id,
        items=count,
    )


GENERATORS: dict[str, Generator] = {
    "unemployment.earnings-data": earnings_data,
    "unemployment.information-request": information_request,
    "unemployment.benefit-data": benefit_data,
}
