"""All settings, one frozen tree: `exchange.toml`, then `EXCHANGE_*` variables
(`EXCHANGE_LIMITS__BODY_BYTES_MAX`); no defaults elsewhere.

Every limit of the exchange (design: "Bounded") is a field here, with its unit at the end of its
name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from exchange.errors import SettingsError


class Section(BaseModel):
    """A part of the settings: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(Section):
    """Where the exchange listens."""

    host: str = Field(
        "127.0.0.1", description="Address to bind; loopback unless you say otherwise."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to bind; 0 picks a free one.")
    workers: int = Field(
        1, ge=1, le=64, description="Processes that share the port and the ledger."
    )


class Partners(Section):
    """Who the partners are and where they answer."""

    directory: Path | None = Field(
        None, description="Another partner directory than the one that the product carries."
    )
    address: str = Field(
        "http://127.0.0.1:8081",
        description="Base address of the stubs: a partner answers at this + / + its id.",
    )
    stubs_directory: Path | None = Field(
        None,
        description="The directory that the stubs and `exchange send` play partners by, with "
        "readable keys; `directory` when left out.",
    )
    allow_shipped_keys: bool = Field(
        False,
        description="Serves beyond loopback though the directory holds keys that the product "
        "ships, which everybody knows.",
    )

    @property
    def played(self) -> Path | None:
        """The directory that partners are played by."""
        return self.stubs_directory or self.directory


class Operators(Section):
    """Who may look at the exchange and change it: the pages at / and the API under /api/v1."""

    open: bool = Field(
        True,
        description="On loopback nobody needs a key. Set it to false when a proxy on this machine "
        "leads others here. Beyond loopback, and for requests that say that they were "
        "forwarded, a key is always demanded.",
    )
    hosts: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "::1"),
        description="Host names and addresses by which the pages and the API may be called, "
        "without a port; another Host is refused.",
    )
    session_seconds: int = Field(
        28_800, ge=60, description="How long a sign-in at the page lasts at most, in seconds."
    )
    failed_keys_max: int = Field(
        10,
        ge=1,
        description="Wrong keys of an address in `failed_keys_seconds` before further ones get 429.",
    )
    failed_keys_seconds: int = Field(
        60, ge=1, description="Time after which wrong keys of an address are forgotten, in seconds."
    )
    failed_addresses_max: int = Field(
        4096, ge=1, description="Addresses whose wrong keys a worker remembers."
    )
    watcher_sha256: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        description="SHA-256 of one more viewer's key, for the program that starts the exchange "
        "and watches it: `exchange run` gives one.",
    )


class Files(Section):
    """Files that partners leave and fetch, on channels that have them."""

    directory: Path | None = Field(
        None,
        description="Folder that is watched: <channel>/<partner>/in, out and feedback; without it no files are exchanged.",
    )


class Limits(Section):
    """What the exchange takes at most; more is answered with a clear error and never kept in
    memory.
    """

    body_bytes_max: int = Field(
        52_428_800,
        ge=1024,
        description="Largest body of a call, in bytes (the register's upload takes 50 MB).",
    )
    loop_bytes_max: int = Field(
        200_000,
        ge=0,
        description="Largest body that is judged on the event loop, in bytes; a larger one is judged on a thread beside it.",
    )
    depth_max: int = Field(64, ge=8, le=250, description="Deepest nesting of a document.")
    violations_max: int = Field(
        200,
        ge=1,
        description="Violations reported of one message; further ones are only said to exist.",
    )
    batch_messages_max: int = Field(1000, ge=1, description="Messages in one batch.")
    in_flight_max: int = Field(
        1024, ge=1, description="Calls served at once by a worker; more get 503 with Retry-After."
    )
    in_flight_partner_max: int = Field(
        512,
        ge=1,
        description="Calls of one partner served at once by a worker; more get 429 with Retry-After.",
    )
    waiting_max: int = Field(
        20_000_000,
        ge=1,
        description="Waiting deliveries; with more, calls get 503 with Retry-After.",
    )
    read_seconds: float = Field(30.0, gt=0, description="Longest time to read a body.")
    idle_seconds: float = Field(
        75.0, gt=0, description="Longest time that a connection at a door may be idle."
    )
    plain_body_bytes_max: int = Field(
        262_144,
        ge=0,
        description="Largest body that is read before its sender's key is looked at, in bytes; a larger one is aiohttp's.",
    )
    clock_skew_seconds: int = Field(
        86_400, ge=1, description="Furthest that a sender's time may lie from ours."
    )


