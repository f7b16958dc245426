"""What a part of the settings is: frozen, and strict about names; and what an address in it is."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from exchange.schemas.call import is_http_address


def _called(address: str) -> str:
    if address and not is_http_address(address):
        raise ValueError(f"{address!r:.80} is no address such as http://127.0.0.1:8081")
    return address


#: An address that the exchange calls; empty: none.
HttpAddress = Annotated[str, AfterValidator(_called)]


class Section(BaseModel):
    """A part of the settings: frozen, and strict about names; a number is a finite one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
