"""The description of VTJkysely as X-Road hands it out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from exchange.adapters.population_register.person_query.endpoint import NAMESPACE
from exchange.schemas import population_register
from exchange.schemas.x_road.wsdl import description

_SCHEMA = Path(population_register.__file__).with_name("person_query.xsd")


@cache
def wsdl() -> bytes:
    """The WSDL with its one operation."""
    return description(NAMESPACE, "HenkilonTunnusKysely", "v1", _SCHEMA.read_text(encoding="utf-8"))
