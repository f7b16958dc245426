"""What a generator of synthetic messages gives: the bytes and what a sender puts beside them; no
generator.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Mapping
from dataclasses import field

from exchange.schemas.value import value


@value
class Generated:
    """A valid synthetic message.

    `body` is what goes over the wire inside the protocol's wrapping (no SOAP envelope),
    `message_id` the sender's id of it, `headers` what the channel wants beside the body, `items`
    how many records it holds.
    """

    body: bytes
    content_type: str
    message_id: str
    items: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)


#: (source of chance, the day it is made on, a serial number that makes ids unique within a run) ->
#: message.
Generator = Callable[[random.Random, datetime.date, int], Generated]
