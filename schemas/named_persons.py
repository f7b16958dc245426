"""Which artificial persons a message names, so that it can be found by them; a real one is for the
guard.
"""

from __future__ import annotations

from exchange.schemas.guard import code_places
from exchange.schemas.identifiers import is_personal_identity_code

#: Persons of one message that are told; a file of more is not found by the others.
PERSONS_MAX = 10_000
_CODE_BYTES = len("010203-900X")


def named_persons(body: bytes, most: int = PERSONS_MAX) -> tuple[str, ...]:
    """The valid personal identity codes that stand in the bytes as they are, each once, in the
    order of their first places; codes that are written in another way are not told.
    """
    found: dict[bytes, None] = {}
    for place in code_places(body):
        found.setdefault(body[place : place + _CODE_BYTES])
        if len(found) == most:
            break
    texts = (each.decode("latin-1").upper() for each in found)
    return tuple(dict.fromkeys(text for text in texts if is_personal_identity_code(text)))
