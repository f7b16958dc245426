"""What each organisation may see through Kelmu, and how a query is narrowed to it; no violations
and no rendering.
"""

from __future__ import annotations

import calendar
import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from exchange.schemas.directory import Partner
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.instants import finnish_day
from exchange.schemas.kelmu.codes import BENEFITS, DATA_GROUPS, PURPOSES
from exchange.schemas.kelmu.lists import ListId
from exchange.schemas.value import value

PATH = Path(__file__).with_name("rights.toml")
_HOUR_MILLISECONDS = 3_600_000


@dataclass(frozen=True, slots=True)
class Right:
    """One organisation's right: purposes with the acts they may rest on, benefits, data groups, how
    far back in months, lists, and whether it provides social services (is asked by Kela, gets
    notices, sends documents).
    """

    bulk: bool
    months_back: int
    benefits: frozenset[str]
    data_groups: frozenset[str]
    purposes: Mapping[str, frozenset[str]]
    lists: frozenset[str] = frozenset()
    social_services: bool = False


@value
class Narrowed:
    """A query cut down to a right and to codes that are valid. Dates are ISO; `left_out` says what
    of the query was cut away and why.
    """

    persons: tuple[str, ...]
    benefits: tuple[str, ...]
    data_groups: tuple[str, ...]
    first: str
    last: str
    left_out: tuple[Mapping[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Rights:
    """All rights, by sector and by partner."""

    by_sector: Mapping[str, Right]
    by_partner: Mapping[str, Right]

    def of(self, partner: Partner) -> Right | None:
        """The partner's own right, else its sector's, else none."""
        return self.by_partner.get(partner.id) or self.by_sector.get(partner.sector)


def _right(name: str, table: Mapping[str, Any]) -> Right:
    right = Right(
        bulk=table["bulk"],
        months_back=table["months_back"],
        benefits=frozenset(table["benefits"]),
        data_groups=frozenset(table["data_groups"]),
        purposes={purpose: frozenset(acts) for purpose, acts in table["purposes"].items()},
        lists=frozenset(table.get("lists", ())),
        social_services=table.get("social_services", False),
    )
    for named, known in (
        (right.benefits, BENEFITS),
        (right.data_groups, DATA_GROUPS),
        (right.purposes, PURPOSES),
        (right.lists, get_args(ListId)),
    ):
        if unknown := set(named) - set(known):
            raise ValueError(
                f"rights of {name}: not in the code lists: {', '.join(sorted(unknown))}"
            )
    return right


def load(path: Path = PATH) -> Rights:
    """Read a file of rights.

    Raises:
        ValueError: when it names a benefit, data group or purpose that the code lists don't have.
        KeyError: when a table lacks a part.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    by_sector = {name: _right(name, table) for name, table in tables.get("sector", {}).items()}
    by_partner = {
        name: by_sector[table["as_sector"]] if "as_sector" in table else _right(name, table)
        for name, table in tables.get("partner", {}).items()
    }
    return Rights(by_sector, by_partner)


RIGHTS = load()


def provides_social_services(partner: Partner) -> bool:
    """Whether a partner has the tasks of a wellbeing services county: one of those, Helsinki, or a
    municipality of Åland (kela.fi, Kelan etuustietopalvelu Kelmu).
    """
    right = RIGHTS.of(partner)
    return right is not None and right.social_services


def earliest_day(right: Right, received_at: int) -> str:
    """The first day that the right reaches back to, seen from the time that a query came in."""
    return _months_before(received_at // _HOUR_MILLISECONDS, right.months_back)


@lru_cache(maxsize=256)
def _months_before(hour: int, back: int) -> str:
    # The same for all queries of an hour: days begin on the hour in Finland.
    today = finnish_day(hour * _HOUR_MILLISECONDS)
    months = today.year * 12 + today.month - 1 - back
    last_of_month = calendar.monthrange(months // 12, months % 12 + 1)[1]
    return datetime.date(months // 12, months % 12 + 1, min(today.day, last_of_month)).isoformat()


def persons_of(query: Mapping[str, Any]) -> list[str]:
    """The persons that a valid query of either type asks about, invalid codes left out."""
    if "person" in query:
        return [query["person"]]
    return [code for code in query["persons"] if is_personal_identity_code(code)]


def narrow(right: Right, query: Mapping[str, Any], received_at: int) -> Narrowed:
    """Cut a valid query (of either type) down to the right, as it stood when the query came in
    (milliseconds).
    """
    persons = persons_of(query)
    valid = set(persons)
    left_out: list[Mapping[str, str]] = [
        {"what": "person", "value": code, "reason": "no-valid-code"}
        for code in query.get("persons", ())
        if code not in valid
    ]
    for what, asked, allowed in (
        ("benefit", query["benefits"], right.benefits),
        ("data-group", query["data_groups"], right.data_groups),
    ):
        left_out += [
            {"what": what, "value": name, "reason": "no-right"}
            for name in asked
            if name not in allowed
        ]
    earliest = earliest_day(right, received_at)
    if query["from"] < earliest:
        left_out.append(
            {
                "what": "time",
                "value": query["from"],
                "reason": "further-back-than-right",
                "limit": earliest,
            }
        )
    return Narrowed(
        persons=tuple(persons),
        benefits=tuple(name for name in query["benefits"] if name in right.benefits),
        data_groups=tuple(name for name in query["data_groups"] if name in right.data_groups),
        first=max(query["from"], earliest),
        last=query["to"],
        left_out=tuple(left_out),
    )
