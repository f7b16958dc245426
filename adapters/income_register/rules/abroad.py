"""Rules of a wage report about work abroad, leased work and stays: which forms ask for which data;
nothing of pay and employment.

Source: "Tietojen toimittaminen - Skeemat - Palkkatietoilmoitukset 2022", chapters 2.40-2.51
(vero.fi). Forms: 1 NT1, 2 NT2, 3 an employer's notice of stays in Finland, 4 a notice that leased
work begins.
"""

from __future__ import annotations

from exchange.adapters.income_register.document import Element
from exchange.adapters.income_register.findings import Book
from exchange.schemas.income_register.codes import plain

_LEASED_FROM_ABROAD = "5"
#: What each form asks of every country of work.
_OF_COUNTRY = (
    ("ServiceRecipient", frozenset("1")),
    ("StayPeriodsAbroad", frozenset("12")),
    ("WorkPeriodsAbroad", frozenset("2")),
    ("TaxingRight", frozenset("12")),
    ("BurdensResultOfPE", frozenset("12")),
)


def check_abroad(book: Book, report: Element, earner: Element) -> None:
    """Everything that hangs on the forms that the report stands for."""
    forms = frozenset(
        plain(form.text) for form in earner.iterfind("InternationalData/WorkForm/FormCode")
    )
    countries = report.find("WorkCountries")
    if forms & {"1", "2"} and countries is None:
        book.add("work-countries-missing", report, "WorkCountries", ", ".join(sorted(forms)))
    for country in countries if countries is not None else ():
        _check_country(book, country, forms)
    if "3" in forms or report.find("StayPeriodsInFinland") is not None:
        _check_stays(book, report, report.find("StayPeriodsInFinland"))
    if "4" in forms:
        _check_leased(book, report)
    _check_work_days(book, report, earner)


def _check_country(book: Book, country: Element, forms: frozenset[str]) -> None:
    for name, asking in _OF_COUNTRY:
        if forms & asking and country.find(name) is None:
            book.add("work-country-incomplete", country, name, ", ".join(sorted(forms)))
    if "2" not in forms:
        for name in ("WagePerMonth", "Remunerations"):
            if (element := country.find(name)) is not None:
                book.add("work-country-forbidden", element, "form NT2", name)


def _check_stays(book: Book, report: Element, stays: Element | None) -> None:
    """Either that there are none, or the periods."""
    if stays is None:
        book.add("stay-periods", report, "StayPeriodsInFinland")
    elif (stays.find("NoStayPeriods") is None) == (stays.find("Period") is None):
        book.add("stay-periods", stays, "either NoStayPeriods or Period")


def _check_leased(book: Book, report: Element) -> None:
    work, periods = report.find("ForeignLeasedWork"), report.find("WorkPeriodsInFinland")
    for name in ("EstAmount", "FinServiceRecipient"):
        if work is None or work.find(name) is None:
            book.add("leased-work-incomplete", report if work is None else work, name)
    if periods is None or periods.find("WorkPeriodInFinland/StartDate") is None:
        book.add(
            "work-periods-missing",
            report if periods is None else periods,
            "WorkPeriodInFinland with StartDate",
        )


def _check_work_days(book: Book, report: Element, earner: Element) -> None:
    """A leased worker who lives abroad and is taxed at source: the days of work in Finland."""
    types = [
        plain(kind.text)
        for kind in earner.iterfind("IncomeEarnerOther/IncomeEarnerTypes/IncomeEarnerType")
    ]
    abroad = earner.find("InternationalData")
    if _LEASED_FROM_ABROAD not in types or abroad is None or abroad.find("NonResident") is None:
        return
    if (
        abroad.find("SubToWithhold") is None
        and report.find("WorkPeriodsInFinland/WorkPeriodInFinland/WorkDays") is None
    ):
        periods = report.find("WorkPeriodsInFinland")
        book.add(
            "work-periods-missing",
            report if periods is None else periods,
            "WorkPeriodInFinland with WorkDays",
        )
