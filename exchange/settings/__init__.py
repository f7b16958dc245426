"""All settings of the exchange as one frozen tree; no defaults elsewhere."""

from exchange.settings.judging import Recognition, Schemas
from exchange.settings.limits import Deliveries, Limits
from exchange.settings.listeners import Listener
from exchange.settings.parties import Files, Identity, Operators, Partners, Role, Server
from exchange.settings.section import Section
from exchange.settings.storage import Retention, Storage
from exchange.settings.telemetry import Telemetry
from exchange.settings.tree import Settings, load

__all__ = [
    "Deliveries",
    "Files",
    "Identity",
    "Limits",
    "Listener",
    "Operators",
    "Partners",
    "Recognition",
    "Retention",
    "Role",
    "Schemas",
    "Section",
    "Server",
    "Settings",
    "Storage",
    "Telemetry",
    "load",
]
