"""Every generator of this channel by message type, and the headers that its messages travel with;
the bodies are made beside it.
"""

from __future__ import annotations

from exchange.adapters.luova import (
    generate_bilateral,
    generate_certificates,
    generate_payments,
    generate_pension,
    generate_population,
    generate_tax,
    generate_unemployment,
)
from exchange.schemas.generated import Generated, Generator

#: Message type -> generator. The same source of chance, day and serial number give the same bytes.
GENERATORS: dict[str, Generator] = {
    **generate_bilateral.GENERATORS,
    **generate_certificates.GENERATORS,
    **generate_payments.GENERATORS,
    **generate_pension.GENERATORS,
    **generate_population.GENERATORS,
    **generate_tax.GENERATORS,
    **generate_unemployment.GENERATORS,
}


def headers_of(message_type: str, generated: Generated) -> dict[str, str]:
    """The headers of a generated message as Luova wants them, without key and receiver."""
    return {
        "Content-Type": generated.content_type,
        "X-Message-Type": message_type,
        "X-Message-Id": generated.message_id,
        **generated.headers,
    }
