"""Kelmu's code lists (benefits, data groups, purposes, kinds of statement and of notice), read from
their files; no models and no rights.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a list. `claimant` and `decisions_2024` (a published count) say something of
    benefits only, `time` when a notice is given.
    """

    id: str
    title: Mapping[str, str]
    claimant: str = ""
    decisions_2024: int = 0
    time: str = ""
    order: int = field(default=0, compare=False)


def _read(entries: list[dict[str, Any]]) -> Mapping[str, Code]:
    codes = {entry["id"]: Code(**entry, order=order) for order, entry in enumerate(entries)}
    if len(codes) != len(entries):
        raise ValueError("an id stands twice in a code list")
    return MappingProxyType(codes)


_LISTS = tomllib.loads((FOLDER / "codes.toml").read_text(encoding="utf-8"))

#: By id, in the order of the published list (Tietotilinpäätös 2024, "Ratkaisut (lkm.)
#: etuuksittain").
BENEFITS = _read(tomllib.loads((FOLDER / "benefits.toml").read_text(encoding="utf-8"))["benefit"])
DATA_GROUPS = _read(_LISTS["data_group"])
PURPOSES = _read(_LISTS["purpose"])
STATEMENTS = _read(_LISTS["statement"])
NOTICE_KINDS = _read(_LISTS["notice_kind"])
