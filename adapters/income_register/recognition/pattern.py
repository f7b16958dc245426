"""The patterns that parts of reports are written in: their tags, which values are free and what
each must be; no verdict.

A pattern is made of a part that the rules found nothing in, as bytes. Values are of three kinds:
*literal* ones are part of the pattern, *coded* ones decide what the rules ask, and *free* ones
(names, amounts, dates) are checked one by one when a part is recognised.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from exchange.schemas.identifiers import CENTURIES, CHECK_CHARACTERS, is_business_id
from exchange.schemas.income_register.codes import FIRST_DAY, LAST_DAY, LISTS, WAGE_INCOME

Check = Callable[[bytes], object]
#: What may stand between elements; other white space (of Python's) is no XML.
SPACE = b" \t\n\r"

#: Whose values are part of the pattern: they decide what the value beside them must be.
_LITERAL = frozenset((b"Type", b"PensionProvIdCode"))
_TAGS = re.compile(rb"<(/?)([A-Za-z0-9]+)>")
_VALUES = re.compile(rb">[^<]*</")
_CHECKS = CHECK_CHARACTERS.encode()
#: What the rules compare with each other where there are more of them, or at all.
_AT_MOST = ((b"<PaidAbsencePeriod>", 1), (b"<UnpaidAbsencePeriod>", 0), (b"<AbsenceUntil>", 0))
#: More groups than this are no pattern for a report.
_GROUPS_MAX = 200


def is_text(value: bytes) -> bool:
    """Bytes without the strings that the register forbids in values."""
    return not (b"--" in value or b"/*" in value or b"&#" in value)


def is_person(value: bytes) -> bool:
    """Whether eleven bytes of the right form are a personal identity code; by the check character
    first, for that is quick.
    """
    number = value[7:10]
    return (
        _CHECKS[int(value[:6] + number) % 31] == value[10]
        and number >= b"002"
        and _is_birth_date(value[:7])
    )


@lru_cache(maxsize=65_536)
def _is_birth_date(digits_and_century: bytes) -> bool:
    day, month, year = (int(digits_and_century[at : at + 2]) for at in (0, 2, 4))
    try:
        datetime.date(CENTURIES[chr(digits_and_century[6])] + year, month, day)
    except (KeyError, ValueError):
        return False
    return True


def is_business(value: bytes) -> bool:
    """A business id."""
    return value.isascii() and is_business_id(value.decode())


#: Patterns of free values. What they match is valid by the schema as well (a test holds them
#: against its types), and written as it would be in canonical form. A text with & or / is left to
#: the rules, for it may hold what the register forbids.
_LETTERS = rb"[^<>&/\x00-\x1f-]"
_DATE = (
    rb"(?:(?:18|19|20|21)[0-9]{2}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    rb"|(?:(?:18|19|20|21)(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)"
)
_NUMBER = rb"[0-9]{1,13}(?:\.[0-9]{1,2})?"
_PERSON = rb"[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-Y]"
_CODED = rb"[^<]*"


def _text(bytes_max: int, start: bytes = b"") -> bytes:
    """A text of that many bytes at most, which are at least as many as its characters."""
    first = start + _LETTERS + (b"*" if start else b"+")
    return rb"(?=[^<]{1,%d}<)" % bytes_max + first + b"(?:-" + _LETTERS + b"+)*"


#: How long the schema lets texts be, where an element has several lengths the shortest.
_TEXTS = {
    **dict.fromkeys(
        (
            "LastName",
            "CompanyName",
            "Name",
            "Title",
            "PostOffice",
            "WorkMunicipality",
            "PaymentSpecifier",
        ),
        200,
    ),
    **dict.fromkeys(("FirstName", "Street"), 100),
    **dict.fromkeys(("Co", "CountryName", "NonResidentCountryName", "WorkCountryName"), 70),
    **dict.fromkeys(("PostalCode", "InsuranceNo"), 20),
    "StatisticsFinlandId": 12,
    "PaymentRef": 50,
    "PaidAbsencePeriodInfo": 500,
}
_CODE = _text(20)
_POLICY_BYTES_MAX = 11
_DAYS = ("StartDate", "EndDate", "RecoveryDate", "PaymentDate", "RecoursePaymentDate", "BirthDate")
_SPAN = frozenset((b"StartDate", b"EndDate"))
_NUMBERS = ("Amount", "UnitPrice", "UnitAmount", "EstAmount")
_AGREEMENTS = b"(?:" + b"|".join(sorted(code.encode() for code in LISTS["CBACode"])) + b")"
#: Income types that do not hold for every payment date.
_DATED_TYPE = re.compile(
    rb"<TransactionCode>\s*(?:"
    + b"|".join(
        code.encode()
        for code, income in WAGE_INCOME.items()
        if (income.since, income.until) != (FIRST_DAY, LAST_DAY)
    )
    + rb")\s*<"
)
#: By the kind that stands beside an identifier: business ids and personal identity codes.
_IDENTIFIERS: dict[bytes, tuple[bytes, Check]] = {
    b"1": (rb"[0-9]{7}-[0-9]", is_business),
    b"2": (_PERSON, is_person),
}
_FREE: dict[bytes, bytes] = {
    **{name.encode(): _text(most) for name, most in _TEXTS.items()},
    **{name.encode(): _DATE for name in _DAYS},
    **{name.encode(): _NUMBER for name in _NUMBERS},
    **dict.fromkeys((b"Withhold", b"TaxAtSource", b"WagePerMonth"), b"[+-]?" + _NUMBER),
    b"ReportId": rb"(?=[^<]{1,40}<)[0-9A-Za-z_]+(?:-[0-9A-Za-z_]+)*",
    b"IRReportId": b"[0-9A-Fa-f]{32}",
    b"Kilometers": b"[0-9]{1,9}",
    b"HoursPerWeek": rb"(?:1[0-5][0-9]|16[0-7]|[0-9]{1,2})(?:\.[0-9]{1,2})?",
    b"PartTime": rb"[0-9]{1,2}(?:\.[0-9]{1,2})?|100(?:\.00?)?",
    b"CBACode": _AGREEMENTS,
    # (Since 2023 without white space.)
    b"AccInsPolicyNo": rb"(?=[^<]{1,20}<)[0-9A-Za-z.:_]+(?:-[0-9A-Za-z.:_]+)*",
}


class Leaf(NamedTuple):
    """A value in a part: where it stands in the bytes, its element and the elements around it; its
    expression and check if it is free.
    """

    start: int
    end: int
    path: tuple[bytes, ...]
    kind: str
    expression: bytes = _CODED
    check: Check | None = None


@dataclass(slots=True)
class Pattern:
    """How a part is written. Positions count the pattern's groups from 0.

    `coded` picks the coded values; `free` are (position, check); `ordered` pairs of days of which
    the first is not later; `sums` (positions, position): the former together are no more than the
    latter. `limits` are days with a limit of the delivery; `related` says that there is any of
    these three.
    """

    number: int
    match: Callable[[bytes], re.Match[bytes] | None]
    coded: Callable[[tuple[bytes, ...]], object]
    free: tuple[tuple[int, Check], ...]
    ordered: tuple[tuple[int, int], ...]
    sums: tuple[tuple[tuple[int, ...], int], ...]
    limits: tuple[tuple[int, str], ...]
    places: dict[bytes, int]
    related: bool
    #: Whether it holds nothing but codes, one amount and days that have no limit: what is not its
    #: amount recurs from delivery to delivery.
    recurs: bool
    #: Where ActionCode, ReportId, IRReportId and ReportVersion stand; -1: nowhere.
    references: tuple[int, int, int, int]


def leaves(part: bytes) -> list[Leaf] | None:
    """The values of a part; None when it is written in a way that patterns don't know (attributes,
    text between elements).
    """
    found: list[Leaf] = []
    path: list[bytes] = []
    at, kind_beside, provider = 0, b"", b""
    opened = False
    for tag in _TAGS.finditer(part):
        between = part[at : tag.start()]
        if tag[1] and opened:
            name, value = path[-1], between
            if b"<" in value or b">" in value or b"&" in value:
                return None
            where = tuple(path)
            if name in _LITERAL:
                kind_beside, provider = (
                    (value, provider) if name == b"Type" else (kind_beside, value)
                )
                found.append(Leaf(at, tag.start(), where, "literal"))
            elif free := _free(where, kind_beside, provider):
                found.append(Leaf(at, tag.start(), where, "free", *free))
            else:
                found.append(Leaf(at, tag.start(), where, "coded"))
        elif between.strip(SPACE):
            return None
        if tag[1]:
            # A part is cut out of a report: it may close what it did not open.
            if path and path[-1] == tag[2]:
                path.pop()
            elif path:
                return None
        else:
            path.append(tag[2])
        opened = not tag[1]
        at = tag.end()
    return None if part[at:].strip(SPACE) or len(found) > _GROUPS_MAX else found


def _free(
    path: tuple[bytes, ...], kind_beside: bytes, provider: bytes
) -> tuple[bytes, Check | None] | None:
    """The pattern and the check of a free value; None when the value is coded."""
    name, parent = path[-1], path[-2] if len(path) > 1 else b""
    if name == b"Code" and parent == b"Id":
        return _IDENTIFIERS.get(kind_beside)
    if name == b"Code":
        return (_CODE, None) if parent in (b"Profession", b"PlaceOfBusiness") else None
    if name == b"PensionPolicyNo":
        return _text(_POLICY_BYTES_MAX, re.escape(provider)), None
    return (_FREE[name], None) if name in _FREE else None


def skeleton(part: bytes) -> bytes:
    """The part without its values: what is the same in parts of one pattern (but for literal
    values).
    """
    return _VALUES.sub(b"></", part)


def pattern_of(part: bytes, number: int) -> Pattern | None:
    """The pattern of a part; None when it has none, or is of a kind whose values the rules compare
    in ways that patterns don't.
    """
    found = leaves(part)
    if found is None or not is_text(part) or _is_compared(part, found):
        return None
    expression, at, groups = b"", 0, [leaf for leaf in found if leaf.kind != "literal"]
    for leaf in groups:
        expression += re.escape(part[at : leaf.start]) + b"(" + leaf.expression + b")"
        at = leaf.end
    coded = [index for index, leaf in enumerate(groups) if leaf.kind == "coded"]
    free = tuple((index, leaf.check) for index, leaf in enumerate(groups) if leaf.check is not None)
    places: dict[bytes, int] = {}
    for index, leaf in enumerate(groups):
        places.setdefault(leaf.path[-1], index)
    # One position gives the value itself, several a tuple: both are keys.
    getter: Callable[[tuple[bytes, ...]], object] = itemgetter(*coded) if coded else lambda _: ()
    compiled = re.compile(expression + re.escape(part[at:]))
    ordered, sums, limits = _ordered(groups), _sums(groups), _limits(groups)
    return Pattern(
        number=number,
        match=compiled.fullmatch,
        coded=getter,
        free=free,
        ordered=ordered,
        sums=sums,
        limits=limits,
        places=places,
        related=bool(ordered or sums or limits),
        recurs=not limits and _has_one_amount_alone(groups),
        references=(
            places.get(b"ActionCode", -1),
            places.get(b"ReportId", -1),
            places.get(b"IRReportId", -1),
            places.get(b"ReportVersion", -1),
        ),
    )


def _is_compared(part: bytes, found: list[Leaf]) -> bool:
    """Whether the rules compare values of the part in ways that patterns don't."""
    if any(part.count(tag) > most for tag, most in _AT_MOST):
        return True
    if b"<RecoveryData>" in part and _DATED_TYPE.search(part):
        # What is recovered of it must have been an income type then.
        return True
    identifiers = [leaf for leaf in found if leaf.path[-2:] == (b"Id", b"Code")]
    if any(leaf.kind == "coded" for leaf in identifiers):
        # Coded values are remembered, and an identifier of another kind may be a person's.
        return True
    return sum(b"IncomeEarnerIds" in leaf.path for leaf in identifiers) > 1


