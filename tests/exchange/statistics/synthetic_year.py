"""A made-up year of counters, written straight into a ledger's counter tables: for the tests of
what reads them, nowhere else.
"""

from __future__ import annotations

import datetime
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from exchange.statistics.days import first_minute, is_working_day, number_of
from exchange.storage.counters.sums import ADD_COUNTS, COUNT_COLUMNS
from exchange.storage.migrate import migrate_sqlite

#: (type, sender, receiver, endpoint, items published in 2024, items in a message); the channel
#: follows from the family.
FLOWS = (
    ("kelmu.benefit-query", "county.pirkanmaa", "kela.benefit-register", "ui", 4_505_175, 1),
    ("kelmu.benefit-query", "helsinki", "kela.benefit-register", "ui", 840_666, 1),
    ("kelmu.benefit-query", "municipality.turku", "kela.benefit-register", "ui", 383_526, 1),
    ("kelmu.benefit-query", "employment-services", "kela.benefit-register", "ui", 295_755, 1),
    ("kelmu.benefit-query", "pension.elo", "kela.benefit-register", "api", 796_214, 1),
    ("kelmu.benefit-query", "accident-insurers-centre", "kela.benefit-register", "api", 524_309, 1),
    ("kelmu.information-request", "kela.benefits", "county.pirkanmaa", "api", 1_447, 1),
    ("eessi.p6000", "eessi.se.pm", "etk", "as4", 600_000, 1),
    ("eessi.a009", "eessi.de.drv", "etk", "as4", 300_000, 1),
    ("eessi.h001", "eessi.ee.ska", "kela.international", "as4", 214_360, 1),
    ("eessi.p8000", "etk", "eessi.se.pm", "as4", 200_000, 1),
    ("eessi.x001", "kela.international", "eessi.ee.ska", "as4", 120_541, 1),
    ("population.births", "dvv", "kela.core-data", "api", 43_725, 5),
    ("population.deaths", "dvv", "kela.core-data", "api", 81_410, 5),
    ("population.address-changes", "dvv", "kela.core-data", "api", 1_533_116, 50),
    ("population.registrations", "dvv", "kela.core-data", "api", 87_816, 5),
    ("bilateral.circumstance-changes", "eessi.se.fk", "kela.international", "api", 2_309_176, 50),
    ("bilateral.insurance", "eessi.se.fk", "kela.international", "api", 101_450, 50),
    ("bilateral.supplementary-pensions", "eessi.se.pm", "kela.pensions", "api", 5_623, 1),
    ("pension.decisions", "pension.elo", "kela.pensions", "api", 636_500, 20),
    ("pension.work-history-query", "kela.pensions", "etk.authority-service", "api", 78_438, 1),
    ("pension.unpaid-periods", "kela.benefits", "etk", "api", 840_678, 20),
    ("pension.accident-data-query", "pension.elo", "kela.pensions", "api", 597_500, 1),
    (
        "payments.credit-transfers",
        "kela.payments",
        "bank.demo-a",
        "api",
        38_783_069,
        38_783_069 / 54_713,
    ),
    ("certificates.document", "kanta", "kela.certificates", "api", 1_076_630, 1),
    ("tax.request", "kela.tax", "tax-administration", "api", 8_440_312, 1),
    ("tax.response", "tax-administration", "kela.tax", "api", 8_418_260, 1),
    ("unemployment.earnings-data", "fund.ytk", "kela.unemployment", "api", 1_434_466, 20),
    ("unemployment.information-request", "fund.ytk", "kela.unemployment", "api", 625_461, 1),
    ("unemployment.benefit-data", "kela.unemployment", "fund.ytk", "api", 1_354_005, 20),
    (
        "income-register.wage-reports-from-ir",
        "income-register",
        "kela.income-data",
        "subscription",
        63_898_685,
        1000,
    ),
    (
        "income-register.benefit-reports-from-ir",
        "income-register",
        "kela.income-data",
        "subscription",
        60_938_573,
        1000,
    ),
    (
        "income-register.benefit-reports",
        "kela.benefits",
        "income-register",
        "deferred",
        31_732_268,
        1000,
    ),
)
#: What business an EESSI message is part of, and which type begins a case of it.
PROCESSES = {
    "p6000": "P_BUC_01",
    "p8000": "P_BUC_01",
    "x001": "P_BUC_01",
    "a009": "LA_BUC_04",
    "h001": "H_BUC_01",
}
BEGINS = ("eessi.a009", "eessi.h001")
#: What the items of the population register's types are.
ITEMS = {
    "population.births": "birth",
    "population.deaths": "death",
    "population.address-changes": "address-change",
    "population.registrations": "registration",
}
BY_LUOVA = ("population", "unemployment", "bilateral", "pension", "payments", "certificates", "tax")

