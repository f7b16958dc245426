"""Rules of whose data may be asked for: data users ask for anybody's, everybody else for what it
has reported itself as the payer.

Source: Act on the Incomes Information System (53/2018), sections 13 and 14. Who is a data user is
told by the partner's sector (*modelled*: the register grants rights to each, by kind of data).
"""

from __future__ import annotations

from exchange.adapters.income_register.document import (
    SUBSCRIPTIONS,
    Element,
    text_of,
)
from exchange.adapters.income_register.findings import Book
from exchange.adapters.income_register.orders.query_data_type import PAYER, PAYERS
from exchange.ports import Parsed
from exchange.schemas.directory import Partner
from exchange.schemas.income_register.codes import plain

#: Sectors whose partners use the register's data in their work.
DATA_USERS = frozenset(
    (
        "kela",
        "municipality",
        "wellbeing-county",
        "helsinki",
        "unemployment-fund",
        "pension-institution",
        "pension-register",
        "tax",
        "other-authority",
    )
)


def check_rights(book: Book, parsed: Parsed) -> None:
    """A question or a subscription of who is no data user names itself as the only payer."""
    partner = parsed.inbound.partner
    if partner.sector in DATA_USERS:
        return
    subscribed = parsed.message_type == SUBSCRIPTIONS
    path = ".//Subscriptions/Subscription"
    for asked in parsed.document.iterfind(path) if subscribed else (parsed.document,):
        if not _is_own(asked, partner):
            wanted = f"the payer {partner.business_id} alone, unless a data user asks"
            book.add("asked-without-right", asked, wanted)


def _is_own(asked: Element, partner: Partner) -> bool:
    named = [
        parameter
        for parameter in asked.iter("IdCodeParameter")
        if plain(text_of(parameter, "ParameterType")) == PAYER
    ]
    for held in asked.iter("IdCodeList"):
        if plain(text_of(held, "CodeListType")) == PAYERS:
            named += held.iter("CodeItem")
    return bool(named) and all(text_of(each, "IdCode") == partner.business_id for each in named)
