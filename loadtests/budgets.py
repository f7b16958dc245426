"""Budgets read from `budgets.toml`: what a run must keep; the judging lives in `outcome`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_PATH = Path(__file__).with_name("budgets.toml")


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of a channel, in milliseconds."""

    p50_max: float
    p99_max: float


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run must keep; see `budgets.toml`. `channels` holds those with figures of their own."""

    failures_share_max: float
    made_share_min: float
    late_p99_max: float
    latency: Latency
    channels: Mapping[str, Latency] = field(default_factory=dict)

    def of(self, channel: str) -> Latency:
        """The percentiles that a channel must keep."""
        return self.channels.get(channel, self.latency)


def load(name: str, path: str = "") -> Budget:
    """A budget by its name.

    Raises:
        ValueError: when there is none of that name, or it lacks a figure.
    """
    table = tomllib.loads((Path(path) if path else DEFAULT_PATH).read_text(encoding="utf-8"))
    if name not in table:
        raise ValueError(f"no budget {name!r}: {', '.join(table)}")
    entry = dict(table[name])
    own = entry.pop("channel", {})
    general = {key: entry.pop(key, None) for key in ("p50_max", "p99_max")}
    try:
        channels = {channel: Latency(**{**general, **figures}) for channel, figures in own.items()}
        return Budget(latency=Latency(**general), channels=channels, **entry)
    except TypeError as error:
        raise ValueError(f"budget {name!r}: {error}") from error
