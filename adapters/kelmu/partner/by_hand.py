"""What partners send over Kelmu whenever there is something to send: documents, notices, questions
for lists and work lists; no flow of the traffic has them.
"""

from __future__ import annotations

from collections.abc import Callable

from exchange.adapters.kelmu import generate
from exchange.adapters.kelmu.partner.sending import day_of, sending, sizes_of
from exchange.partners.stub import AtWill, Sending, Situation
from exchange.schemas.directory import Partner
from exchange.schemas.generated import Generated, Generator

_Sends = Callable[[Partner, Situation], Sending]


def _by_hand(make: Callable[[Situation, Partner], Generated], path: str) -> _Sends:
    """What an official sends at the user interface whenever there is something to send."""

    def send(partner: Partner, situation: Situation) -> Sending:
        message = make(situation, partner)
        if path.endswith("/documents"):
            message = with_files(message)
        return sending(partner, path, message)

    return send


def _made(generator: Generator) -> Callable[[Situation, Partner], Generated]:
    return lambda situation, _: generator(situation.rng, day_of(situation), situation.serial)


def _notice(situation: Situation, partner: Partner) -> Generated:
    authorities = situation.directory.in_sector("wellbeing-county")
    authority = situation.choose([each.id for each in authorities], sizes_of(authorities))
    return generate.notice(situation.rng, day_of(situation), situation.serial, authority)


def _list_query(situation: Situation, partner: Partner) -> Generated:
    return generate.list_query(situation.rng, day_of(situation), situation.serial, partner.sector)


def with_files(message: Generated) -> Generated:
    """A document's message with a letter and a picture of one."""
    files = [
        ("hakemus.pdf", "application/pdf", generate.pdf("Liite hakemukseen")),
        ("tosite.png", "image/png", generate.png(24, 32, 200)),
    ]
    # (The same each time, so that a line of a shell that names it sends any sample.)
    boundary = "kelmu-message-and-files"
    content_type, body = generate.with_files(message.body, files, boundary)
    return Generated(body, content_type, message.message_id)


AT_WILL: AtWill = {
    "kelmu.document": _by_hand(_made(generate.document), "/kelmu/v1/ui/documents"),
    "kelmu.work-list-query": _by_hand(_made(generate.work_list_query), "/kelmu/v1/ui/work-lists"),
    "kelmu.list-query": _by_hand(_list_query, "/kelmu/v1/ui/lists"),
    "kelmu.notice": _by_hand(_notice, "/kelmu/v1/notices"),
}
