"""Operational records of calls: shared by every node, the newest so many, in the order of time."""

from __future__ import annotations

from exchange.ports.services import CallRecord
from exchange.schemas.x_road import operational_records
from exchange.schemas.x_road.identifiers import Identifier, client
from exchange.storage.ledger import SqlLedger
from exchange.storage.partners.call_records import LedgerCallRecords
from tests.contracts.conftest import another

EVER = (0, 1 << 62)
TOWN, OTHER, REGISTER = "FI/MUN/1/town", "FI/MUN/2/other", "FI/GOV/3/register"


def made(at: int, by: str = TOWN, text: str = "{}") -> CallRecord:
    return CallRecord(at=at, client=by, provider=REGISTER, content=text)


async def test_every_node_sees_every_record_and_only_the_newest_stay(ledger: SqlLedger) -> None:
    beside = another(ledger, node=1)
    await beside.open()
    try:
        one, two = LedgerCallRecords(ledger), LedgerCallRecords(beside)
        await one.keep([made(5), made(1)], most=4)
        await two.keep([made(3), made(4, OTHER)], most=4)
        for each in (one, two):
            assert [told.at for told in await each.told(*EVER, (), 9)] == [1, 3, 4, 5]
        await one.keep([made(6)], most=4)
        # What was committed first goes first, whatever its time is.
        assert [told.at for told in await two.told(*EVER, (), 9)] == [1, 3, 4, 6]
        assert await two.drop(before=4) == 2
        assert [told.at for told in await one.told(*EVER, (), 9)] == [4, 6]
    finally:
        await beside.close()
    assert (await ledger.verify()).clean


async def test_records_are_told_of_a_time_and_of_whom_they_are_about(ledger: SqlLedger) -> None:
    records = LedgerCallRecords(ledger)
    await records.keep([made(1), made(2, OTHER), made(3), made(4)], most=9)

    async def told(*asked: object, newest_first: bool = False) -> list[int]:
        return [each.at for each in await records.told(*asked, newest_first=newest_first)]  # type: ignore[arg-type]

    assert await told(2, 4, (), 9) == [2, 3]
    assert await told(*EVER, (TOWN,), 9) == [1, 3, 4]
    assert await told(*EVER, (TOWN, OTHER), 9) == []
    assert await told(*EVER, (REGISTER, OTHER), 9) == [2]
    assert await told(*EVER, (), 2) == [1, 2]
    assert await told(*EVER, (), 2, newest_first=True) == [4, 3]


async def test_what_a_sender_calls_itself_can_be_kept_whatever_it_is(ledger: SqlLedger) -> None:
    long = "x" * 100_000
    seen = operational_records.Observed(
        "id", came_at=1, client=client(["FI", "MUN", "1\0\ud800", long])
    )
    seen.service = Identifier("SERVICE", {"xRoadInstance": long, "serviceCode": long})
    ends = operational_records.ends_of(seen)
    assert max(map(len, ends)) <= operational_records.TEXT_MAX
    (told,) = operational_records.records(seen, "127.0.0.1")
    assert (
        max(len(text) for text in told.values() if isinstance(text, str))
        <= operational_records.TEXT_MAX
    )
    await LedgerCallRecords(ledger).keep([CallRecord(1, *ends, "{}")], most=9)
    assert len(await LedgerCallRecords(ledger).told(*EVER, (), 9)) == 1
