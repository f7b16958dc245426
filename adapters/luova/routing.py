"""Who may send a type and who gets it: the table that the families' `family.toml` make together,
and the choice of receivers; no rules on content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.adapters.luova import discovery
from exchange.errors import Unroutable
from exchange.ports.channel import Permitted
from exchange.ports.message import Destination, Identity, Parsed, Verdict
from exchange.schemas.catalogue import Catalogue, MessageType
from exchange.schemas.directory import Directory, Partner

CATALOGUE = Catalogue.load()
ROUTES = discovery.routes()
#: The message types of the table, as the catalogue has them.
TYPES: dict[str, MessageType] = {
    name: found for name in ROUTES if (found := CATALOGUE.get(name)) is not None
}
if strange := sorted(
    {*ROUTES, *(each.answers for each in ROUTES.values() if each.answers)} - set(TYPES)
):
    raise ValueError(
        f"{discovery.FILE_NAME}: not in the catalogue: {', '.join(strange)}; a route names types "
        "of "
        "schemas/<family>/message_types.toml"
    )


def route(
    parsed: Parsed, identity: Identity, verdict: Verdict, directory: Directory
) -> Sequence[Destination]:
    """One destination for each receiver, pushed or put in its mailbox as the directory says.

    Raises:
        Unroutable: `receiver-missing`, `receiver-unknown` or `receiver-not-allowed`.
    """
    table = ROUTES[parsed.message_type]
    destinations = []
    for name in identity.receivers or ((table.default,) if table.default else ()):
        receiver = directory.get(name)
        if receiver is None:
            raise Unroutable("receiver-unknown", "header X-Receiver: no such partner")
        if receiver.sector not in table.receivers or receiver.id == parsed.inbound.partner.id:
            raise Unroutable(
                "receiver-not-allowed",
                f"{receiver.id} does not receive {parsed.message_type} from this sender",
            )
        destinations.append(
            Destination(
                receiver.id, "mailbox" if receiver.delivery == "mailbox" else "push", verdict.items
            )
        )
    if not destinations:
        raise Unroutable(
            "receiver-missing",
            f"{parsed.message_type} has no default receiver: name one in header X-Receiver",
        )
    return destinations


def permitted(partner: Partner) -> Permitted:
    """The types that the partner's sector may send, and those that it may be named as a receiver
    of.
    """
    return Permitted(
        tuple(name for name, table in ROUTES.items() if partner.sector in table.senders),
        tuple(name for name, table in ROUTES.items() if partner.sector in table.receivers),
        mailbox=True,
    )


def receiver_of(message_type: str, detail: Mapping[str, Any]) -> str:
    """The receiver of an accepted message, as its receipt says: the one that it named, else the
    default of its type.
    """
    named = detail.get("receiver")
    if named is not None:
        return str(named)
    table = ROUTES.get(message_type)
    return table.default if table else ""
