"""Kela's core data as a stub: it keeps the deaths that a message of changes tells of. The register
sends none on its own accord: Kela follows it (`adapters/population_register`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from exchange.adapters.luova.families.population.generate import CHANGES
from exchange.adapters.luova.partner.sending import Answer
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.persons.told import TOLD
from exchange.schemas.population.change_kinds import deaths


def flows(directory: Directory) -> list[Flow]:
    """Nothing."""
    return []


def _keep(partner: Partner, call: Call, situation: Situation) -> Sequence[Sending]:
    for code, day in deaths(json.loads(call.body)):
        TOLD.tell(code, day)
    return ()


ANSWERS: dict[str, Answer] = dict.fromkeys(CHANGES, _keep)
