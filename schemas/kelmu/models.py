"""The models of Kelmu's JSON messages; who may ask for what, and what fields say to each other,
stands elsewhere.

Kelmu's wire format is not public: everything here is modelled after what Kela tells of the service
(data groups, query per benefit, time limit, information requests). Fields unknown to a model are
refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from exchange.schemas.fields import (
    Amount,
    IsoDate,
    PersonalIdentityCode,
    PersonalIdentityCodeForm,
)
from exchange.schemas.kelmu.codes import BENEFITS

#: As in the Koski service's query in which Kela is the client. That Kelmu has the same bound and
#: the same rule for wrong check characters is *modelled*.
BULK_PERSONS_MAX = 1_000
#: Most records of one data group that the register gives of one person.
RECORDS_MAX = 2_000

DataGroup = Literal[
    "pendency",
    "decision",
    "payments",
    "insurance",
    "recovery",
    "medicine-cost-ceiling",
    "sent-by-others",
]
Purpose = Literal[
    "supplementary-social-assistance",
    "social-services",
    "client-fees",
    "early-education-fees",
    "labour-market-support-share",
    "pension-determination",
    "earnings-related-unemployment-benefit",
    "enforcement",
    "employment-services",
    "adult-education-benefits",
    "accident-compensation",
]
Statement = Literal[
    "social-care-statement",
    "supplementary-or-preventive-support",
    "service-needs-assessment",
    "multi-agency-cooperation",
]


def _known_benefit(text: str) -> str:
    if text not in BENEFITS:
        raise PydanticCustomError(
            "value", "{expected} is expected", {"expected": "a benefit of Kelmu's list"}
        )
    return text


BenefitId = Annotated[str, AfterValidator(_known_benefit)]
#: The official on whose behalf it is asked, by the organisation's own user id; never a personal
#: identity code.
UserId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{1,63}$")]
#: The act, by its number in the Statutes of Finland, and a section and its subsection if need be:
#: `1412/1997`, `1412/1997 18 b §`, `1412/1997 18 b § 2 mom.`
LegalGround = Annotated[
    str,
    StringConstraints(
        pattern=r"^[1-9][0-9]{0,3}/(18|19|20)[0-9]{2}"
        r"( [1-9][0-9]{0,2}( [a-z])? §( [1-9][0-9]? mom\.)?)?$"
    ),
]
PartnerId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$")]
#: A message id as `X-Message-Id` carries it; those that begin with `~` are given by the exchange.
MessageId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9~][A-Za-z0-9._~-]{0,63}$")]
FreeText = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]


class Strict(BaseModel):
    """What every model here has in common: no conversions, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Asking(Strict):
    """What a query says besides the persons: why, on what ground, who asks, what of which benefits,
    and from when to when.
    """

    purpose: Purpose
    legal_ground: LegalGround
    user: UserId
    benefits: list[BenefitId] = Field(min_length=1, max_length=len(BENEFITS))
    data_groups: list[DataGroup] = Field(min_length=1, max_length=7)
    from_: IsoDate = Field(alias="from")
    to: IsoDate


class BenefitQuery(Asking):
    """A query about one person."""

    person: PersonalIdentityCode


class BenefitQueryBulk(Asking):
    """A query about at most `BULK_PERSONS_MAX` persons. One code that is not of the form and the
    whole is refused; of the form but not valid (a wrong check character), that one is left out.
    """

    persons: list[PersonalIdentityCodeForm] = Field(min_length=1, max_length=BULK_PERSONS_MAX)


class Pendency(Strict):
    """A claim that waits."""

    benefit: BenefitId
    received_on: IsoDate
    state: Literal["received", "in-progress", "more-information-asked"]


class Decision(Strict):
    """A decision on a benefit; `to` is absent when it is open-ended."""

    benefit: BenefitId
    decided_on: IsoDate
    outcome: Literal["granted", "refused", "adjusted", "ended"]
    from_: IsoDate = Field(alias="from")
    to: IsoDate | None = None


class Payment(Strict):
    """What was paid, in euros, for which time."""

    benefit: BenefitId
    paid_on: IsoDate
    amount: Amount
    from_: IsoDate = Field(alias="from")
    to: IsoDate


class Insurance(Strict):
    """A time for which the person was, or was not, covered by Finnish social security."""

    covered: bool
    from_: IsoDate = Field(alias="from")
    to: IsoDate | None = None


class Recovery(Strict):
    """Money paid without ground: what is to be recovered and what of it is left, in euros."""

    benefit: BenefitId
    decided_on: IsoDate
    amount: Amount
    left: Amount


class MedicineCostCeiling(Strict):
    """A calendar year's own share of medicine costs, in euros, and the day that the ceiling was
    reached, if it was.
    """

    year: int = Field(ge=1990, le=2100)
    own_share: Amount
    reached_on: IsoDate | None = None


class SentByOthers(Strict):
    """Data that another organisation has sent to Kela: what kind, from which sector, and when it
    came; not the data themselves.
    """

    kind: Literal[
        "wage-reports", "earnings-data", "medical-certificate", "pension-decision", "statement"
    ]
    sender: Literal[
        "income-register",
        "unemployment-fund",
        "healthcare",
        "pension-institution",
        "wellbeing-county",
    ]
    received_on: IsoDate


class PersonRecords(Strict):
    """What the register knows of one person, by data group; a group that was not asked for is
    absent.
    """

    person: PersonalIdentityCode
    pendency: list[Pendency] = Field(default=[], max_length=RECORDS_MAX)
    decision: list[Decision] = Field(default=[], max_length=RECORDS_MAX)
    payments: list[Payment] = Field(default=[], max_length=RECORDS_MAX)
    insurance: list[Insurance] = Field(default=[], max_length=RECORDS_MAX)
    recovery: list[Recovery] = Field(default=[], max_length=RECORDS_MAX)
    medicine_cost_ceiling: list[MedicineCostCeiling] = Field(
        default=[], max_length=100, alias="medicine-cost-ceiling"
    )
    sent_by_others: list[SentByOthers] = Field(
        default=[], max_length=RECORDS_MAX, alias="sent-by-others"
    )


class BenefitAnswer(Strict):
    """The register's answer: one entry for each person that it knows, in the order asked."""

    results: list[PersonRecords] = Field(max_length=BULK_PERSONS_MAX)


class InformationRequest(Strict):
    """Kela asks a wellbeing services county for what it needs to decide on basic social
    assistance.
    """

    county: PartnerId
    person: PersonalIdentityCode
    benefit: Literal["basic-social-assistance"]
    statements: list[Statement] = Field(min_length=1, max_length=4)
    question: FreeText
    user: UserId
    answer_by: IsoDate


class GivenStatement(Strict):
    """One statement of a county: the text, or that there is nothing to state."""

    statement: Statement
    known: bool
    text: FreeText | None = None


class InformationRequestAnswer(Strict):
    """A county's answer to an information request, which it names by Kela's message id."""

    information_request: MessageId
    given: list[GivenStatement] = Field(min_length=1, max_length=4)
    user: UserId
