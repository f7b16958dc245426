"""The models of what goes between Kela and who provides social services, beside information
requests and their answers: documents, withdrawals, reminders, notices and their transfers.

That they are sent is public (kela.fi, Kelan etuustietopalvelu Kelmu; Tietotilinpäätös 2024); every
name here is *modelled*.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from exchange.schemas.fields import IsoDate, PersonalIdentityCode
from exchange.schemas.kelmu.models import (
    FreeText,
    MessageId,
    PartnerId,
    Statement,
    Strict,
    UserId,
)

DocumentKind = Literal[
    "bank-statement", "rental-agreement", "invoice", "income-statement", "decision", "other"
]
NoticeKind = Literal[
    "contact-request",
    "need-for-social-services",
    "urgent-application",
    "unemployed-under-25",
    "unemployed-25-or-over",
    "immigrant",
    "supplementary-support-application",
    "preventive-support-application",
    "reduced-basic-amount",
]


class Document(Strict):
    """A client's documents, which come beside as attachments, for a matter at Kela: sent by who
    provides social services, at the client's request.
    """

    person: PersonalIdentityCode
    matter: Literal["basic-social-assistance"]
    document_kind: DocumentKind
    requested_by_client: Literal[True]
    user: UserId
    text: FreeText | None = None


class InformationRequestWithdrawal(Strict):
    """Kela needs the answer of a county no more."""

    information_request: MessageId
    county: PartnerId
    reason: FreeText
    user: UserId


class InformationRequestReminder(Strict):
    """The day has come by which Kela wants an answer; of the request only what names no person."""

    information_request: MessageId
    county: PartnerId
    statements: list[Statement] = Field(min_length=1, max_length=4)
    answer_by: IsoDate


class Notice(Strict):
    """What Kela tells the provider of social services where a person lives (eTotu). `decided_on` is
    the day of the decision on basic social assistance, for notices that follow one.
    """

    authority: PartnerId
    notice_kind: NoticeKind
    person: PersonalIdentityCode
    user: UserId
    text: FreeText | None = None
    decided_on: IsoDate | None = None


class NoticeTransfer(Strict):
    """An official moves a notice that came to the wrong authority to another one."""

    notice: MessageId
    authority: PartnerId
    reason: FreeText
    user: UserId
