"""The code lists of the Incomes Register, read from its TOML files, with the payment dates that
their codes hold for; no rule that uses them.

Source: "Koodistot 2022" 1.03 and "Palkat - Koodistot - Tulolajit 2022" 1.0 (vero.fi,
Tulorekisteriyksikkö); what has changed since: `changes.toml`.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

_HERE = Path(__file__).parent
_INTEGER = re.compile(r"-?[0-9]{1,10}")
FIRST_DAY, LAST_DAY = datetime.date.min, datetime.date.max


@dataclass(frozen=True, slots=True)
class WageIncome:
    """An income type of wage reports and its control rules.

    `way` is `total` (reporting method 1), `itemised` (method 2) or `separate`. `insured` holds P,
    A, U, H for the earnings-related pension, accident, unemployment and health insurance that the
    income is subject to by default. `since` and `until` are payment dates.
    """

    code: int
    way: str
    insured: str
    fi: str
    en: str = ""
    insurance_data: bool = False
    negative: bool = False
    no_recovery: bool = False
    since: datetime.date = FIRST_DAY
    until: datetime.date = LAST_DAY


@dataclass(frozen=True, slots=True)
class BenefitIncome:
    """An income type of benefit reports; `basis` is `published` or `modelled`. `unit` says that
    BenefitUnit is mandatory with it, `no_recovery` that it is neither recovered nor unjust.
    """

    code: int
    basis: str = "published"
    fi: str = ""
    sv: str = ""
    en: str = ""
    unit: bool = False
    no_recovery: bool = False
    since: datetime.date = FIRST_DAY
    until: datetime.date = LAST_DAY


@dataclass(frozen=True, slots=True)
class Change:
    """The payment dates for which a code of a list, or a rule, holds."""

    name: str
    source: str
    code: str = ""
    what: str = ""
    basis: str = "published"
    since: datetime.date = FIRST_DAY
    until: datetime.date = LAST_DAY


@dataclass(frozen=True, slots=True)
class Growing:
    """The codes from `first` to `last` that a list may have by now, for payments from `since` on,
    though ours lacks them.
    """

    name: str
    first: int
    last: int
    source: str
    since: datetime.date = FIRST_DAY
    until: datetime.date = LAST_DAY

    def holds(self, code: str) -> bool:
        """Whether a code (in plain form) may be in the list."""
        return is_integer(code) and self.first <= int(code) <= self.last


def _read(name: str, key: str) -> Any:
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))[key]


#: Codes that were ever in a list since 2022, as they are written in messages, by the register's
#: name of the list.
LISTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: frozenset(map(str, codes)) for name, codes in _read("codes.toml", "lists").items()}
)
#: Income types by code, as it is written in messages.
WAGE_INCOME: Mapping[str, WageIncome] = MappingProxyType(
    {
        str(row["code"]): WageIncome(**row)
        for row in _read("wage_income_types.toml", "wage_income_types")
    }
)
BENEFIT_INCOME: Mapping[str, BenefitIncome] = MappingProxyType(
    {
        str(row["code"]): BenefitIncome(**row)
        for row in _read("benefit_income_types.toml", "benefit_income_types")
    }
)
#: Codes of lists and rules that do not hold for every payment date.
DATED_CODES = tuple(
    Change(name=row.pop("list"), code=str(row.pop("code")), **row)
    for row in _read("changes.toml", "code")
)
GROWING = tuple(Growing(name=row.pop("list"), **row) for row in _read("changes.toml", "growing"))
DATED_RULES = tuple(Change(**row) for row in _read("changes.toml", "rule"))


def plain(text: str | None) -> str:
    """An `xs:int` in its plain form: ` +0201 ` is `201`; the text itself when it is no integer."""
    text = (text or "").strip()
    try:
        return str(int(text)) if text.isascii() and "_" not in text else text
    except ValueError:
        return text


def is_integer(code: str) -> bool:
    """Whether a code in its plain form is an integer of `xs:int`'s length; of anything else the
    schema says that it is none.
    """
    return _INTEGER.fullmatch(code) is not None


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """An error as the register tells it (code and texts *modelled*, see `error_codes.toml`).

    `level`: message, delivery, payment or item. `source` is the document and chapter of the rule,
    `modelled` when it is ours. `at` says where it applies.
    """

    code: str
    level: str
    rule: str
    source: str
    at: str
    en: str
    fi: str
    sv: str

    @property
    def message(self) -> str:
        """The text in English."""
        return self.en

    def text(self, language: str) -> str:
        """The text in a language: `en`, `fi` or `sv`."""
        return {"en": self.en, "fi": self.fi, "sv": self.sv}[language]


def _read_errors() -> Mapping[str, ErrorCode]:
    rows = tomllib.loads((_HERE / "error_codes.toml").read_text(encoding="utf-8"))["errors"]
    return MappingProxyType({row["rule"]: ErrorCode(**row) for row in rows})


#: Errors by rule, and by code.
ERRORS = _read_errors()
ERRORS_BY_CODE: Mapping[str, ErrorCode] = MappingProxyType(
    {error.code: error for error in ERRORS.values()}
)
