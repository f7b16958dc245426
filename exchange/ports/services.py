"""A service of X-Road that a channel offers: whose it is, its address there and here; serves
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from exchange.schemas.directory import Partner


def everybody(partner: Partner) -> bool:
    """Who has a right to a service that anybody may call."""
    return True


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a subsystem of a member (`GOV/0245437-2`).

    `path` is where the channel serves it: for REST what its endpoints' paths begin with, for SOAP
    the path of the one endpoint that takes an envelope and answers one. `wsdl` makes the
    description of a SOAP service. `may` tells which partners have a right to it.
    """

    member: str
    subsystem: str
    code: str
    kind: Literal["REST", "SOAP"]
    path: str
    version: str = ""
    wsdl: Callable[[], bytes] | None = None
    may: Callable[[Partner], bool] = everybody
