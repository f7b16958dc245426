"""Kanta as a stub: passes medical certificates on to Kela; Kela's certificate system takes them
like any delivery.
"""

from __future__ import annotations

from functools import partial

from exchange.adapters.luova.families.certificates.generate import document
from exchange.adapters.luova.partner.sending import Answer, date_of, flow, submit
from exchange.partners.stub import Flow, Sending, Situation
from exchange.schemas.directory import Directory, Partner

#: Documents of 2024 (Kela, statistics of information exchange).
DOCUMENTS_2024 = 1_076_630


def flows(directory: Directory) -> list[Flow]:
    """Documents at the patients' request, one a message."""
    kanta = directory.get("kanta")
    return (
        []
        if kanta is None
        else [flow("certificates.document", kanta, DOCUMENTS_2024, partial(_send, kanta))]
    )


def _send(kanta: Partner, situation: Situation) -> Sending:
    return submit(
        kanta,
        "certificates.document",
        document(situation.rng, date_of(situation), situation.serial),
    )


ANSWERS: dict[str, Answer] = {}
