"""Each figure of the overview is the number of messages that the search behind it finds: of all
time, of today, of yesterday and of the same weekday last week up to this time.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from lxml import html

from exchange.clocks import WallClock
from exchange.statistics.days import FINLAND
from tests.contracts import rows
from tests.exchange.web.access.endpoints import ME
from tests.exchange.web.dead import die
from tests.journeys.running import Running, running

RECEIVER = "fund.super"
NOW = datetime.datetime(2026, 3, 18, 12, 0, 30, tzinfo=FINLAND)


class SetClock(WallClock):
    """A clock that stands where it is set; waits are as long as they are."""

    def __init__(self, at: datetime.datetime) -> None:
        self.at = at

    def now(self) -> int:
        return int(self.at.timestamp() * 1000)


async def a_mixture(served: Running, name: str, delivered: int) -> None:
    """So many are delivered, the first with nothing in it; one waits, one is dead, one skipped, one
    repeated and two refused.
    """
    exchange, now = served.exchange, served.exchange.clock.now()
    ends = ["delivered"] * delivered + ["waiting", "rejected", "rejected"]
    for number, end in enumerate(ends):
        each = rows.record(
            f"{name}-{number}",
            digest=f"{name} {number}".encode(),
            received_at=now,
            process="empty" if number == 0 else "",
            state="rejected" if end == "rejected" else "accepted",
            modes=() if end == "rejected" else ("mailbox",),
            receiver=RECEIVER,
        )
        assert (await exchange.ledger.record(each)).kind == "new"
        if end == "delivered":
            assert await exchange.ledger.settle(rows.settlement(each, end, [end], now))
        if end == "waiting":
            assert (await exchange.ledger.record(each)).kind == "duplicate"
    await die(exchange, f"{name} dead", "http-503: closed", RECEIVER)
    skipped = await die(exchange, f"{name} skipped", "http-503: closed", RECEIVER)
    assert await exchange.mailboxes.skip([skipped], ME) == [skipped]


async def overview(served: Running) -> html.HtmlElement:
    """The overview with what is counted by now."""
    return html.document_fromstring((await served.get("/?lang=en"))[2].decode())


async def test_each_figure_is_what_its_search_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock(NOW - datetime.timedelta(days=7, hours=1))
    async with running(tmp_path, clock=clock) as served:
        # (An id tells when it was given.)
        monkeypatch.setattr(rows, "_ids", iter(served.exchange.ids.next, None))
        await a_mixture(served, "last-week", 1)
        clock.at = NOW - datetime.timedelta(days=1, seconds=31)
        await a_mixture(served, "yesterday", 2)
        clock.at = NOW - datetime.timedelta(days=1, seconds=30)
        await a_mixture(served, "later yesterday", 3)
        clock.at = NOW
        await a_mixture(served, "today", 4)
        await served.exchange.ledger.hold(clock.now())
        page, found = await overview(served), dict[str, int]()
        figures = {str(each.get("data-field")): each for each in page.xpath("//*[@data-field]")}
        for field, figure in figures.items():
            (address,) = figure.xpath("parent::a/@href") or ("",)
            is_rate = field.endswith(".rate")
            if address and not is_rate and field.startswith(("all.", "luova.")):
                result = html.document_fromstring((await served.get(address))[2].decode())
                found[field] = len(result.xpath("//main//table/tbody/tr"))
        counted = {name: int(figures[name].text_content()) for name in found}
        repeated = {
            name: int(figures[name.replace("received", "duplicate")].text_content())
            for name in found
            if "received" in name
        }
        assert counted == {name: rows + repeated.get(name, 0) for name, rows in found.items()}
        of_all = {name.removeprefix("all."): count for name, count in counted.items()}
        days = ("last-week", "yesterday", "today")
        assert [of_all[f"delivered.{day}"] for day in days] == [1, 2, 4]
        assert [of_all[f"dead-lettered.{day}"] for day in days] == [2, 2, 2]
        assert (of_all["delivered"], of_all["dead-lettered"], of_all["waiting"]) == (10, 8, 4)
        assert (of_all["empty"], of_all["duplicate"], of_all["duplicate.today"]) == (4, 4, 1)
        assert of_all["received"] == 4 * 6 + 10
