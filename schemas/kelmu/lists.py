"""The models of Kelmu's lists: those that the benefit register makes of many persons, and an
authority's own work list of information requests and notices.

Which lists there are is public (kela.fi, Kelan etuustietopalvelu Kelmu); every name is *modelled*.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from exchange.schemas.fields import Amount, IsoDate, PersonalIdentityCode
from exchange.schemas.kelmu.models import LegalGround, Purpose, Strict, UserId

#: Most persons on a list.
ENTRIES_MAX = 2_000

ListId = Literal[
    "labour-market-support-invoice",
    "child-care-support",
    "labour-market-support-300-days",
    "front-veterans-supplement",
    "care-abroad-reimbursements",
]
Month = Annotated[str, StringConstraints(pattern=r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$")]


class ListQuery(Strict):
    """An authority wants a list of a month."""

    list: ListId
    period: Month
    purpose: Purpose
    legal_ground: LegalGround
    user: UserId


class ListEntry(Strict):
    """One person on a list: for whom (`child`), for which time, how many days, euros, and in which
    country (ISO 3166-1) the care was given, as far as the list is about it.
    """

    person: PersonalIdentityCode
    child: PersonalIdentityCode | None = None
    from_: IsoDate | None = Field(default=None, alias="from")
    to: IsoDate | None = None
    days: int | None = Field(default=None, ge=1, le=10_000)
    paid_on: IsoDate | None = None
    amount: Amount | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None


#: (A list has a field `list`.)
Entries = Annotated[list[ListEntry], Field(max_length=ENTRIES_MAX)]


class ListAnswer(Strict):
    """The register's list."""

    list: ListId
    period: Month
    entries: Entries


class WorkListQuery(Strict):
    """An official asks what Kela's requests or notices his authority has: open requests and notices
    that are with it, or (`all`) also what is closed or moved on. `after` is where the answer before
    ended.
    """

    work_list: Literal["information-requests", "notices"]
    user: UserId
    all: bool = False
    after: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9~._/-]{0,120}$")] = ""
    most: int = Field(default=50, ge=1, le=100)
