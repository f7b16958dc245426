"""What every call of Kelmu's stubs has: a day, a key, an id; and how large who sends is."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from exchange.adapters.kelmu.partner.volumes import RESIDENTS, RESIDENTS_OF_OTHERS
from exchange.partners.stub import Sending, Situation
from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from exchange.schemas.generated import Generated


def day_of(situation: Situation) -> datetime.date:
    return datetime.datetime.fromtimestamp(situation.now / 1000, datetime.UTC).date()


def sizes_of(partners: Sequence[Partner]) -> dict[str, float]:
    """How large each organisation is, in thousands of residents."""
    return {each.id: RESIDENTS.get(each.id, RESIDENTS_OF_OTHERS) for each in partners}


def sending(partner: Partner, path: str, message: Generated) -> Sending:
    headers = {
        "Content-Type": message.content_type,
        "X-API-Key": partner.key,
        "X-Message-Id": message.message_id,
    }
    return Sending(Call("POST", path, headers, message.body))
