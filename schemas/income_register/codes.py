"""The code lists of the Incomes Register, read from `codes.toml` and `wage_income_types.toml`; no
rule that uses them.

Source: "Koodistot 2022" 1.03 and "Palkat - Koodistot - Tulolajit 2022" 1.0 (vero.fi,
Tulorekisteriyksikkö).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class WageIncome:
    """An income type of wage reports and its control rules.

    `way` is `total` (reporting method 1), `itemised` (method 2) or `separate`. `insured` holds P,
    A, U, H for the earnings-related pension, accident, unemployment and health insurance that the
    income is subject to by default.
    """

    code: int
    way: str
    insured: str
    fi: str
    en: str = ""
    insurance_data: bool = False
    negative: bool = False
    no_recovery: bool = False


@dataclass(frozen=True, slots=True)
class BenefitIncome:
    """An income type of benefit reports; `basis` is `published` or `modelled`."""

    code: int
    basis: str
    fi: str = ""
    en: str = ""


def _read_lists() -> Mapping[str, frozenset[str]]:
    lists = tomllib.loads((_HERE / "codes.toml").read_text(encoding="utf-8"))["lists"]
    return MappingProxyType(
        {name: frozenset(str(code) for code in codes) for name, codes in lists.items()}
    )


def _read_wage_income() -> Mapping[str, WageIncome]:
    rows = tomllib.loads((_HERE / "wage_income_types.toml").read_text(encoding="utf-8"))[
        "wage_income_types"
    ]
    return MappingProxyType({str(row["code"]): WageIncome(**row) for row in rows})


def _read_benefit_income() -> Mapping[str, BenefitIncome]:
    rows = tomllib.loads((_HERE / "codes.toml").read_text(encoding="utf-8"))["benefit_income_type"]
    return MappingProxyType({str(row["code"]): BenefitIncome(**row) for row in rows})


#: Codes, as they are written in messages, by the register's name of the list.
LISTS = _read_lists()
#: Income types by code, as it is written in messages.
WAGE_INCOME = _read_wage_income()
BENEFIT_INCOME = _read_benefit_income()


def plain(text: str | None) -> str:
    """An `xs:int` in its plain form: ` +0201 ` is `201`; the text itself when it is no integer."""
    text = (text or "").strip()
    try:
        return str(int(text)) if text.isascii() and "_" not in text else text
    except ValueError:
        return text


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


def _read_errors() -> Mapping[str, ErrorCode]:
    rows = tomllib.loads((_HERE / "error_codes.toml").read_text(encoding="utf-8"))["errors"]
    return MappingProxyType({row["rule"]: ErrorCode(**row) for row in rows})


#: Errors by rule, and by code.
ERRORS = _read_errors()
ERRORS_BY_CODE: Mapping[str, ErrorCode] = MappingProxyType(
    {error.code: error for error in ERRORS.values()}
)
