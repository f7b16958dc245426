"""Looking up reports: what the index of deliveries costs to build from cold, in time, memory and
what others wait for it, and what a question costs once it is there; in one process, without
sockets.

Payers report each month about the same earners. Most give few deliveries; one gives many, so that a
question about it, or about one of its earners, has many hits. Times are of the clock, not of the
processor: what somebody who asks waits.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import gc
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from lxml import etree

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.document import WAGE_REPORTS
from exchange.adapters.income_register.endpoints import wsdl
from exchange.adapters.income_register.hand_out.query import answer_query
from exchange.adapters.income_register.orders import query_data_type
from exchange.adapters.income_register.orders.conditions import Conditions, of_data
from exchange.adapters.income_register.register.index import Index
from exchange.adapters.income_register.signature.sign import sign, signing_key
from exchange.assembly import Exchange
from exchange.benchmarks.income_delivery import Peak, give_back, resident_bytes
from exchange.cli.serving.garbage_collection import GARBAGE_OBJECTS_MAX
from exchange.ports import Desk, Inbound
from exchange.schemas.call import XML, Call
from exchange.schemas.directory import Partner
from exchange.schemas.identifiers import make_business_id
from exchange.settings import Settings

CHANNEL, SENDER, ASKER = "income-register", "employer.demo-oy", "kela.income-data"
SERVICE = "WageReportQueryService"
#: Deliveries of each ordinary payer; the large one gives a tenth of all.
FEW = 2
#: Longer than an index waits before it takes up a delivery.
SETTLED_SECONDS = 10
DELIVERIES_AT_ONCE = 32


class Clock:
    """The wall clock, which can be put forward."""

    ahead_milliseconds = 0

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""
        return time.time_ns() // 1_000_000 + self.ahead_milliseconds

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays: business id, one of its earners, and how many deliveries it gives."""

    business_id: str
    earner: str
    deliveries: int


class Holds:
    """How long the event loop was held at most while the block ran, in milliseconds."""

    milliseconds = 0.0

    async def __aenter__(self) -> Holds:
        self._task = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        return self

    async def _watch(self) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.milliseconds = max(self.milliseconds, (now - before) * 1000 - 1)
            before = now

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0.002)
        self._task.cancel()


