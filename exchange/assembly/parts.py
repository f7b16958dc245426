"""The parts of an exchange from its settings: ledger, catalogue, directory, how deliveries
are made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from exchange import discovery
from exchange.clocks import WallClock
from exchange.errors import SettingsError
from exchange.journey.check import Checking
from exchange.journey.deliver.queues import Bounds
from exchange.journey.deliver.receivers import Probing
from exchange.journey.deliver.retry import RetryPolicy
from exchange.journey.validate import Judge
from exchange.journey.waiting import WaitingLimits
from exchange.ports import Channel, Clock
from exchange.ports.message import Strictness
from exchange.schemas import official
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import DEFAULT_PATH, Directory
from exchange.schemas.directory import load as load_directory
from exchange.settings import Section, Settings, load
from exchange.storage.sqlite import SqliteLedger


def ledger_path(settings: Settings, url: str | None = None) -> Path:
    """The ledger's file, by the settings or the address given.

    Raises:
        SettingsError: when the address names another kind of ledger.
    """
    address = url or settings.storage.url
    scheme, separator, rest = address.partition("sqlite:///")
    if scheme or not separator or not rest:
        raise SettingsError(f"storage.url: {address!r} is not sqlite:///PATH")
    return Path(rest)


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


def warm_up(catalogue: Catalogue, channels: Iterable[Channel]) -> None:
    """Compile the schemas of every message type that one of these channels carries."""
    families = {family for channel in channels for family in channel.families}
    for message_type in catalogue:
        if message_type.folder.name in families:
            catalogue.schema(message_type.name)


def policy_of(settings: Settings) -> RetryPolicy:
    return RetryPolicy(**_of(settings.deliveries, RetryPolicy), seed=settings.seed)


def bounds_of(settings: Settings) -> Bounds:
    return Bounds(**_of(settings.deliveries, Bounds))


def probing_of(settings: Settings) -> Probing:
    return Probing(**_of(settings.deliveries, Probing))


def waiting_limits_of(settings: Settings) -> WaitingLimits:
    return WaitingLimits(**_of(settings.limits, WaitingLimits))


def _of(
    section: Section, kind: type[RetryPolicy | Bounds | Probing | WaitingLimits]
) -> dict[str, Any]:
    """The settings of a section that a value of that kind has under the same names."""
    return section.model_dump(include={field.name for field in fields(kind)})


def ledger_of(settings: Settings, node: int, owner: str, clock: Clock) -> SqliteLedger:
    storage = settings.storage
    how = (storage.group_max, storage.compression_level, storage.readers_cache_mib, storage.durable)
    return SqliteLedger(ledger_path(settings), *how, node=node, name=owner, clock=clock)


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
