"""The partner directory: every organisation at either end of a flow; no rights.

A directory of one's own keeps the keys' SHA-256 digests. They are made of 256 random bits, so that
nobody finds one by trying and a slow hash would protect nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal

from pydantic import ConfigDict

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
#: Partners that are a municipality: the code of each (Statistics Finland).
MUNICIPALITY_CODES = {
    "helsinki": "091",
    "municipality.espoo": "049",
    "municipality.oulu": "564",
    "municipality.sodankyla": "758",
    "municipality.tampere": "837",
    "municipality.turku": "853",
    "municipality.vaasa": "905",
}
#: How a partner takes what is sent to it, and what it may mean by 409.
DeliveryWay = Literal["push", "mailbox"]
Conflict = Literal["delivered", "refused"]


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation (or one of Kela's own systems).

    `id` is ours (`kela.benefits`, `county.pirkanmaa`); `country` is ISO 3166-1 alpha-2;
    `business_id` is synthetic but valid; `eessi_id` is `CC:code` for institutions in EESSI; `key`
    is its API key where that is kept readable (the shipped test partners', the stubs'),
    `key_sha256` the hexadecimal SHA-256 of its keys, at most two keys in all; `callback_secret`
    signs what is pushed to it; `certificate_sha256` are the hexadecimal SHA-256 of its TLS
    certificates (DER), for partners known by the whole certificate; `delivery` is how it takes what
    is sent to it; `conflict` is what it means by answering a push with 409: `delivered` (it has it
    already) or `refused`; `url` is its base address when it differs from the stubs' (empty: the
    stubs' address + `/` + id); `serves` names what it is asked for (`benefit-register`, ...),
    `demands` what is demanded of what it sends (`signature`). `per_second` is how many calls with
    messages it may make a second, over all channels (a batch is one call; 0: no limit of its own),
    `body_bytes_max` the largest body that is taken of it, in bytes, where that is less than
    everybody's (0: the same). `played` is whether a stub plays it, unless it has a `url` of its
    own.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: str
    name: str
    sector: str
    country: str = "FI"
    business_id: str = ""
    eessi_id: str = ""
    key: str = ""
    key_sha256: tuple[str, ...] = field(default=())
    callback_secret: str = ""
    certificate_sha256: tuple[str, ...] = field(default=())
    delivery: DeliveryWay = "push"
    conflict: Conflict = "delivered"
    url: str = ""
    serves: tuple[str, ...] = field(default=())
    demands: tuple[str, ...] = field(default=())
    per_second: float = 0
    body_bytes_max: int = 0
    played: bool = True

    @property
    def is_played(self) -> bool:
        """Whether a stub answers and sends in its name: one with an address plays itself."""
        return self.played and not self.url


class Directory:
    """Partners by id, by key, by sector and by EESSI id. Only `put` and `remove`
    change it: to a directory with other partners, at once for everybody who holds it.
    """

    def __init__(self, partners: Iterable[Partner]) -> None:
        self._take(partners)

    def put(self, partners: Iterable[Partner]) -> None:
        """Add partners, or put them in the place of those with the same ids."""
        self._take({**self._by_id, **{partner.id: partner for partner in partners}}.values())

    def remove(self, partner_id: str) -> None:
        """Know a partner no longer; nothing when there is none."""
        self._take([partner for partner in self if partner.id != partner_id])

    def _take(self, partners: Iterable[Partner]) -> None:
        self._by_id: Mapping[str, Partner] = MappingProxyType(
            {partner.id: partner for partner in partners}
        )
        self._by_digest = {
            digest: partner for partner in self._by_id.values() for digest in digests_of(partner)
        }
        self._by_certificate = {
            sha256: partner
            for partner in self._by_id.values()
            for sha256 in partner.certificate_sha256
        }
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
        """The partner that holds that API key.

        What is looked for is the key's digest, which tells nothing of how much of a key was right
        by the time that the search takes.
        """
        return self._by_digest.get(digest_of(key))

    def by_certificate(self, sha256: str) -> Partner | None:
        """The partner that has the certificate with that SHA-256 (of its DER, in hexadecimal)."""
        return self._by_certificate.get(sha256)

    def by_common_name(self, name: str) -> Partner | None:
        """The partner whose certificates have that common name: its business id or, without one,
        its id. One that is known by whole certificates is known by nothing else.
        """
        partner = self._by_business_id.get(name) or self._by_id.get(name)
        if partner is None or partner.certificate_sha256 or name != common_name_of(partner):
            return None
        return partner

    def digests(self) -> frozenset[bytes]:
        """The SHA-256 digests of every key that opens something."""
        return frozenset(self._by_digest)

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


def common_name_of(partner: Partner) -> str:
    """The common name in the subject of a partner's certificates. The Incomes Register's have the
    business id there.
    """
    return partner.business_id or partner.id


def digest_of(key: str) -> bytes:
    """The SHA-256 digest of a key, 32 bytes."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def digests_of(partner: Partner) -> list[bytes]:
    """The digests of a partner's keys."""
    readable = [digest_of(partner.key)] if partner.key else []
    return readable + [bytes.fromhex(digest) for digest in partner.key_sha256]
