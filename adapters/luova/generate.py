"""Every generator of this channel by message type, and the headers that its messages travel with;
the bodies are made by the families.
"""

from __future__ import annotations

from exchange.adapters.luova import discovery
from exchange.schemas.generated import Generated, Generator

#: Message type -> generator. The same source of chance, day and serial number give the same bytes.
GENERATORS: dict[str, Generator] = {
    message_type: generator
    for family in discovery.parts("generate").values()
    for message_type, generator in family.GENERATORS.items()
}


def headers_of(message_type: str, generated: Generated) -> dict[str, str]:
    """The headers of a generated message as Luova wants them, without key and receiver."""
    return {
        "Content-Type": generated.content_type,
        "X-Message-Type": message_type,
        "X-Message-Id": generated.message_id,
        **generated.headers,
    }
