"""Kela's requests for taxation data and the Tax Administration's answers, as stubs give them."""

from __future__ import annotations

import datetime
import random
from collections.abc import Sequence
from functools import partial
from json import loads

from exchange.adapters.luova.families.tax.generate import request, response
from exchange.adapters.luova.partner.sending import Answer, date_of, flow, submit
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory, Partner

#: Requests of 2024 and the answers to them (Kela, statistics of information exchange): 99.74 % were
#: answered.
REQUESTS_2024 = 8_440_312
RESPONSES_2024 = 8_418_260


def flows(directory: Directory) -> list[Flow]:
    """Kela's requests."""
    kela = directory.serving("tax-data")
    return [] if kela is None else [flow("tax.request", kela, REQUESTS_2024, partial(_send, kela))]


def _send(kela: Partner, situation: Situation) -> Sending:
    return submit(kela, "tax.request", request(situation.rng, date_of(situation), situation.serial))


def is_answered(number: int) -> bool:
    """Whether the request that comes as that number is answered: the unanswered 22,052 of 8,440,312
    are spread evenly.

    Of any first n requests the answered ones are the published share, to one; chance would stray
    further.
    """
    unanswered = REQUESTS_2024 - RESPONSES_2024
    return number * unanswered % REQUESTS_2024 >= unanswered


def answer(partner: Partner, call: Call, situation: Situation) -> Sequence[Sending]:
    """The data of the person and year asked about, at the published rate, or as somebody
    plans it.
    """
    wanted = situation.wanted("tax.response")
    if not (is_answered(situation.serial) if wanted is None else wanted):
        return []
    asked = loads(call.body)
    day = datetime.date.fromisoformat(asked["requestedAt"][:10])
    # By what was asked, not by the exchange's delivery: its ids depend on all other traffic.
    rng, message_id = random.Random(asked["requestId"]), f"re-{asked['requestId']}"
    reply = response(
        rng, day, 0, asked["requestId"], asked["personalIdentityCode"], asked["taxYear"], message_id
    )
    return [submit(partner, "tax.response", reply)]


ANSWERS: dict[str, Answer] = {"tax.request": answer}
