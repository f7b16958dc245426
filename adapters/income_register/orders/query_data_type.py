"""QueryDataTypes, the kinds of data that the register hands out: of which reports, and by which
parameters each may be narrowed.

Source: "Koodistot 2022", chapters 1.5, 1.7 and 1.8 (vero.fi): what the codes mean. Which parameters
each kind takes stands in a document that was not at hand ("Tekninen rajapinta - Tietojen jakelu
tulorekisteristä"); *modelled* from what the codes mean: a kind takes what its reports hold, and
must be given what its name says.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    PAYER_SUMMARY_REPORTS,
    WAGE_REPORTS,
)

#: ParameterType, as far as reports are narrowed by it.
CHANGED, MONTHS, PAID, EARNED, PAYER, EARNER = "2", "3", "4", "5", "6", "7"
ACCIDENT_POLICY, PENSION_POLICY, PROVIDER, PENSION_ACT, YEAR = "8", "9", "10", "12", "13"
SUB_ORG_TYPE, SUB_ORG, REPORTER, REFERENCE, ABSENT, INCOME_TYPE = "14", "15", "16", "17", "18", "20"
BENEFIT_SUB_ORG_TYPE, BENEFIT_SUB_ORG, PAY_PERIOD, NO_SUBSTITUTE, RECEIVED = (
    "21",
    "22",
    "23",
    "24",
    "25",
)
#: In which element each is given; the others are values.
TIMESPANS = frozenset((MONTHS, PAID, EARNED, ABSENT, PAY_PERIOD))
MOMENTS = frozenset((CHANGED, RECEIVED))
IDENTIFIERS = frozenset((PAYER, EARNER))
_SPANS = ("TimespanParameter", "TimespanTimeParameter")
#: CodeListType.
EARNERS, PAYERS = "1", "2"

_ALL = frozenset((YEAR, RECEIVED, CHANGED))
_WAGES = _ALL | {
    PAID,
    EARNED,
    ACCIDENT_POLICY,
    PENSION_POLICY,
    PROVIDER,
    PENSION_ACT,
    SUB_ORG_TYPE,
    SUB_ORG,
    REPORTER,
}
_NARROWING = {
    WAGE_REPORTS: _WAGES
    | {REFERENCE, ABSENT, INCOME_TYPE, PAY_PERIOD, NO_SUBSTITUTE, PAYER, EARNER},
    PAYER_SUMMARY_REPORTS: _ALL
    | {MONTHS, ACCIDENT_POLICY, PENSION_POLICY, PROVIDER, SUB_ORG_TYPE, SUB_ORG, PAYER},
    BENEFIT_REPORTS: _ALL
    | {PAID, EARNED, REFERENCE, INCOME_TYPE, BENEFIT_SUB_ORG_TYPE, BENEFIT_SUB_ORG, PAYER, EARNER},
}


@dataclass(frozen=True, slots=True)
class QueryDataType:
    """A kind of data: `lists` (CodeListType) and `parameters` (ParameterType) must be given;
    `narrowing` may be.
    """

    message_type: str
    lists: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()

    @property
    def narrowing(self) -> frozenset[str]:
        """The parameters that it takes."""
        return _NARROWING[self.message_type] | self.parameters


def elements_of(kind: str) -> tuple[str, ...]:
    """The elements in which a parameter may be given (*modelled*: what can hold its value)."""
    if kind in TIMESPANS or kind in MOMENTS:
        return _SPANS
    return ("IdCodeParameter",) if kind in IDENTIFIERS else ("ValueParameter",)


def _of(message_type: str, *lists: str, parameters: tuple[str, ...] = ()) -> QueryDataType:
    return QueryDataType(message_type, frozenset(lists), frozenset(parameters))


#: What can be subscribed to, by QueryDataType.
SUBSCRIBED = {
    "300": _of(WAGE_REPORTS),
    "301": _of(WAGE_REPORTS, EARNERS),
    "302": _of(WAGE_REPORTS, PAYERS),
    "303": _of(WAGE_REPORTS, PAYERS, EARNERS),
    "304": _of(WAGE_REPORTS, parameters=(PROVIDER,)),
    "305": _of(WAGE_REPORTS),
    "306": _of(PAYER_SUMMARY_REPORTS),
    "307": _of(PAYER_SUMMARY_REPORTS, PAYERS),
    "308": _of(PAYER_SUMMARY_REPORTS, parameters=(PROVIDER,)),
    "314": _of(WAGE_REPORTS, parameters=(REFERENCE,)),
    "315": _of(BENEFIT_REPORTS),
    "316": _of(BENEFIT_REPORTS, EARNERS),
    "317": _of(BENEFIT_REPORTS, PAYERS, EARNERS),
    "318": _of(BENEFIT_REPORTS, parameters=(REFERENCE,)),
    "319": _of(BENEFIT_REPORTS, PAYERS),
}
#: Wage reports about whose earner's pension insurance no policy number is told.
WITHOUT_POLICY = "305"
#: What can be asked for in real time.
ASKED = {
    "400": _of(WAGE_REPORTS, parameters=(EARNER,)),
    "401": _of(WAGE_REPORTS, parameters=(PAYER,)),
    "402": _of(WAGE_REPORTS, parameters=(PENSION_POLICY,)),
    "403": _of(PAYER_SUMMARY_REPORTS, parameters=(PAYER,)),
    "404": _of(PAYER_SUMMARY_REPORTS, parameters=(PENSION_POLICY,)),
    "406": _of(WAGE_REPORTS, parameters=(PAYER, EARNER)),
    "407": _of(BENEFIT_REPORTS, parameters=(EARNER,)),
    "408": _of(BENEFIT_REPORTS, parameters=(PAYER, EARNER)),
    "409": _of(BENEFIT_REPORTS, parameters=(REFERENCE,)),
}
