"""All settings, one frozen tree: `exchange.toml`, then `EXCHANGE_*` variables
(`EXCHANGE_LIMITS__BODY_BYTES_MAX`); no defaults elsewhere.

Every limit of the exchange (design: "Bounded") is a field here, with its unit at the end of its
name.
"""

from __future__ import annotations

import os

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from exchange.errors import SettingsError
from exchange.settings.judging import Recognition, Rules, Schemas
from exchange.settings.limits import Deliveries, Limits
from exchange.settings.parties import Files, Identity, Operators, Partners, Server
from exchange.settings.storage import Retention, Storage


class Settings(BaseSettings):
    """The whole tree. Unknown names are refused, in the file and among `EXCHANGE_*` variables."""

    model_config = SettingsConfigDict(
        env_prefix="EXCHANGE_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        toml_file="exchange.toml",
    )

    server: Server = Field(default_factory=Server, description="Where the exchange listens.")
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
    identity: Identity = Field(
        default_factory=Identity, description="The guard against real persons."
    )
    schemas: Schemas = Field(
        default_factory=Schemas, description="Whose schema files messages are judged by."
    )
    rules: Rules = Field(default_factory=Rules, description="How strict the rules of channels are.")
    recognition: Recognition = Field(
        default_factory=Recognition,
        description="What a channel recognises instead of judging it again.",
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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


#: Variables with our prefix that are not settings of the service.
NOT_SETTINGS = {"EXCHANGE_REFERENCE", "EXCHANGE_OPERATOR_KEY"}


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
        lines = [
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()
        ]
        raise SettingsError("; ".join(lines)) from error
