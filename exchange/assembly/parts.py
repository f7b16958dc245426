"""The parts of an exchange from its settings: ledger, catalogue, directory, how deliveries
are made.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from exchange import discovery
from exchange.clocks import WallClock
from exchange.errors import SettingsError
from exchange.journey.check import Checking
from exchange.journey.deliver.attempt import Attempts
from exchange.journey.deliver.circuit_breaker import Probing
from exchange.journey.deliver.leased import LeasedLanes
from exchange.journey.deliver.queues import Bounds
from exchange.journey.deliver.retry import RetryPolicy
from exchange.journey.validate import Judge
from exchange.journey.waiting import WaitingLimits
from exchange.ports import Channel, Clock, Transport
from exchange.ports.lanes import Duties, Nodes
from exchange.ports.message import Strictness
from exchange.schemas import official
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import DEFAULT_PATH, Directory
from exchange.schemas.directory import load as load_directory
from exchange.settings import Role, Section, Settings, load
from exchange.settings.x_road import X_ROAD
from exchange.storage.ledger import SqlLedger
from exchange.storage.nodes.workers import Workers
from exchange.storage.postgresql_server.address import SCHEMES, Server
from exchange.storage.snapshot import Where
from exchange.storage.sqlite import SqliteLedger
from exchange.web.telemetry.tracing import Tracing
from exchange.web.tls.context import ServerContext


def ledger_address(settings: Settings, url: str | None = None) -> Where:
    """Where the ledger is, by the settings or the address given.

    Raises:
        SettingsError: when it is an address of neither kind.
    """
    address = url or settings.storage.url
    scheme, separator, rest = address.partition("://")
    if separator and scheme in SCHEMES and rest:
        server = Server(address)
        try:
            server.check()
        except ValueError as error:
            raise SettingsError(f"storage.url: {error}") from error
        return server
    if scheme != "sqlite" or rest[:1] != "/" or not rest[1:]:
        known = "sqlite:///PATH or postgresql://USER@HOST/DATABASE"
        # (What stands before an @ may be a password.)
        told = repr(address) if "@" not in address else f"`{address.partition(':')[0]}:...`"
        raise SettingsError(f"storage.url: {told} is not {known}")
    # (By one name: the lock, the log and the heads lie beside the file itself.)
    return Path(os.path.realpath(rest[1:]) if os.path.islink(rest[1:]) else rest[1:])


def ledger_path(settings: Settings, url: str | None = None, instead: str = "") -> Path:
    """The ledger's file, for what knows ledgers in files alone.

    Raises:
        SettingsError: when it is on a server; says what to do `instead`.
    """
    where = ledger_address(settings, url)
    if isinstance(where, Server):
        raise SettingsError(
            f"storage.url: {where} is on a server, and this needs a ledger in a file "
            f"(sqlite:///PATH){instead and f'; {instead}'}"
        )
    return where


def checking(
    settings: Settings | None = None,
    clock: Clock | None = None,
    directory: Directory | None = None,
) -> Checking:
    """What judges messages without taking them in."""
    settings = settings or load()
    catalogue = catalogue_of(settings)
    judge, channels = (
        judge_of(settings, catalogue),
        discovery.channels(settings.recognition.enabled),
    )
    return Checking(
        judge=judge,
        catalogue=catalogue,
        channels=channels,
        directory=directory or directory_of(settings),
        clock=clock or WallClock(),
    )


def catalogue_of(settings: Settings) -> Catalogue:
    if not settings.schemas.official:
        return Catalogue.load()
    try:
        return official.load(settings.schemas.official)
    except ValueError as error:
        raise SettingsError(f"schemas.{error}") from error


def directory_of(settings: Settings) -> Directory:
    partners = settings.partners
    return load_directory(partners.directory or DEFAULT_PATH, partners.more)


def played_directory(settings: Settings) -> Directory:
    """The directory that the stubs and `exchange send` play partners by."""
    partners = settings.partners
    return load_directory(partners.played or DEFAULT_PATH, partners.more)


def tracing_of(settings: Settings, worker: int) -> Tracing:
    """What makes spans of a worker's calls, where a collector is named.

    Raises:
        SettingsError: when OpenTelemetry's SDK, an extra of the distribution, is not installed.
    """
    if not settings.telemetry.traces_url:
        return Tracing()
    try:
        from exchange.web.telemetry.spans import SpanTracing
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"telemetry.traces_url: {error.name} is not installed: "
            "pip install 'exchange-simulator[telemetry]'"
        ) from error
    return SpanTracing(settings.telemetry, f"worker-{worker}")


def is_resettable(settings: Settings) -> bool:
    """Whether the exchange may be emptied while it runs: one process alone has its file."""
    is_file = not isinstance(ledger_address(settings), Server)
    return settings.operators.reset and settings.server.workers == 1 and is_file


def check_delivery(directory: Directory, channels: Iterable[Channel]) -> None:
    """Refuse a directory whose partners would fetch what a channel can only push.

    Raises:
        SettingsError: when a partner with `delivery = "mailbox"` is sent something by a channel
            that has no mailbox for it.
    """
    for channel in channels:
        for partner in directory:
            if partner.delivery == "mailbox" and channel.pushes_only_to(partner):
                raise SettingsError(
                    f'partners.directory: {partner.id} has delivery = "mailbox", but the channel '
                    f'{channel.name} has none: write "push", or no delivery at all'
                )


def check_partners(settings: Settings) -> None:
    """Refuse a directory that an exchange with these settings could not serve.

    Raises:
        DirectoryFault: when the directory can't be read.
        SettingsError: as `check_delivery` says.
    """
    channels = discovery.channels(settings.recognition.enabled)
    check_delivery(directory_of(settings), channels.values())


def check_telemetry(settings: Settings) -> None:
    """Refuse a collector that nothing could be sent to, once for all workers.

    Raises:
        SettingsError: as `tracing_of` says.
    """
    tracing_of(settings, worker=0)


def check_listeners(settings: Settings) -> None:
    """Refuse listeners that could not be served.

    Raises:
        SettingsError: when one names a channel that there is not, or its certificate, key or
            trusted clients can't be used.
    """
    known = (*discovery.channels(settings.recognition.enabled), X_ROAD)
    for listener in settings.listeners:
        for name in listener.channels:
            if name not in known:
                raise SettingsError(
                    f"listeners: channels: there is no channel {name!r}, only {', '.join(known)}"
                )
        ServerContext(listener)


def warm_up(catalogue: Catalogue, channels: Iterable[Channel]) -> None:
    """Compile the schemas of every message type that one of these channels carries."""
    families = {family for channel in channels for family in channel.families}
    for message_type in catalogue:
        if message_type.folder.name in families:
            catalogue.schema(message_type.name)


def attempts_of(
    settings: Settings,
    ledger: SqlLedger,
    channels: Mapping[str, Channel],
    transport: Transport,
    directory: Directory,
    clock: Clock,
) -> Attempts:
    """What makes deliveries, as the settings bound it."""
    return Attempts(
        ledger=ledger,
        channels=channels,
        transport=transport,
        directory=directory,
        clock=clock,
        policy=RetryPolicy(**_of(settings.deliveries, RetryPolicy), seed=settings.seed),
        timeout_seconds=settings.deliveries.timeout_seconds,
        allow_real_persons=settings.identity.allow_real_persons,
    )


def bounds_of(settings: Settings) -> Bounds:
    is_server = isinstance(ledger_address(settings), Server)
    return Bounds(**_of(settings.deliveries, Bounds), calls_ahead=is_server)


def probing_of(settings: Settings) -> Probing:
    return Probing(**_of(settings.deliveries, Probing))


def waiting_limits_of(settings: Settings) -> WaitingLimits:
    return WaitingLimits(**_of(settings.limits, WaitingLimits))


def _of(
    section: Section, kind: type[RetryPolicy | Bounds | Probing | WaitingLimits]
) -> dict[str, Any]:
    """The settings of a section that a value of that kind has under the same names."""
    return section.model_dump(include={field.name for field in fields(kind)})


def check_role(settings: Settings) -> None:
    """Refuse a role where there is no other exchange to do the rest.

    Raises:
        SettingsError: when the ledger is in a file.
    """
    role, where = settings.server.role, ledger_address(settings)
    if role is not Role.ALL and not isinstance(where, Server):
        raise SettingsError(
            f"server.role: {role} needs a ledger on a server (postgresql://...), which others "
            "share; one in a file has one exchange, which does all"
        )


def leased_lanes_of(settings: Settings, ledger: SqlLedger) -> LeasedLanes | None:
    """The lanes of a node on a server, by its role; None where the ledger is in a file, whose
    workers have theirs by their numbers.

    Raises:
        SettingsError: see `check_role`.
    """
    check_role(settings)
    if not isinstance(ledger.where, Server):
        return None
    from exchange.storage.postgresql.leases import ServerLeases
    from exchange.storage.postgresql.ledger import PostgresLedger
    from exchange.storage.postgresql.wakes import NotifyWakes

    assert isinstance(ledger, PostgresLedger)
    role = settings.server.role
    duties = Duties(role.delivers, role.keeps)
    return LeasedLanes(ServerLeases(ledger), duties, NotifyWakes(ledger.where, ledger))


def nodes_of(settings: Settings, ledger: SqlLedger) -> Nodes:
    """What tells of the nodes that share the ledger."""
    if isinstance(ledger.where, Server):
        from exchange.storage.nodes.server import ServerNodes

        return ServerNodes(ledger)
    return Workers(ledger, settings.server.workers)


def ledger_of(
    settings: Settings, node: int | None, owner: str, clock: Clock | None = None
) -> SqlLedger:
    """The ledger of the settings, to be written as that node (None, on a server: as any that is
    free); not open.
    """
    storage, where = settings.storage, ledger_address(settings)
    if isinstance(where, Server):
        # (Imported only where it is used: the embedded ledger needs no time for asyncpg.)
        from exchange.storage.postgresql.ledger import PostgresLedger

        return PostgresLedger(
            where,
            storage.group_max,
            storage.compression_level,
            storage.durable,
            node=node,
            name=owner,
            clock=clock,
        )
    how = (storage.group_max, storage.compression_level, storage.readers_cache_mib, storage.durable)
    return SqliteLedger(where, *how, node=node or 0, name=owner, clock=clock)


def judge_of(settings: Settings, catalogue: Catalogue) -> Judge:
    guarded, limits = settings.identity.allow_real_persons, settings.limits
    rules = settings.rules
    return Judge(
        catalogue=catalogue,
        allow_real_persons=guarded,
        violations_max=limits.violations_max,
        limits=limits.documents,
        strictness=Strictness(
            unasked_answers=rules.unasked_answers,
            newer_codes=rules.newer_codes,
            unsigned_deliveries=rules.unsigned_deliveries,
        ),
    )
