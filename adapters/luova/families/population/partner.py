"""The population register as a stub: its changes by kind, each with the time that it was made."""

from __future__ import annotations

import datetime
from functools import partial

from exchange.adapters.luova.families.population.generate import CHANGES, changes
from exchange.adapters.luova.partner.sending import Answer, date_of, flow, submit
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas.directory import Directory, Partner

#: Changes of 2024 (Kela, statistics of information exchange).
ITEMS_2024 = {
    "population.births": 43_725,
    "population.deaths": 81_410,
    "population.address-changes": 1_533_116,
    "population.registrations": 87_816,
}


def flows(directory: Directory) -> list[Flow]:
    """The register's four kinds of changes."""
    registers = directory.in_sector("population-register")
    return [
        flow(
            message_type,
            register,
            items * 2 / sum(CHANGES[message_type]) / len(registers),
            partial(_send, register, message_type),
        )
        for register in registers
        for message_type, items in ITEMS_2024.items()
    ]


def _send(partner: Partner, message_type: str, situation: Situation) -> Sending:
    wanted = situation.wanted(message_type) or 0
    generated = changes(message_type, situation.rng, date_of(situation), situation.serial, wanted)
    moment = datetime.datetime.fromtimestamp(situation.now / 1000, datetime.UTC).isoformat()
    return submit(partner, message_type, generated, **{"X-Created-At": moment})


ANSWERS: dict[str, Answer] = {}
