"""Who may query what: the organisation's rights, purposes and their acts, codes in bulk, lists."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from exchange.adapters.kelmu.identify import BULK, LIST, part
from exchange.adapters.kelmu.rights import RIGHTS, Right, earliest_day
from exchange.ports import Parsed
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.instants import finnish_day
from exchange.schemas.violation import Finding

#: A list that comes out in these months only (kela.fi): reimbursements of care abroad.
_OUT_IN = {"care-abroad-reimbursements": ("01", "07")}


def persons(document: dict[str, Any]) -> Iterator[Finding]:
    """Codes of the right form that are not valid are left out; one at least is left."""
    codes = part(document, "persons", list)
    wrong = [
        index
        for index, code in enumerate(codes)
        if isinstance(code, str) and not is_personal_identity_code(code)
    ]
    nobody = len(wrong) == len(codes)
    for index in wrong:
        yield Finding(
            rule="kelmu.persons",
            message="nobody is left to ask about" if nobody else "the person is left out",
            at=("persons", index),
            expected="a personal identity code with the right check character",
            severity="error" if nobody else "warning",
        )


def rights(parsed: Parsed, document: dict[str, Any], now: int) -> Iterator[Finding]:
    """Whether the organisation may ask at all, in this way, for this purpose, on this ground; and
    whether anything is left.
    """
    partner = parsed.inbound.partner
    right = RIGHTS.of(partner)
    if right is None:
        yield Finding(
            "kelmu.rights.none", "the organisation has no right to query benefit data", ()
        )
        return
    if parsed.message_type == BULK and not right.bulk:
        yield Finding(
            "kelmu.rights.bulk",
            "the organisation may ask about one person at a time only",
            ("persons",),
        )
    yield from _purpose(right, document)
    if parsed.message_type == LIST:
        yield from _list(right, document, now)
        return
    for name, allowed in (("benefits", right.benefits), ("data_groups", right.data_groups)):
        asked = part(document, name, list)
        if asked and not any(isinstance(value, str) and value in allowed for value in asked):
            rule = f"kelmu.rights.{name.replace('_', '-')}"
            yield Finding(
                rule,
                "the organisation may see none of these",
                (name,),
                " or ".join(sorted(allowed)),
            )
    last, earliest = part(document, "to", str), earliest_day(right, now)
    if last and last < earliest:
        message = f"the organisation may look back {right.months_back} months"
        yield Finding(
            rule="kelmu.rights.time",
            message=message,
            at=("to",),
            expected=f"{earliest} or later",
            found=last[:10],
        )


def _none_of(
    rule: str, message: str, name: str, found: str, allowed: Collection[str]
) -> Iterator[Finding]:
    """The value of a member is none of those that are allowed."""
    if found and found not in allowed:
        yield Finding(
            rule=rule,
            message=message,
            at=(name,),
            expected=" or ".join(sorted(allowed)) or f"no {name}",
            found=found[:80],
        )


def _purpose(right: Right, document: dict[str, Any]) -> Iterator[Finding]:
    purpose = part(document, "purpose", str)
    message = "the organisation may not ask for this purpose"
    yield from _none_of("kelmu.rights.purpose", message, "purpose", purpose, right.purposes)
    if purpose in right.purposes:
        act = part(document, "legal_ground", str).partition(" ")[0]
        message, acts = "the purpose can't rest on this act", right.purposes[purpose]
        yield from _none_of("kelmu.rights.legal-ground", message, "legal_ground", act, acts)


def _list(right: Right, document: dict[str, Any], now: int) -> Iterator[Finding]:
    """The list is one of the organisation's, of a month that has begun."""
    name, period = part(document, "list", str), part(document, "period", str)
    message = "the organisation has no right to this list"
    yield from _none_of("kelmu.rights.list", message, "list", name, right.lists)
    this_month = finnish_day(now).isoformat()[:7]
    if period > this_month:
        yield Finding(
            rule="kelmu.list-query.month",
            message="the month has not begun",
            at=("period",),
            expected=f"{this_month} or earlier",
            found=period[:10],
        )


def period(document: dict[str, Any]) -> Iterator[Finding]:
    """A list that comes out twice a year is asked for by the months in which it does."""
    months = _OUT_IN.get(part(document, "list", str), ())
    asked = part(document, "period", str)
    if months and asked and asked[5:7] not in months:
        yield Finding(
            rule="kelmu.list-query.period",
            message="the list does not come out in this month",
            at=("period",),
            expected=" or ".join(f"{asked[:4]}-{month}" for month in months),
            found=asked[:10],
        )
