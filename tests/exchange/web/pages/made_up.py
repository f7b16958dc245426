"""Made-up figures for the tests of the pages: two channels, their figures, a source that
counts on.
"""

from __future__ import annotations

import asyncio

from exchange.schemas.directory import Directory, Partner
from exchange.statistics.count import Period, count
from exchange.statistics.rows import load
from exchange.web.pages.figures import Figures, ShownChannel, ShownType

ROWS = load()
DIRECTORY = Directory(
    [
        Partner("register", "Register", "population-register"),
        Partner("kela.benefits", "Kela", "kela"),
    ]
)
CHANNELS = (
    ShownChannel(
        "luova",
        {"fi": "Luova", "sv": "Luova", "en": "Luova"},
        (
            ShownType(
                "population.births",
                {"fi": "Syntymät", "sv": "Födslar", "en": "Births"},
                "published",
            ),
            ShownType(
                "unemployment.earnings-data",
                {"fi": "Ansiotiedot", "sv": "Uppgifter", "en": "<b>Earnings</b>"},
                "modelled",
            ),
        ),
    ),
    ShownChannel("quiet", {"fi": "Hiljainen", "sv": "Tyst", "en": "Quiet"}),
)
KNOWN = [kind.name for channel in CHANNELS for kind in channel.types]


def figures(at: int = 0, received: int = 1200, births: int = 7) -> Figures:
    """Figures in which everything received but three was delivered."""
    kinds = {
        "received": received,
        "accepted": received - 3,
        "rejected": 2,
        "duplicate": 1,
        "delivered": received - 3,
        "waiting": 0,
    }
    of_births = ("luova", "population.births", "register", "kela.benefits", "api")
    totals = [
        ((*of_births, "delivered"), 1, births, 100),
        ((*of_births, "delivered:birth"), 1, births, 0),
    ]
    period = Period(2024, days=0.01)
    return Figures(at, {"luova": kinds}, count(ROWS, [(DIRECTORY, totals)], KNOWN, period), period)


class Growing:
    """A source whose counts grow by 100, and whose time by a second, whenever it is asked; it may
    take its time.
    """

    def __init__(self, cost_seconds: float = 0.0) -> None:
        self.asked = 0
        self._cost_seconds = cost_seconds

    async def __call__(self) -> Figures:
        self.asked += 1
        await asyncio.sleep(self._cost_seconds)
        return figures(self.asked * 1000, 1000 + 100 * self.asked)
