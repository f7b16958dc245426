"""The description of VTJkysely as X-Road hands it out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from exchange.adapters.population_register.person_query.endpoint import NAMESPACE
from exchange.schemas import population_register
from exchange.schemas.x_road.wsdl import description

_FOLDER = Path(population_register.__file__).parent
_SCHEMAS = ("person_message.xsd", "person_query.xsd")


@cache
def wsdl() -> bytes:
    """The WSDL with its one operation."""
    schemas = [(_FOLDER / name).read_text(encoding="utf-8") for name in _SCHEMAS]
    return description(NAMESPACE, "HenkilonTunnusKysely", schemas)
