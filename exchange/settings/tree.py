"""All settings, one frozen tree: `exchange.toml`, then `EXCHANGE_*` variables
(`EXCHANGE_LIMITS__BODY_BYTES_MAX`); no defaults elsewhere.

Every limit of the exchange (design: "Bounded") is a field here, with its unit at the end of its
name.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as NoJson

from exchange.errors import SettingsError
from exchange.schemas import toml
from exchange.settings.judging import Processing, Recognition, Rules, Schemas
from exchange.settings.limits import Deliveries, Limits
from exchange.settings.listeners import Listener
from exchange.settings.parties import Files, Identity, Operators, Partners, Server
from exchange.settings.section import Section
from exchange.settings.storage import Retention, Simulations, Storage
from exchange.settings.telemetry import Telemetry
from exchange.settings.x_road import XRoad

#: In the folder where the exchange is started; there need not be one.
FILE = Path("exchange.toml")


class Settings(BaseSettings):
    """The whole tree. Unknown names are refused, in the file and among `EXCHANGE_*` variables."""

    model_config = SettingsConfigDict(
        env_prefix="EXCHANGE_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
    )

    server: Server = Field(default_factory=Server, description="Where the exchange listens.")
    listeners: tuple[Listener, ...] = Field(
        (),
        description="Addresses at which channels are served over TLS, to clients with certificates.",
    )
    partners: Partners = Field(
        default_factory=Partners, description="Who the partners are and where they answer."
    )
    operators: Operators = Field(
        default_factory=Operators,
        description="Who may look at the exchange and change it: the pages at / and the API.",
    )
    files: Files = Field(default_factory=Files, description="Files that partners leave and fetch.")
    limits: Limits = Field(default_factory=Limits, description="What the exchange takes at most.")
    deliveries: Deliveries = Field(
        default_factory=Deliveries, description="How deliveries are made."
    )
    storage: Storage = Field(default_factory=Storage, description="Where the ledger is.")
    retention: Retention = Field(
        default_factory=Retention, description="What is forgotten, and when."
    )
    simulations: Simulations = Field(
        default_factory=Simulations, description="Where simulated years are."
    )
    identity: Identity = Field(
        default_factory=Identity, description="The guard against real persons."
    )
    schemas: Schemas = Field(
        default_factory=Schemas, description="Whose schema files messages are judged by."
    )
    rules: Rules = Field(default_factory=Rules, description="How strict the rules of channels are.")
    processing: Processing = Field(
        default_factory=Processing,
        description="When the outcome of what is processed later is told.",
    )
    recognition: Recognition = Field(
        default_factory=Recognition,
        description="What a channel recognises instead of judging it again.",
    )
    x_road: XRoad = Field(
        default_factory=XRoad, description="How the exchange stands in for X-Road."
    )
    telemetry: Telemetry = Field(
        default_factory=Telemetry, description="Where spans of traced calls are sent."
    )
    seed: int = Field(1, ge=0, description="The seed of everything that looks like chance.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before variables before the file."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, _of_file())


def _of_file() -> dict[str, Any]:
    """What the file says.

    Raises:
        SettingsError: when there is one that can't be read.
    """
    if not os.path.lexists(FILE):
        return {}
    try:
        return toml.parse(FILE.read_bytes())
    except OSError as error:
        raise SettingsError(f"{FILE}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{FILE}: {error}") from error


#: Variables with our prefix that are not settings of the service.
NOT_SETTINGS = {
    *("EXCHANGE_REFERENCE", "EXCHANGE_OPERATOR_KEY"),
    *("EXCHANGE_PARTNER_KEY", "EXCHANGE_CALLBACK_SECRET"),
}


def load(**given: object) -> Settings:
    """The settings in force.

    Raises:
        SettingsError: naming each unknown or wrong setting.
    """
    sections = {name.upper() for name in Settings.model_fields}
    for variable in os.environ:
        if variable.upper().startswith("EXCHANGE_") and variable.upper() not in NOT_SETTINGS:
            name = variable.upper().removeprefix("EXCHANGE_").partition("__")[0]
            if name not in sections:
                raise SettingsError(f"unknown setting in the environment: {variable}")
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError("; ".join(map(_told, error.errors()))) from error
    except NoJson as error:
        raise SettingsError(_no_json(str(error))) from error


def _no_json(told: str) -> str:
    """Which variables may be meant where one of a section can't be read; pydantic-settings names
    the section alone.
    """
    section = re.search(r'field "(\w+)"', told)
    prefix = f"EXCHANGE_{section[1].upper()}" if section else "EXCHANGE_"
    given = [name for name, text in os.environ.items() if not _is_json(text)]
    meant = [name for name in given if name.upper().partition("__")[0] == prefix] or [prefix]
    return f'{" or ".join(meant)}: lists are written as JSON, as in ["mine.toml"]'


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _told(error: ErrorDetails) -> str:
    """A wrong setting in words; an unknown one with the nearest name there is."""
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{name}: {error['msg'][:1].lower()}{error['msg'][1:]}"
    near = difflib.get_close_matches(name, list(_names(Settings)), n=1)
    return f"{name}: no such setting" + (f" (nearest: {near[0]})" if near else "")


def _names(tree: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, field in tree.model_fields.items():
        part = field.annotation
        if isinstance(part, type) and issubclass(part, Section):
            yield from _names(part, f"{before}{name}.")
        else:
            yield before + name
