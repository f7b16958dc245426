"""The work pension sector and Kela as stubs: decisions, unpaid periods, and queries with the
answers that they cause.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Sequence
from functools import partial

from exchange.adapters.luova.families.pension import generate
from exchange.adapters.luova.partner.sending import Answer, date_of, flow, submit
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas import xml
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.generated import Generated

NAMESPACE = "{urn:exchange:pension:1}"
#: Records or queries in 2024 (Kela, statistics of information exchange). That institutions send as
#: many each is *modelled*.
ITEMS_2024 = {
    "pension.decisions": 636_500,
    "pension.work-history-query": 78_438,
    "pension.unpaid-periods": 840_678,
    "pension.accident-data-query": 597_500,
}


def flows(directory: Directory) -> list[Flow]:
    """Decisions and accident data queries of each institution, Kela's queries to the authority
    service and data to ETK.
    """
    institutions = [
        partner for partner in directory.in_sector("pension-institution") if partner.id != "etk"
    ]
    flows = []
    for message_type, calls, make in (
        ("pension.decisions", _calls("pension.decisions", generate.DECISIONS), generate.decisions),
        (
            "pension.accident-data-query",
            _calls("pension.accident-data-query"),
            generate.accident_data_query,
        ),
    ):
        for partner in institutions:
            send = partial(_send_as, partner, message_type, make)
            flows.append(flow(message_type, partner, calls / len(institutions), send))
    if (kela := directory.serving("pensions")) is not None:
        for message_type, calls, make_own in (
            (
                "pension.work-history-query",
                _calls("pension.work-history-query"),
                generate.work_history_query,
            ),
            (
                "pension.unpaid-periods",
                _calls("pension.unpaid-periods", generate.UNPAID_PERIODS),
                generate.unpaid_periods,
            ),
        ):
            flows.append(
                flow(message_type, kela, calls, partial(_send, kela, message_type, make_own))
            )
    return flows


def _calls(message_type: str, per_message: tuple[int, int] = (1, 1)) -> float:
    return ITEMS_2024[message_type] * 2 / sum(per_message)


def _send_as(
    partner: Partner, message_type: str, make: Callable[..., Generated], situation: Situation
) -> Sending:
    return submit(
        partner,
        message_type,
        make(
            situation.rng,
            date_of(situation),
            situation.serial,
            partner,
            **_held(message_type, situation),
        ),
    )


def _send(
    partner: Partner, message_type: str, make: Callable[..., Generated], situation: Situation
) -> Sending:
    return submit(
        partner,
        message_type,
        make(situation.rng, date_of(situation), situation.serial, **_held(message_type, situation)),
    )


def _held(message_type: str, situation: Situation) -> dict[str, int]:
    """How many records the message is to hold, where somebody plans that; a query is one, whatever
    is planned.
    """
    wanted = None if message_type.endswith("-query") else situation.wanted(message_type)
    return {"count": wanted} if wanted else {}


def _answering(message_type: str, make: Callable[..., Generated]) -> Answer:
    """Every query is answered, with data about the person asked about."""

    def answer(partner: Partner, call: Call, situation: Situation) -> Sequence[Sending]:
        query = xml.parse(call.body)
        query_id = query.findtext(f"{NAMESPACE}QueryId", "")
        code = query.findtext(f"{NAMESPACE}Person/{NAMESPACE}PersonalIdentityCode", "")
        day = datetime.date.fromisoformat(query.findtext(f"{NAMESPACE}AskedAt", "2024-01-01")[:10])
        # By what was asked, not by the exchange's delivery: its ids depend on all other traffic.
        reply = make(random.Random(query_id), day, 0, query_id, code, f"re-{query_id}")
        return [
            submit(partner, message_type, reply, **{"X-Receiver": call.headers.get("X-Sender", "")})
        ]

    return answer


ANSWERS: dict[str, Answer] = {
    "pension.work-history-query": _answering("pension.work-history", generate.work_history),
    "pension.accident-data-query": _answering("pension.accident-data", generate.accident_data),
}