def _has_one_amount_alone(groups: list[Leaf]) -> bool:
    """Whether one amount, and the days of spans, are all that is free."""
    free = {leaf.path[-1] for leaf in groups if leaf.kind == "free"} - _SPAN
    return free == {b"Amount"} and sum(leaf.path[-1] == b"Amount" for leaf in groups) == 1


def _ordered(groups: list[Leaf]) -> tuple[tuple[int, int], ...]:
    """Starts before ends, what was paid before its recovery."""
    pairs = []
    recovery = -1
    for index, leaf in enumerate(groups):
        name = leaf.path[-1]
        if name == b"RecoveryDate":
            recovery = index
        after = groups[index + 1].path if index + 1 < len(groups) else ()
        if name == b"StartDate" and after == (*leaf.path[:-1], b"EndDate"):
            pairs.append((index, index + 1))
        if (
            recovery >= 0
            and name in (b"PaymentDate", b"StartDate")
            and b"RecoveryData" in leaf.path
        ):
            pairs.append((index, recovery))
    return tuple(pairs)


def _sums(groups: list[Leaf]) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Deductions from a benefit together are no more than the benefit."""
    amounts = [
        (index, leaf.path) for index, leaf in enumerate(groups) if leaf.path[-1] == b"Amount"
    ]
    deducted = tuple(index for index, path in amounts if b"Deduction" in path)
    whole = [index for index, path in amounts if b"TransactionBasic" in path]
    return ((deducted, whole[0]),) if deducted and whole else ()


def _limits(groups: list[Leaf]) -> tuple[tuple[int, str], ...]:
    limits = []
    for index, leaf in enumerate(groups):
        name = leaf.path[-1]
        if name == b"RecoveryDate":
            limits.append((index, "payment"))
        elif name == b"BirthDate":
            limits.append((index, "today"))
        elif name == b"StartDate" and b"EmploymentPeriods" in leaf.path:
            limits.append((index, "latest"))
    return tuple(limits)


def holds(pattern: Pattern, values: tuple[bytes, ...]) -> bool:
    """Whether the values stand to each other as the rules want; their limits are the delivery's
    own.
    """
    for first, second in pattern.ordered:
        if values[first] > values[second]:
            return False
    for parts, whole in pattern.sums:
        if sum(Decimal(values[index].decode()) for index in parts) > Decimal(
            values[whole].decode()
        ):
            return False
    return True
