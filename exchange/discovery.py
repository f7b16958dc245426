"""Finding the channels in `adapters/`; a channel with folders of families finds these itself."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from exchange import adapters
from exchange.errors import DiscoveryError
from exchange.ports import Channel


def adapter_folders() -> list[str]:
    """The names of the folders in `adapters/`, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(adapters.__path__) if module.ispkg)


@lru_cache(maxsize=2)
def channels(recognition: bool = True) -> dict[str, Channel]:
    """Every channel by name, with its recognition of what it has judged before or without.

    Raises:
        DiscoveryError: when a folder has no `channel.CHANNEL`, or two channels share a name.
    """
    found: dict[str, Channel] = {}
    for folder in adapter_folders():
        channel = getattr(part(folder, "channel"), "CHANNEL", None)
        if not isinstance(channel, Channel):
            raise DiscoveryError(
                f"adapters/{folder}/channel.py declares no CHANNEL; end it with "
                "`CHANNEL = Channel(...)`"
            )
        if channel.name in found:
            raise DiscoveryError(
                f"two channels are named {channel.name}; give adapters/{folder} another"
            )
        without = channel.without_recognition
        found[channel.name] = channel if recognition or without is None else without()
    return found


def stubs() -> list[Any]:
    """The stubs (`partners.stub.Stub`) of all channels."""
    return [part(folder, "partner").STUB for folder in adapter_folders()]


def generators() -> dict[str, Any]:
    """Every generator (`schemas.generated.Generator`) by message type."""
    found: dict[str, Any] = {}
    for folder in adapter_folders():
        found.update(part(folder, "generate").GENERATORS)
    return found


def samples() -> dict[str, Path]:
    """A valid sample of each message type that has one: the first by name."""
    found: dict[str, Path] = {}
    for root in map(Path, adapters.__path__):
        for path in sorted(root.glob("**/samples/valid/*")):
            found.setdefault(path.name.partition("--")[0], path)
    return found


def part(folder: str, name: str) -> ModuleType:
    """A module of an adapter.

    Raises:
        DiscoveryError: when the folder lacks it, or a file that it reads says what it can't.
    """
    try:
        return importlib.import_module(f"exchange.adapters.{folder}.{name}")
    except ModuleNotFoundError as error:
        if error.name == f"exchange.adapters.{folder}.{name}":
            raise DiscoveryError(
                f"adapters/{folder}/{name}.py is missing; `exchange new-channel` writes one to begin "
                "with"
            ) from error
        raise
    except ValueError as error:
        raise DiscoveryError(f"adapters/{folder}: {error}") from error
