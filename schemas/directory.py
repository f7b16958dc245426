"""The partner directory: every organisation at either end of a flow, read from `directory.toml`; no
keys but synthetic ones, no rights.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

#: The directory that the product carries.
DEFAULT_PATH = Path(__file__).with_name("directory.toml")

SECTORS = (
    "kela",
    "municipality",
    "wellbeing-county",
    "helsinki",
    "unemployment-fund",
    "pension-institution",
    "population-register",
    "income-register",
    "pension-register",
    "tax",
    "bank",
    "healthcare",
    "employer",
    "eessi",
    "foreign-institution",
    "other-authority",
)


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation (or one of Kela's own systems).

    `id` is ours (`kela.benefits`, `county.pirkanmaa`); `country` is ISO 3166-1 alpha-2;
    `business_id` is synthetic but valid; `eessi_id` is `CC:code` for institutions in EESSI; `key`
    is its API key; `delivery` is how it takes what is sent to it; `url` is its base address when it
    differs from the stubs' (empty: the stubs' address + `/` + id); `serves` names what it is asked
    for (`benefit-register`, ...), `demands` what is demanded of what it sends (`signature`).
    """

    id: str
    name: str
    sector: str
    country: str = "FI"
    business_id: str = ""
    eessi_id: str = ""
    key: str = ""
    delivery: str = "push"
    url: str = ""
    serves: tuple[str, ...] = field(default=())
    demands: tuple[str, ...] = field(default=())


class Directory:
    """Partners by id, by key, by sector and by EESSI id; immutable."""

    def __init__(self, partners: Iterable[Partner]) -> None:
        self._by_id: Mapping[str, Partner] = MappingProxyType(
            {partner.id: partner for partner in partners}
        )
        self._by_key = {partner.key: partner for partner in self._by_id.values() if partner.key}
        self._by_eessi_id = {
            partner.eessi_id: partner for partner in self._by_id.values() if partner.eessi_id
        }
        self._by_business_id = {
            partner.business_id: partner for partner in self._by_id.values() if partner.business_id
        }
        self._by_service = {
            service: partner for partner in self._by_id.values() for service in partner.serves
        }

    def __iter__(self) -> Iterator[Partner]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, partner_id: str) -> Partner | None:
        """The partner with that id."""
        return self._by_id.get(partner_id)

    def by_key(self, key: str) -> Partner | None:
        """The partner that holds that API key."""
        return self._by_key.get(key)

    def by_eessi_id(self, eessi_id: str) -> Partner | None:
        """The institution with that EESSI id (`FI:0100222222`)."""
        return self._by_eessi_id.get(eessi_id)

    def by_business_id(self, business_id: str) -> Partner | None:
        """The partner with that business id (`1234567-1`)."""
        return self._by_business_id.get(business_id)

    def serving(self, service: str) -> Partner | None:
        """The partner that serves what is asked for (`benefit-register`)."""
        return self._by_service.get(service)

    def in_sector(self, *sectors: str) -> list[Partner]:
        """The partners of these sectors, in the order of the file."""
        return [partner for partner in self._by_id.values() if partner.sector in sectors]


def load(path: Path = DEFAULT_PATH) -> Directory:
    """Read a directory file.

    Raises:
        ValueError: when an id, a key or an EESSI id stands twice, or a sector is unknown.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["partner"]
    partners = [
        Partner(**{**entry, **{name: tuple(entry.get(name, ())) for name in ("serves", "demands")}})
        for entry in entries
    ]
    for name in ("id", "key", "eessi_id"):
        values = [value for partner in partners if (value := getattr(partner, name))]
        if twice := {value for value in values if values.count(value) > 1}:
            raise ValueError(f"{path.name}: {name} stands twice: {', '.join(sorted(twice))}")
    if unknown := {partner.sector for partner in partners} - set(SECTORS):
        raise ValueError(f"{path.name}: unknown sector: {', '.join(sorted(unknown))}")
    return Directory(partners)
