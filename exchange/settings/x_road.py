"""How the exchange stands in for X-Road's security servers."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from exchange.settings.section import HttpAddress, Section

#: By which name listeners serve it, and under which calls and refusals are counted.
X_ROAD = "x-road"


class XRoad(Section):
    """The security servers that the exchange plays: of every client, and of each service."""

    instance: str = Field(
        "FI-TEST", description="The instance of X-Road, the first part of every identifier."
    )
    server: str = Field(
        "GOV/0245437-2/palvelin-1",
        description="The services' security server: class and code of its owner, its own code.",
    )
    side: Literal["both", "client", "provider"] = Field(
        "both",
        description="Which security server of a call the exchange is: both, the client's alone "
        "(calls go on to provider_address), or the provider's alone (every call comes from a "
        "client's server).",
    )
    provider_address: HttpAddress = Field(
        "",
        description="The exchange that is the provider's security server, where this one is the "
        "client's alone: http://127.0.0.1:8081.",
    )
    fault_codes: Literal["7.8", "before"] = Field(
        "7.8", description="How codes of errors are spelt: as since X-Road 7.8, or as before."
    )
    rest_errors: Literal["server", "specification"] = Field(
        "server",
        description="What a REST call without a client or a service gets: 500 as from the server, "
        "or 400 Client.BadRequest as pr-rest 4.6 says.",
    )
    wsdl_address: bool = Field(
        False, description="Serves GET /x-road/wsdl, which X-Road itself gave up in 2020."
    )
    clients: dict[str, str] = Field(
        default_factory=dict,
        description="Further clients by identifier (FI-TEST/MUN/1234567-1/test), each with the id "
        "of the partner that it is. Partners are registered by themselves: class, business id, "
        "partner's id.",
    )
    clients_without_key: tuple[str, ...] = Field(
        (),
        description="Clients that may call without the partner's key: for a closed network alone.",
    )
    denied: tuple[str, ...] = Field(
        (),
        description="Clients whose right to a service is taken away: identifier, a space, "
        "subsystem/service.",
    )
    disabled: dict[str, str] = Field(
        default_factory=dict,
        description="Services that are disabled (subsystem/service), each with its notice.",
    )
    records_max: int = Field(
        100_000,
        ge=1,
        description="Operational records that are kept in the ledger, mostly two of a call; the "
        "oldest go first.",
    )
    record_seconds: int = Field(
        7 * 86_400,
        ge=60,
        description="Age at which operational records are dropped (a security server's own default "
        "is 7 days: op-monitor, keep-records-for-days).",
    )
    monitoring_client: str = Field(
        "",
        description="The client that sees everybody's operational records, beside the owner of the "
        "server (FI-TEST/GOV/1234567-1/monitoring); empty: none.",
    )
    maintenance: bool = Field(
        False, description="The services' security server is being maintained: nothing is served."
    )

    @model_validator(mode="after")
    def _know_the_other(self) -> Self:
        if (self.side == "client") != bool(self.provider_address):
            raise ValueError('provider_address is wanted with side = "client", and only then')
        return self
