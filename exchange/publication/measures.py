"""What is told of a cell of a table, and how a figure is written for machines."""

from __future__ import annotations

from typing import Any

from exchange.statistics.breakdown import Figures
from exchange.statistics.report import Table


def measures(table: Table, figures: Figures | None, percent: float | None) -> dict[str, Any]:
    """The measures of a cell by name; None where they are withheld."""
    if figures is None:
        return dict.fromkeys(table.measures)
    values = {
        "messages": figures.messages,
        "items": figures.items,
        "bytes": figures.bytes,
        "share_percent": percent,
        "cases": figures.begun,
        "messages_a_case": figures.messages_a_case,
    }
    return {name: number(values[name]) for name in table.measures}


def number(value: Any) -> Any:
    """A figure as JSON and CSV have it: whole where it is, else to four decimals; a band as a list
    of two.
    """
    if isinstance(value, tuple):
        return [number(each) for each in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 4)
    return value
