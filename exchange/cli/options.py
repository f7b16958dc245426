"""Options that several commands have, read the same way: languages and shares."""

from __future__ import annotations

import datetime
import math
from fractions import Fraction
from typing import Literal

import typer

#: The languages of everything that is printed for readers.
Language = Literal["fi", "sv", "en"]
#: The years of which traffic is made.
YEAR_MIN, YEAR_MAX = 1990, 2100


def share_of(text: str, most: int) -> Fraction:
    """A share of the traffic above 0, given as a fraction or a decimal number.

    Raises:
        BadParameter: naming `--scale`.
    """
    try:
        share = Fraction(text.replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        share = Fraction(0)
    if not 0 < share <= most:
        raise typer.BadParameter(
            f"{text!r} is no share such as 1/1000 or 0.001, above 0 and at most {most}",
            param_hint="--scale",
        )
    return share


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