class Deliveries(Section):
    """How deliveries are made."""

    attempts_max: int = Field(
        12, ge=1, description="Attempts before a delivery goes to the dead letters."
    )
    first_backoff_seconds: float = Field(
        1.0, gt=0, description="Wait after the first failed attempt; doubles with each."
    )
    backoff_seconds_max: float = Field(
        3600.0, gt=0, description="Longest wait between two attempts."
    )
    deadline_seconds: float = Field(
        259_200.0, gt=0, description="Age at which a delivery goes to the dead letters."
    )
    timeout_seconds: float = Field(10.0, gt=0, description="Longest wait for a partner's response.")
    ask_seconds: float = Field(
        10.0, gt=0, description="Longest wait for a synchronous answer, commit included."
    )
    answer_bytes_max: int = Field(
        8_388_608, ge=1024, description="Largest response read from a partner, in bytes."
    )
    concurrent_max: int = Field(64, ge=1, description="Deliveries made at once by a worker.")
    concurrent_receiver_max: int = Field(
        16, ge=1, description="Deliveries made at once to one receiver by a worker."
    )
    ready_max: int = Field(
        4096,
        ge=1,
        description="Deliveries held in memory by a worker; the others wait in the ledger only.",
    )
    ready_bytes_max: int = Field(
        33_554_432, ge=1, description="Bytes of bodies held in memory by a worker for deliveries."
    )
    poll_seconds: float = Field(
        1.0, gt=0, description="How often the ledger is asked for deliveries that have come due."
    )
    lease_seconds_max: float = Field(
        3600.0, gt=0, description="Longest lease of a mailbox delivery."
    )
    lease_messages_max: int = Field(500, ge=1, description="Most deliveries in one lease.")


class Storage(Section):
    """Where the ledger is."""

    url: str = Field("sqlite:///data/exchange.db", description="The ledger: sqlite:///PATH.")
    group_max: int = Field(
        512, ge=1, le=4096, description="Most changes committed in one transaction."
    )
    compression_level: int = Field(1, ge=1, le=19, description="zstandard level of stored bodies.")
    durable: bool = Field(
        True,
        description="Commits wait for the disk. False (synchronous=OFF) only for what can be done again, as a simulated day can: "
        "nothing is lost when the process dies, but the ledger may be damaged when the machine does.",
    )
    readers_cache_mib: int = Field(
        16, ge=1, description="Page cache of a database connection, in MiB."
    )


class Retention(Section):
    """What is forgotten, and when. Counts never are."""

    body_seconds: int = Field(
        7 * 86_400, ge=60, description="Age at which bodies of settled messages are dropped."
    )
    message_seconds: int = Field(
        400 * 86_400,
        ge=60,
        description="Age at which settled messages, deliveries and events are dropped.",
    )
    minute_seconds: int = Field(
        35 * 86_400,
        ge=3600,
        description="Age at which counters by the minute are folded into hours and days, which are kept.",
    )
    every_seconds: float = Field(300.0, gt=0, description="How often retention runs.")
    rows_max: int = Field(
        5000, ge=1, description="Messages dropped in one transaction, so that nobody waits long."
    )


class Identity(Section):
    """The guard against real persons."""

    allow_real_persons: bool = Field(
        False,
        description="Turns the guard off. Only for a closed system of your own; never for a demonstration.",
    )
    allow_real_persons_beyond_loopback: bool = Field(
        False, description="Serves beyond loopback though the guard is turned off."
    )


_OFFICIAL = "official_"


class Schemas(Section):
    """Whose schema files messages are judged by. `official_<family> = FOLDER` is the same as
    `official = {<family> = FOLDER}`.
    """

    official: dict[str, Path] = Field(
        default_factory=dict,
        description="Folders with publishers' own schema packages, by family; a family without one is judged by the product's.",
    )

    @model_validator(mode="before")
    @classmethod
    def _gather_official(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        named = {
            key.removeprefix(_OFFICIAL): value
            for key, value in given.items()
            if key.startswith(_OFFICIAL)
        }
        rest = {key: value for key, value in given.items() if not key.startswith(_OFFICIAL)}
        return {**rest, "official": {**rest.get("official", {}), **named}} if named else given


class Recognition(Section):
    """What a channel recognises instead of judging it again. Verdicts are the same either way."""

    enabled: bool = Field(
        True,
        description="Channels recognise what they have judged before (most reports of a payer are written alike). False judges every message in full: verdicts are the same, large deliveries cost several times as much.",
    )


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
