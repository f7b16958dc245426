"""The rows of the statistics counted from messages, deliveries and events alone, as their published
words say; no code of the statistics, no counter of the ledger.
"""

from __future__ import annotations

import datetime
import json
import re
import sqlite3
from collections import Counter
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
LEFT JOIN (SELECT delivery_id, MAX(at) AS at, MIN(id) AS number FROM event
           WHERE kind='delivered' GROUP BY delivery_id) AS taken ON taken.delivery_id=delivery.id
WHERE message.state='accepted' ORDER BY taken.number, message.id
"""
#: Births, deaths ...; of whom, and on which day. Told by several messages it is one.
Change = tuple[str, str, str]
#: Every sort of address but that of e-mail.
_ADDRESS = r"\w+MAINEN_(POSTI)?OSOITE"
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
    changes: Counter[str]


def read(ledger: Path, directory: Directory) -> list[Sent]:
    """Every delivery of every accepted message."""
    with closing(sqlite3.connect(ledger)) as connection:
        told: set[Change] = set()
        return [_sent(row, directory, told) for row in connection.execute(_ROWS)]


def _sent(row: tuple[Any, ...], directory: Directory, told: set[Change]) -> Sent:
    message_type, sender_id, endpoint, received_at, receiver_id, items, codec, content, taken_at = (
        row
    )
    sender, receiver = directory.get(sender_id), directory.get(receiver_id)
    assert sender is not None
    assert receiver is not None
    changes: set[Change] = set()
    if taken_at is not None and message_type.startswith("population."):
        changes = _changes(json.loads(unpack(codec, content))) - told
    if message_type == QUERY and sender.sector == "kela":
        changes = _changes(_page(json.loads(unpack(codec, content)), received_at // 1000)) - told
    told |= changes
    return Sent(
        message_type, endpoint, sender.id, receiver.id, sender.sector, receiver.sector, sender.country,
        receiver.country, items, _day(received_at), None if taken_at is None else _day(taken_at),
        Counter(kind for kind, *_ in changes),
    )  # fmt: skip


def _page(question: dict[str, Any], now: int) -> dict[str, Any]:
    """What a question was told."""
    after = question["viimeisinKirjausavain"]
    return feed.changes(question["hetulista"], after, now, True).document


def _day(milliseconds: int) -> datetime.date:
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, ZoneInfo("Europe/Helsinki"))
    return moment.date()


def _changes(document: dict[str, Any]) -> set[Change]:
    """Births, deaths, changes of address and first municipalities in a message."""
    found: set[Change] = set()
    for change in document["muutokset"]:
        code, told_on = change["henkilotunnus"], change["muutospv"][:10]
        of: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for group in change["tietoryhmat"]:
            attribute = group.get("muutosattribuutti") or "LISATTY"
            of.setdefault((group["tietoryhma"], attribute), []).append(group)
        found |= _births(of, told_on)
        for group in of.get(("KUOLINPAIVA", "LISATTY"), ()):
            if group["kuollut"]:
                found.add(("deaths", code, _arvo(group, "kuolinpv") or told_on))
        addresses = [name for name, _ in of if re.fullmatch(_ADDRESS, name)]
        begun, ended = (
            [_arvo(group, day) for each in addresses for way in ways for group in of.get((each, way), ())]
            for ways, day in ((("LISATTY",), "alkupv"), (("MUUTETTU", "POISTETTU"), "loppupv"))
        )  # fmt: skip
        if begun or ended:
            day = max(begun, default="") or max(ended, default="") or told_on
            found.add(("address-changes", code, day))
        homes = [attribute for name, attribute in of if name == "KOTIKUNTA"]
        if homes == ["LISATTY"] and (
            not {"EDELLINEN_KOTIKUNTA", "SYNTYMAPAIVA"} & {name for name, _ in of}
        ):
            came = _arvo(of["KOTIKUNTA", "LISATTY"][-1], "kuntaanMuuttopv") or told_on
            found.add(("registrations", code, came))
    return found


def _births(of: dict[tuple[str, str], list[dict[str, Any]]], told_on: str) -> set[Change]:
    """The children whom their mother's record tells."""
    children = (
        group["lapsi"]["henkilotunnus"]
        for name in ("LAPSI", "LAPSI_SUPPEA")
        for group in of.get((name, "LISATTY"), ())
        if group.get("isaAiti", "AITI") == "AITI"
    )
    # A new century's sign, and the year of the change or the one before.
    return {
        ("births", child, "")
        for child in children
        if child[6] in "ABCDEF" and 2000 + int(child[4:6]) >= int(told_on[:4]) - 1
    }


def _arvo(group: dict[str, Any], field: str) -> str:
    return (group.get(field) or {}).get("arvo", "")


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
