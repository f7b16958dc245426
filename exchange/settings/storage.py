"""Where the ledger and simulated years are, and what is forgotten when."""

from __future__ import annotations

from pydantic import Field

from exchange.settings.section import Section


class Storage(Section):
    """Where the ledger is."""

    url: str = Field(
        "sqlite:///data/exchange.db",
        description="The ledger: sqlite:///PATH or postgresql://USER@HOST/DATABASE.",
    )
    group_max: int = Field(
        512, ge=1, le=4096, description="Most changes committed in one transaction."
    )
    compression_level: int = Field(1, ge=1, le=19, description="zstandard level of stored bodies.")
    durable: bool = Field(
        True,
        description="Commits wait for the disk. False (synchronous=OFF, synchronous_commit=off) only for what can be done "
        "again, as a simulated day can: "
        "nothing is lost when the process dies, but the ledger may be damaged when the machine "
        "does.",
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
        description="Age at which counters by the minute are folded into hours and days, which "
        "are kept.",
    )
    every_seconds: float = Field(300.0, gt=0, description="How often retention runs.")
    rows_max: int = Field(
        5000, ge=1, description="Messages dropped in one transaction, so that nobody waits long."
    )


class Simulations(Section):
    """Where simulated years are."""

    folder: str = Field(
        "simulations",
        description="The folder in which `exchange simulate` makes one for each run unless it is "
        "given another, and whose runs /statistics/runs shows.",
    )