async def fill(desk: Desk, partner: Partner, deliveries: int, reports: int) -> list[Payer]:
    """Take in that many deliveries of wage reports; who paid, the one with many deliveries
    first.
    """
    counts = [max(deliveries // 10, FEW)]
    while sum(counts) < deliveries:
        counts.append(min(FEW, deliveries - sum(counts)))
    # Some numbers have no check digit and give the next one's id: hence steps.
    codes = [make_business_id(1_000_000 + 10 * number) for number in range(len(counts))]
    order = [number for number, count in enumerate(counts) for _ in range(count)]
    random.Random(1).shuffle(order)
    day, earners = datetime.datetime.now(datetime.UTC).date(), dict[int, str]()
    waiting: list[Inbound] = []
    for serial, number in enumerate(order):
        batch = generate.Batch(
            payer=codes[number],
            sender=partner.business_id,
            day=day,
            delivery_id=f"index-{serial}",
            reports=reports,
            real_time=False,
        )
        body = generate.wage_delivery(random.Random(number), batch)
        if number not in earners:
            earners[number] = str(etree.fromstring(body).findtext(".//IncomeEarnerIds/Id/Code"))
        waiting.append(Inbound(partner, body, XML, "deferred"))
        if len(waiting) == DELIVERIES_AT_ONCE or serial == len(order) - 1:
            outcomes = await desk.accept_many(waiting)
            assert all(outcome.kind == "accepted" for outcome in outcomes), outcomes[0].violations[
                :3
            ]
            waiting.clear()
    return [
        Payer(code, earners[number], count)
        for number, (code, count) in enumerate(zip(codes, counts, strict=True))
    ]


def conditions(payer: Payer, by: str) -> Conditions:
    """What a question by `earner` or `payer` asks for."""
    kind, of, code = (
        (query_data_type.EARNER, "2", payer.earner)
        if by == "earner"
        else (query_data_type.PAYER, "1", payer.business_id)
    )
    return of_data({"ids": {kind: [[of, code]]}}, "400")


def request(payer: Payer, by: str, asker: Partner) -> Call:
    """The same question as a partner asks it: signed, over SOAP."""
    root, query_type = (
        ("WageReportsOneIncomeEarner", "400") if by == "earner" else ("WageReportsOnePayer", "401")
    )
    kind, of, code = (
        (query_data_type.EARNER, "2", payer.earner)
        if by == "earner"
        else (query_data_type.PAYER, "1", payer.business_id)
    )
    now = datetime.datetime.now(datetime.UTC)
    parties = "".join(
        f"<DeliveryData{party}><Type>1</Type><Code>{asker.business_id}</Code></DeliveryData{party}>"
        for party in ("Owner", "Creator", "Sender")
    )
    document = (
        f'<d:{root}RequestToIR xmlns:d="http://www.tulorekisteri.fi/2017/1/DataRequestToIR">'
        f"<Timestamp>{now:%Y-%m-%dT%H:%M:%S}Z</Timestamp>"
        f"<QueryDataType>{query_type}</QueryDataType><ProductionEnvironment>"
        f"false</ProductionEnvironment>{parties}<DataRequestParameters>"
        f"<IdCodeParameter><ParameterType>{kind}</ParameterType><IdType>{of}</IdType><IdCode>"
        f"{code}</IdCode></IdCodeParameter>"
        f"</DataRequestParameters></d:{root}RequestToIR>"
    )
    body = sign(document.encode(), signing_key())
    envelope = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        + body
        + b"</s:Body></s:Envelope>"
    )
    return Call("POST", f"/income-register/20170526/{SERVICE}.svc", {"Content-Type": XML}, envelope)


async def timed(
    action: Callable[[Payer], Awaitable[int]], payers: Sequence[Payer], times: int
) -> tuple[list[float], float]:
    """Milliseconds of each of so many questions, and their hits on the average."""
    took, hits = [], 0
    for number in range(times):
        started = time.perf_counter()
        hits += await action(payers[number % len(payers)])
        took.append((time.perf_counter() - started) * 1000)
    return took, hits / times


async def questions(desk: Desk, asker: Partner, payers: Sequence[Payer], times: int) -> None:
    """Print what questions cost, about payers with few deliveries and about the one with many."""
    operations = wsdl.SERVICES[SERVICE]
    print("| question | hits | median, ms | p99, ms | loop held, ms |\n|---|---|---|---|---|")
    for hits, about in (("few", payers[1:]), ("many", payers[:1])):
        for by in ("earner", "payer"):

            async def find(payer: Payer, by: str = by) -> int:
                return len(
                    [
                        each
                        async for each in Index(desk).look_up(WAGE_REPORTS, conditions(payer, by))
                    ]
                )

            calls = {payer: request(payer, by, asker) for payer in about[:times]}

            async def answer(payer: Payer, calls: dict[Payer, Call] = calls) -> int:
                reply = await answer_query(operations, calls[payer], asker, desk)
                assert reply.status == 200, reply.body[:500]
                return reply.body.count(b"<Report>")

            for name, action in (
                (f"deliveries of the {by}", find),
                (f"reports of the {by}, signed", answer),
            ):
                async with Holds() as holds:
                    took, mean = await timed(
                        action, about[:times], times if hits == "few" else max(times // 10, 3)
                    )
                p99 = statistics.quantiles(took, n=100, method="inclusive")[98]
                print(
                    f"| {name} | {hits} ({mean:.0f}) | {statistics.median(took):.1f} | {p99:.1f} | "
                    f"{holds.milliseconds:.1f} |"
                )


async def measure(deliveries: int, reports: int, times: int) -> None:
    """Fill a ledger, build its index, ask."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        exchange = Exchange(
            Settings(
                storage={"url": f"sqlite:///{folder}/exchange.db"},
                rules={"unsigned_deliveries": "take"},
            ),
            clock=clock,
        )
        await exchange.open(deliver=False)
        try:
            partner, asker = exchange.directory.get(SENDER), exchange.directory.get(ASKER)
            assert partner is not None
            assert asker is not None
            desk = exchange.desk(exchange.channels[CHANNEL])
            started = time.perf_counter()
            payers = await fill(desk, partner, deliveries, reports)
            print(
                f"{deliveries:,} deliveries of {reports:,} reports taken in, "
                f"{time.perf_counter() - started:.1f} s"
            )
            clock.ahead_milliseconds = SETTLED_SECONDS * 1000
            # As a worker does once it serves.
            gc.collect()
            gc.freeze()
            gc.set_threshold(GARBAGE_OBJECTS_MAX, 20, 20)
            give_back()
            with Peak(resident_bytes()) as peak:
                async with Holds() as holds:
                    started = time.perf_counter()
                    await anext(
                        aiter(Index(desk).look_up(WAGE_REPORTS, conditions(payers[1], "earner"))),
                        None,
                    )
                    seconds = time.perf_counter() - started
            print(
                f"index built from cold: {seconds * 1000:.0f} ms, loop held "
                f"{holds.milliseconds:.1f} ms, {peak.mib:.1f} MiB above idle"
            )
            await questions(desk, asker, payers, times)
        finally:
            await exchange.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m exchange.benchmarks.report_index", description=__doc__
    )
    parser.add_argument("--deliveries", type=int, default=2000, help="deliveries in the ledger")
    parser.add_argument("--reports", type=int, default=50, help="reports in each")
    parser.add_argument(
        "--times",
        type=int,
        default=300,
        help="questions of each kind with few hits; a tenth with many",
    )
    given = parser.parse_args()
    asyncio.run(measure(given.deliveries, given.reports, given.times))
