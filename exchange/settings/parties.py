"""Where the exchange listens, who its partners and operators are, and what they may do."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from exchange.settings.section import HttpAddress, Section


class Role(StrEnum):
    """What a node of an exchange on a server does: `gateway` takes calls, and makes those that
    somebody waits for; `deliverer` makes all other deliveries; `keeper` does what is done once for
    all nodes; `all` does everything.
    """

    ALL = "all"
    GATEWAY = "gateway"
    DELIVERER = "deliverer"
    KEEPER = "keeper"

    @property
    def takes_calls(self) -> bool:
        """Whether partners call it."""
        return self in (Role.ALL, Role.GATEWAY)

    @property
    def delivers(self) -> bool:
        """Whether it makes deliveries that nobody waits for."""
        return self in (Role.ALL, Role.DELIVERER)

    @property
    def keeps(self) -> bool:
        """Whether it is the keeper when nobody else is."""
        return self in (Role.ALL, Role.KEEPER)


class Server(Section):
    """Where the exchange listens."""

    host: str = Field(
        "127.0.0.1", description="Address to bind; loopback unless you say otherwise."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to bind; 0 picks a free one.")
    workers: int = Field(
        1, ge=1, le=64, description="Processes that share the port and the ledger."
    )
    role: Role = Field(
        Role.ALL,
        description="What this exchange does where several share a ledger on a server: all, "
        "gateway, deliverer or keeper.",
    )
    grace_seconds: float = Field(
        5.0,
        ge=0,
        le=60,
        description="Longest time that calls which are being served may take to end at a stop.",
    )
    silent_seconds_max: float = Field(
        30.0,
        ge=1,
        description="Longest time that a worker may show no sign of life, with several workers; "
        "then it is ended and started again.",
    )


class Partners(Section):
    """Who the partners are and where they answer."""

    directory: Path | None = Field(
        None, description="Another partner directory than the one that the product carries."
    )
    more: tuple[Path, ...] = Field(
        (), description="Further files of partners, added to the directory: your own, say."
    )
    address: HttpAddress = Field(
        "http://127.0.0.1:8081",
        min_length=1,
        description="Base address of the stubs: a partner answers at this + / + its id.",
    )
    control_key: str = Field(
        "",
        description="The key by which the exchange changes what the stubs answer; both read it. "
        "Without one the stubs take that from this machine alone.",
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
    reset: bool = Field(
        False,
        description="An admin may empty the ledger (POST /api/v1/reset): for an exchange that tests "
        "share. With one worker and a ledger in a file.",
    )
    session_seconds: int = Field(
        28_800, ge=60, description="How long a sign-in at the page lasts at most, in seconds."
    )
    failed_keys_max: int = Field(
        10,
        ge=1,
        description="Wrong keys of an address in `failed_keys_seconds` before further ones get "
        "429.",
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
        description="Folder that is watched: <channel>/<partner>/in, out and feedback; without it "
        "no files are exchanged.",
    )


class Identity(Section):
    """The guard against real persons."""

    allow_real_persons: bool = Field(
        False,
        description="Turns the guard off. Only for a closed system of your own; never for a "
        "demonstration.",
    )
    allow_real_persons_beyond_loopback: bool = Field(
        False, description="Serves beyond loopback though the guard is turned off."
    )
