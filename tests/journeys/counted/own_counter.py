"""The rows of the statistics counted from messages, deliveries and events alone, as their published
words say; no code of the statistics, no counter of the ledger.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from exchange.adapters.population_register import feed
from exchange.schemas.directory import Directory
from exchange.storage.codec import unpack

_ROWS = """
SELECT message.message_type, message.sender, message.endpoint, message.received_at, delivery.receiver,
       delivery.items, body.codec, body.content, taken.at
FROM message JOIN delivery ON delivery.message_id=message.id
LEFT JOIN body ON body.message_id=message.id
LEFT JOIN (SELECT delivery_id, MAX(at) AS at FROM event WHERE kind='delivered'
           GROUP BY delivery_id) AS taken ON taken.delivery_id=delivery.id
WHERE message.state='accepted' ORDER BY message.id
"""
#: What Kela asks the population register; the answer is not kept, and is asked for anew here.
QUERY = "population-register.changes-query"


@dataclass
class Sent:
    """One message to one receiver: who they are, and on which days it was accepted and taken."""

    type: str
    endpoint: str
    sender: str
    receiver: str
    sector: str
    to_sector: str
    country: str
    to_country: str
    items: int
    sent_on: datetime.date
    taken_on: datetime.date | None
    changes: dict[str, int]


def read(ledger: Path, directory: Directory) -> list[Sent]:
    """Every delivery of every accepted message."""
    with closing(sqlite3.connect(ledger)) as connection:
        told: dict[frozenset[str], str] = {}
        return [_sent(row, directory, told) for row in connection.execute(_ROWS)]


def _sent(row: tuple[Any, ...], directory: Directory, told: dict[frozenset[str], str]) -> Sent:
    message_type, sender_id, endpoint, received_at, receiver_id, items, codec, content, taken_at = (
        row
    )
    sender, receiver = directory.get(sender_id), directory.get(receiver_id)
    assert sender is not None
    assert receiver is not None
    changes = {}
    if message_type.startswith("population."):
        changes = _changes(json.loads(unpack(codec, content)))
    if message_type == QUERY and sender.sector == "kela":
        changes = _changes(_news(json.loads(unpack(codec, content)), received_at // 1000, told))
    return Sent(
        message_type, endpoint, sender.id, receiver.id, sender.sector, receiver.sector, sender.country,
        receiver.country, items, _day(received_at), None if taken_at is None else _day(taken_at),
        changes,
    )  # fmt: skip


def _news(question: dict[str, Any], now: int, told: dict[frozenset[str], str]) -> dict[str, Any]:
    """The changes of a list of persons that no question about the same list was told before."""
    persons = frozenset(question["hetulista"])
    page = feed.changes(persons, question["viimeisinKirjausavain"], now, True).document
    last = told.get(persons, "")
    new = [change for change in page["muutokset"] if change["muutospv"] > last]
    told[persons] = max([last, *(change["muutospv"] for change in new)])
    return {"muutokset": new}


def _day(milliseconds: int) -> datetime.date:
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, ZoneInfo("Europe/Helsinki"))
    return moment.date()


def _changes(document: dict[str, Any]) -> dict[str, int]:
    """Births (a child once), deaths, changes of address and first municipalities in a message."""
    children, found = set(), dict.fromkeys(("deaths", "address-changes", "registrations"), 0)
    for change in document["muutokset"]:
        year = int(change["muutospv"][:4])
        groups = change["tietoryhmat"]
        by_name: dict[str, set[str]] = {}
        for group in groups:
            by_name.setdefault(group["tietoryhma"], set()).add(
                group.get("muutosattribuutti", "LISATTY")
            )
            by_mother = group.get("isaAiti", "AITI") == "AITI"
            if (
                group["tietoryhma"] == "LAPSI_SUPPEA"
                and by_mother
                and (group["muutosattribuutti"] == "LISATTY")
            ):
                code = group["lapsi"]["henkilotunnus"]
                # A new century's sign, and the year of the change or the one before.
                if code[6] in "ABCDEF" and 2000 + int(code[4:6]) >= year - 1:
                    children.add(code)
            if group["tietoryhma"] == "KUOLINPAIVA" and group["muutosattribuutti"] == "LISATTY":
                found["deaths"] += group["kuollut"]
        addresses = by_name.get("VAKINAINEN_KOTIMAINEN_OSOITE", set())
        addresses = addresses | by_name.get("KOTIMAINEN_POSTIOSOITE", set())
        found["address-changes"] += bool(addresses & {"LISATTY", "MUUTETTU", "POISTETTU"})
        found["registrations"] += by_name.get("KOTIKUNTA") == {"LISATTY"} and (
            not {"EDELLINEN_KOTIKUNTA", "SYNTYMAPAIVA"} & set(by_name)
        )
    return {"births": len(children), **found}


When = Callable[[Sent], datetime.date | None]
SENT: When = lambda each: each.sent_on  # noqa: E731 - one word a row
TAKEN: When = lambda each: each.taken_on  # noqa: E731 - one word a row


def count(deliveries: list[Sent], first: datetime.date, last: datetime.date) -> dict[str, float]:
    """The rows over the days [first, last], the one of a day as the sum over all of them."""
    totals: dict[str, float] = {}

    def row(
        name: str,
        when: When,
        which: Callable[[Sent], bool],
        much: Callable[[Sent], int] = lambda each: 1,
    ) -> None:
        totals[name] = totals.get(name, 0) + sum(
            much(each)
            for each in deliveries
            if (day := when(each)) is not None and first <= day <= last and which(each)
        )

    items: Callable[[Sent], int] = lambda each: each.items  # noqa: E731 - one word a row
    _international(row, items)
    _kelmu(row)
    _luova(row, items)
    _registers(row, items)
    totals["luova.messages-per-day"] = _carried(row, totals)
    return totals


def _international(row: Any, items: Any) -> None:
    def abroad(each: Sent) -> bool:
        return each.type.startswith("eessi.") and each.country == "FI" != each.to_country

    def home(each: Sent) -> bool:
        return each.type.startswith("eessi.") and each.to_country == "FI" != each.country

    for name in ("eessi.total", "eessi.sent"):
        row(name, SENT, abroad)
    for name in ("eessi.total", "eessi.received"):
        row(name, TAKEN, home)
    for name in ("circumstance-changes", "insurance", "supplementary-pensions"):
        of = f"bilateral.{name}"
        row(of, SENT, lambda e, of=of: e.type == of and e.sector == "kela", items)
        row(of, TAKEN, lambda e, of=of: e.type == of and e.to_sector == "kela", items)


def _kelmu(row: Any) -> None:
    def query(each: Sent) -> bool:
        return each.type in ("kelmu.benefit-query", "kelmu.benefit-query-bulk")

    row("kelmu.queries", SENT, query)
    row("kelmu.queries.api", SENT, lambda e: query(e) and e.endpoint == "api")
    row("kelmu.queries.ui", SENT, lambda e: query(e) and e.endpoint == "ui")
    for name, sector in (
        ("municipalities", "municipality"),
        ("wellbeing-counties", "wellbeing-county"),
        ("helsinki", "helsinki"),
    ):
        row(
            f"kelmu.queries.{name}",
            SENT,
            lambda e, sector=sector: query(e) and e.endpoint == "ui" and e.sector == sector,
        )
    row("pension.kelmu-queries", SENT, lambda e: query(e) and e.sector == "pension-institution")
    row(
        "kelmu.information-requests",
        SENT,
        lambda e: e.type == "kelmu.information-request" and e.to_sector == "wellbeing-county",
    )


def _luova(row: Any, items: Any) -> None:
    def of(name: str) -> Callable[[Sent], bool]:
        return lambda each: each.type == name

    row(
        "unemployment.earnings-related-data-received",
        TAKEN,
        of("unemployment.earnings-data"),
        items,
    )
    row("unemployment.information-requests", SENT, of("unemployment.information-request"))
    row("unemployment.benefit-data-sent", SENT, of("unemployment.benefit-data"), items)
    row("pension.decisions-received", TAKEN, of("pension.decisions"), items)
    row("pension.work-history-queries", SENT, of("pension.work-history-query"))
    row(
        "pension.unpaid-periods-sent",
        SENT,
        lambda e: e.type == "pension.unpaid-periods" and e.receiver.startswith("etk"),
        items,
    )
    row("pension.accident-data-queries", SENT, of("pension.accident-data-query"))
    row("payments.messages-sent", SENT, of("payments.credit-transfers"))
    row("payments.payments-in-messages", SENT, of("payments.credit-transfers"), items)
    row("certificates.received", SENT, lambda e: e.type.startswith("certificates."))
    row("tax.requests-sent", SENT, of("tax.request"))
    row("tax.responses-received", TAKEN, of("tax.response"))
    for name in ("births", "deaths", "address-changes", "registrations"):
        row(
            f"population.{name}",
            TAKEN,
            lambda e: bool(e.changes),
            lambda e, name=name: e.changes[name],
        )


def _registers(row: Any, items: Any) -> None:
    for name in ("wage", "benefit"):
        of = f"income-register.{name}-reports-from-ir"
        row(
            f"income.{name}-reports-received",
            TAKEN,
            lambda e, of=of: e.type == of and e.to_sector == "kela",
            items,
        )
    row(
        "income.benefit-reports-sent",
        SENT,
        lambda e: e.type == "income-register.benefit-reports" and e.sector == "kela",
        items,
    )


def _carried(row: Any, totals: dict[str, float]) -> float:
    """What Luova carries: the rows' figures, and messages that none of them counts."""
    rows = [
        figure
        for name, figure in totals.items()
        if not name.startswith(("eessi", "kelmu", "population"))
        and name not in ("pension.kelmu-queries", "payments.payments-in-messages")
    ]
    # Of the register's own form the message counts; of the others what they say.
    row("messages", TAKEN, lambda e: e.type in ("pension.work-history", "pension.accident-data"))
    row("messages", TAKEN, lambda e: e.type == "population.changes")
    row(
        "messages",
        SENT,
        lambda e: e.type == "pension.unpaid-periods" and not e.receiver.startswith("etk"),
    )
    for name in ("births", "deaths", "address-changes", "registrations"):
        row(
            "messages",
            TAKEN,
            lambda e: bool(e.changes) and e.type != "population.changes",
            lambda e, name=name: e.changes[name],
        )
    return sum(rows) + totals.pop("messages")
