"""Which day of Finland a minute belongs to; the rest of the calendar is the statistics'."""

from __future__ import annotations

import sqlite3
from functools import lru_cache

from exchange.statistics.days import date_of as date_of_day
from exchange.statistics.days import local_hour
from exchange.statistics.days import number_of as day_of_date
from exchange.storage.connection import Connection

__all__ = ["date_of_day", "day_of_date", "day_of_minute", "give_day_of_minute"]


@lru_cache(maxsize=4096)
def day_of_minute(minute: int) -> int:
    """Days since 1970-01-01 of the date in Finland at that minute (since 1970 UTC)."""
    return local_hour(minute // 60)[0]


def give_day_of_minute(connection: Connection) -> None:
    """Let statements call `day_of_minute`; PostgreSQL has a function of that name by a migration."""
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("day_of_minute", 1, day_of_minute, deterministic=True)