HOURS = (1, 1, 1, 1, 1, 2, 4, 9, 14, 15, 14, 12, 11, 12, 12, 9, 6, 4, 3, 2, 2, 1, 1, 1)


def write_year(
    path: Path, year: int = 2024, scale: float = 0.001, seed: int = 1, days: int | None = None
) -> None:
    """Write counters of (the first `days` of) a year at a scale; every flow's sum is exact to the
    item.
    """
    migrate_sqlite(path)
    connection = sqlite3.connect(path)
    columns = ",".join("?" * 11)
    first = number_of(datetime.date(year, 1, 1))
    last = number_of(datetime.date(year + 1, 1, 1)) - 1 if days is None else first + days - 1
    with connection:
        connection.execute("INSERT INTO held(since,until) VALUES (?,?)", (first, last))
        for minute, day, *rest in _counters(year, scale, seed, days):
            for table, period in (("counter", minute), ("day_counter", day)):
                connection.execute(
                    f"INSERT INTO {table} AS kept({COUNT_COLUMNS}) VALUES ({columns}) {ADD_COUNTS}",
                    (period, *rest),
                )
    connection.close()


def _counters(
    year: int, scale: float, seed: int, days: int | None
) -> Iterator[tuple[int | str, ...]]:
    rng = random.Random(seed)
    first = datetime.date(year, 1, 1)
    dates = [
        first + datetime.timedelta(n)
        for n in range(days or (datetime.date(year + 1, 1, 1) - first).days)
    ]
    weights = [
        (1.0 if is_working_day(date) else 0.08) * (1.5 if date.day in (15, 31) else 1.0)
        for date in dates
    ]
    for message_type, sender, receiver, endpoint, published, batch in FLOWS:
        family = message_type.partition(".")[0]
        items_done = messages_done = 0
        spent = 0.0
        for date, weight in zip(dates, weights, strict=True):
            spent += weight / sum(weights)
            messages = round(published / batch * scale * spent) - messages_done
            if not messages and date != dates[-1]:
                continue
            items = round(published * scale * spent) - items_done
            items_done, messages_done = items_done + items, messages_done + messages
            for hour, part, of_messages in _split(items, messages, rng):
                minute = first_minute(number_of(date)) + hour * 60 + rng.randrange(60)
                dimensions = ("luova" if family in BY_LUOVA else family, message_type, sender)
                process = PROCESSES.get(message_type.partition(".")[2], "")
                ends = [
                    ("received", ""),
                    ("accepted", ""),
                    ("queued", receiver),
                    ("delivered", receiver),
                ]
                for kind, end in [*ends, *([("begun", "")] if message_type in BEGINS else [])]:
                    yield (
                        minute,
                        number_of(date),
                        *dimensions,
                        end,
                        endpoint,
                        kind,
                        process,
                        of_messages,
                        part,
                        1000 * of_messages,
                    )
                    if end and message_type in ITEMS:
                        yield (
                            minute,
                            number_of(date),
                            *dimensions,
                            end,
                            endpoint,
                            f"{kind}:{ITEMS[message_type]}",
                            process,
                            of_messages,
                            part,
                            0,
                        )


def _split(items: int, messages: int, rng: random.Random) -> Iterator[tuple[int, int, int]]:
    """Hours of a day with the items and the messages in each."""
    hours = sorted(rng.choices(range(24), HOURS, k=max(1, min(messages, 12))))
    for index, hour in enumerate(hours):
        yield (
            hour,
            *(total // len(hours) + (index < total % len(hours)) for total in (items, messages)),
        )
