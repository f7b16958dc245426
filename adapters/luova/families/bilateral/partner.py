"""Foreign institutions and Kela's international affairs as stubs: data on persons abroad, both
ways.
"""

from __future__ import annotations

from functools import partial

from exchange.adapters.luova.families.bilateral.generate import RECORDS, message
from exchange.adapters.luova.partner.sending import Answer, date_of, flow, submit
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas.directory import Directory, Partner

#: Records exchanged in 2024 (Kela, statistics of information exchange), and how much of it comes to
#: Kela. The published rows don't tell the directions apart: that half of the changes and of the
#: periods comes here is *modelled*; supplementary pensions are foreign ones, so they all do.
ITEMS_2024 = {
    "bilateral.circumstance-changes": (2_309_176, 0.5),
    "bilateral.insurance": (101_450, 0.5),
    "bilateral.supplementary-pensions": (5_623, 1.0),
}


def flows(directory: Directory) -> list[Flow]:
    """Each institution (those of EESSI's countries too) to Kela and Kela to each, evenly
    (*modelled*).
    """
    kela = directory.serving("international")
    institutions = [
        each for each in directory.in_sector("foreign-institution", "eessi") if each.country != "FI"
    ]
    if kela is None or not institutions:
        return []
    flows = []
    for message_type, (items, incoming) in ITEMS_2024.items():
        calls = items * 2 / sum(RECORDS[message_type]) / len(institutions)
        for institution in institutions:
            inward = partial(_send, message_type, institution, kela)
            flows.append(flow(message_type, institution, calls * incoming, inward))
            if incoming < 1:
                outward = partial(_send, message_type, kela, institution)
                flows.append(
                    Flow(
                        name=f"{message_type} {kela.id} {institution.id}",
                        partner=kela.id,
                        message_type=message_type,
                        weight=calls * (1 - incoming),
                        make=outward,
                    )
                )
    return flows


def _send(message_type: str, sender: Partner, receiver: Partner, situation: Situation) -> Sending:
    wanted = situation.wanted(message_type) or 0
    generated = message(
        message_type, situation.rng, date_of(situation), situation.serial, sender, receiver, wanted
    )
    return submit(sender, message_type, generated, **{"X-Receiver": receiver.id})


ANSWERS: dict[str, Answer] = {}
