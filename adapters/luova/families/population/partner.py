"""The population register as a stub, which sends changes only when it is asked to, since Kela
follows the register (`adapters/population_register`); and Kela's core data, which keeps the deaths
that it is told of.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from functools import partial

from exchange.adapters.luova.families.population.generate import CHANGES, changes
from exchange.adapters.luova.partner.sending import Answer, date_of, flow, submit
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.persons.reported_deaths import TOLD
from exchange.schemas.population.change_kinds import deaths


def flows(directory: Directory) -> list[Flow]:
    """The register's four kinds of changes, none of them in the traffic of a day."""
    return [
        flow(message_type, register, 0, partial(_send, register, message_type))
        for register in directory.in_sector("population-register")
        for message_type in CHANGES
    ]


def _send(partner: Partner, message_type: str, situation: Situation) -> Sending:
    wanted = situation.wanted(message_type) or 0
    generated = changes(message_type, situation.rng, date_of(situation), situation.serial, wanted)
    moment = datetime.datetime.fromtimestamp(situation.now / 1000, datetime.UTC).isoformat()
    return submit(partner, message_type, generated, **{"X-Created-At": moment})


def _keep(partner: Partner, call: Call, situation: Situation) -> Sequence[Sending]:
    for code, day in deaths(json.loads(call.body)):
        TOLD.tell(code, day)
    return ()


ANSWERS: dict[str, Answer] = dict.fromkeys(CHANGES, _keep)
