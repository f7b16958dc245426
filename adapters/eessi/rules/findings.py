"""Findings of the process rules of EESSI cases, and how they name what was expected."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.adapters.eessi.case import Document
from exchange.adapters.eessi.header import Header, text_of
from exchange.adapters.eessi.parse import VALUE_INCONSISTENT
from exchange.schemas.violation import Finding

#: So many set ids at most are named as what a message could have related to, the newest ones.
SETS_SHOWN_MAX = 20


def finding(
    rule: str, message: str, header: Header, at: str, expected: str = "", found: str = ""
) -> Finding:
    return Finding(
        rule=f"eessi.process.{rule}",
        message=message,
        at=header.at(at),
        expected=expected,
        found=found or text_of(header.at(at)),
        code=VALUE_INCONSISTENT,
    )


def listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "nothing"


def sets_listed(documents: Sequence[Document]) -> str:
    """Documents by set id and type; a long case is cut short."""
    return listed(
        [f"{document.set_id} ({document.type})" for document in documents[-SETS_SHOWN_MAX:]]
    )
