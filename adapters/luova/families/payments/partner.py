"""Kela's payment messages to its banks, as stubs send them; a bank takes a delivery like any
partner.
"""

from __future__ import annotations

from functools import partial

from exchange.adapters.luova.families.payments.generate import credit_transfers
from exchange.adapters.luova.partner.sending import Answer, date_of, submit
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas.directory import Directory, Partner

#: Messages sent in 2024, with 38,783,069 payments in them (Kela, statistics of information
#: exchange).
MESSAGES_2024 = 54_713


def flows(directory: Directory) -> list[Flow]:
    """Kela's payment system to each bank; that the banks get as many each is *modelled*."""
    kela, banks = directory.serving("payments"), directory.in_sector("bank")
    if kela is None:
        return []
    weight = MESSAGES_2024 / len(banks) if banks else 0.0
    return [
        Flow(
            name=f"payments.credit-transfers {kela.id} {bank.id}",
            partner=kela.id,
            message_type="payments.credit-transfers",
            weight=weight,
            make=partial(_send, kela, bank, number),
        )
        for number, bank in enumerate(banks)
    ]


def _send(kela: Partner, bank: Partner, number: int, situation: Situation) -> Sending:
    wanted = situation.wanted("payments.credit-transfers") or 0
    generated = credit_transfers(
        situation.rng, date_of(situation), situation.serial, wanted, number
    )
    return submit(kela, "payments.credit-transfers", generated, **{"X-Receiver": bank.id})


ANSWERS: dict[str, Answer] = {}
