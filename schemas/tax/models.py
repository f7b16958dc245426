"""Taxation data of a person and a year, as Kela asks for them and gets them; how the parts agree is
left to rules.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from exchange.schemas.fields import Amount, IsoDate, IsoDateTime, PersonalIdentityCode

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
TaxYear = Annotated[int, Field(ge=2006, le=2099)]
#: What Kela needs the data for (*modelled*).
Purpose = Literal[
    "general-housing-allowance",
    "pension",
    "guarantee-pension",
    "care-allowance",
    "financial-aid-for-students",
    "sickness-allowance",
    "basic-social-assistance",
]
Part = Literal["earned-income", "capital-income", "deductions", "assets", "tax-card"]


class Strict(BaseModel):
    """No key that is not known."""

    model_config = ConfigDict(extra="forbid")


class TaxDataRequest(Strict):
    """A question about one person and one tax year; `parts` says what is wanted."""

    requestId: Identifier
    requestedAt: IsoDateTime
    personalIdentityCode: PersonalIdentityCode
    taxYear: TaxYear
    purpose: Purpose
    parts: Annotated[list[Part], Field(min_length=1, max_length=5)]


class EarnedIncome(Strict):
    """Euros a year: the total is wages, pensions, benefits and whatever else there is."""

    wages: Amount
    pensions: Amount
    benefits: Amount
    other: Amount
    total: Amount


class CapitalIncome(Strict):
    """Euros a year: the total is rents, dividends, gains and whatever else there is."""

    rents: Amount
    dividends: Amount
    gains: Amount
    other: Amount
    total: Amount


class TaxCard(Strict):
    """Withholding of the year: a rate up to the income limit, another above it, in per cent."""

    basicRatePercent: Annotated[int | float, Field(ge=0, le=100)]
    additionalRatePercent: Annotated[int | float, Field(ge=0, le=100)]
    incomeLimit: Amount


class TaxDataResponse(Strict):
    """What there is for the year: a finished taxation (with its day), one that is under way, or
    nothing.
    """

    inReplyTo: Identifier
    createdAt: IsoDateTime
    personalIdentityCode: PersonalIdentityCode
    taxYear: TaxYear
    status: Literal["finished", "under-way", "no-data"]
    finishedOn: IsoDate | None = None
    earnedIncome: EarnedIncome | None = None
    capitalIncome: CapitalIncome | None = None
    deductions: Amount | None = None
    taxes: Amount | None = None
    taxCard: TaxCard | None = None
