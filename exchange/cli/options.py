"""Options that several commands have, read the same way: languages and shares."""

from __future__ import annotations

import datetime
import math
import re
from fractions import Fraction
from typing import Literal

import typer

#: The languages of everything that is printed for readers.
Language = Literal["fi", "sv", "en"]
#: The years of which traffic is made: the time in an id (`clocks`) lasts until September 2089.
YEAR_MIN, YEAR_MAX = 1990, 2088
#: Most calls a second that are sent: each is made, however late.
RATE_MAX = 100_000
#: Most messages that one command makes of a kind.
COUNT_MAX = 1_000_000
_SHARE = re.compile(r"[0-9]{1,20}(?:/[0-9]{1,20})?|[0-9]{0,20}\.[0-9]{1,20}|[0-9]{1,20}e-?[0-9]")


def share_of(text: str, most: int) -> Fraction:
    """A share of the traffic above 0, given as a fraction or a decimal number.

    Raises:
        BadParameter: naming `--scale`.
    """
    plain = text.replace(" ", "")
    try:
        # (To write `1e-999999999` as a fraction takes for ever.)
        share = Fraction(plain) if _SHARE.fullmatch(plain) else Fraction(0)
    except (ValueError, ZeroDivisionError):
        share = Fraction(0)
    if not 0 < share <= most:
        raise typer.BadParameter(
            f"{text!r} is no share such as 1/1000 or 0.001, above 0 and at most {most}",
            param_hint="--scale",
        )
    return share


def date_of_traffic(text: str) -> datetime.date:
    """A date of those years, written as `2024-02-29`.

    Raises:
        ValueError: when it is none.
    """
    day = datetime.date.fromisoformat(text)
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise ValueError(f"a day from {YEAR_MIN} to {YEAR_MAX}, not {day}")
    return day


def day_of_traffic(day: datetime.datetime | None) -> datetime.datetime | None:
    """A day of those years, as given.

    Raises:
        BadParameter: for another one.
    """
    if day is not None and not YEAR_MIN <= day.year <= YEAR_MAX:
        raise typer.BadParameter(f"a day from {YEAR_MIN} to {YEAR_MAX}, not {day.date()}")
    return day


def finite(number: float) -> float:
    """A number that a clock or a rate can have, as given.

    Raises:
        BadParameter: for `inf` and `nan`; a lower bound of an option does not hold `inf` back.
    """
    if not math.isfinite(number):
        raise typer.BadParameter(f"a finite number, not {number}")
    return number
