"""What calls of Kelmu's stubs have: a day, a key, an id, files; who provides social services, and
how large who sends is.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from exchange.adapters.kelmu import generate
from exchange.adapters.kelmu.partner.volumes import RESIDENTS, RESIDENTS_OF_OTHERS
from exchange.partners.stub import Sending, Situation
from exchange.schemas.call import Call
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.generated import Generated

#: Who provides social services; Mariehamn stands for the municipalities of Åland.
_SOCIAL_SERVICES = ("wellbeing-county", "helsinki")
_ALAND = ("municipality.mariehamn",)


def day_of(situation: Situation) -> datetime.date:
    return datetime.datetime.fromtimestamp(situation.now / 1000, datetime.UTC).date()


def sizes_of(partners: Sequence[Partner]) -> dict[str, float]:
    """How large each organisation is, in thousands of residents."""
    return {each.id: RESIDENTS.get(each.id, RESIDENTS_OF_OTHERS) for each in partners}


def provides(partner: Partner) -> bool:
    """Whether a partner provides social services."""
    return partner.sector in _SOCIAL_SERVICES or partner.id in _ALAND


def providers_of(directory: Directory) -> list[Partner]:
    """Who provides social services."""
    return [each for each in directory if provides(each)]


def with_files(message: Generated, line: str) -> Generated:
    """A message with a letter, which has that line, beside it."""
    files = [("liite.pdf", "application/pdf", generate.pdf(line))]
    # (The same each time, so that a line of a shell that names it sends any sample.)
    boundary = "kelmu-message-and-files"
    content_type, body = generate.with_files(message.body, files, boundary)
    return Generated(body, content_type, message.message_id)


def sending(partner: Partner, path: str, message: Generated) -> Sending:
    headers = {
        "Content-Type": message.content_type,
        "X-API-Key": partner.key,
        "X-Message-Id": message.message_id,
    }
    return Sending(Call("POST", path, headers, message.body))
