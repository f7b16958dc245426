"""The published mix of traffic over two gateways, two deliverers, a keeper and a PostgreSQL server
with its synchronous standby, and over one exchange with its ledger in a file: nothing is lost, and
what a message costs in processor time is told of each.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from exchange.storage.postgresql_server.address import Server as Address
from exchange.storage.proof.verify import Verification, verify
from exchange.storage.snapshot import Where, snapshot
from tests.drills.client import Spread
from tests.drills.conftest import Record
from tests.drills.drill import FULL, Row, stored
from tests.drills.server import Server, family_seconds, free_port
from tests.journeys.postgresql.test_mix import accepted, deliver_all, end, traffic
from tests.journeys.test_one_owner import start
from tests.postgresql import LocalStandby, local_server, local_standby, name_of

pytestmark = pytest.mark.drill

ROLES = ("gateway", "gateway", "deliverer", "deliverer", "keeper")
#: Calls a second by each of two groups of partners, and for how long; before it for how long to
#: warm up: each process compiles schemas and plans statements with its first messages.
RATE, SECONDS = float(os.environ.get("DRILLS_RATE", "10")), (60.0 if FULL else 12.0)
WARM_UP_SECONDS = 15.0 if FULL else 3.0
#: Whose conversations, half of them ordered, go to both gateways in turn; their pause.
SENDERS, PAUSE_SECONDS = 4, 1.0
#: For how long nothing is sent, to see what is spent on nothing.
IDLE_SECONDS = 10.0 if FULL else 3.0
#: How long it may take until all is delivered.
END_SECONDS = 120.0
#: Runs of each, in turn: one shows that nothing is lost; figures to compare want more.
PAIRS = int(os.environ.get("DRILLS_PAIRS", "1"))
#: The wait of the settings, in place of the short one of other drills.
AS_SET = {"EXCHANGE_DELIVERIES__POLL_SECONDS": "1.0"}
#: Ordered deliveries that have one before them in their conversation; those of them that ended
#: before it.
_IN_ORDER = """
SELECT COUNT(before), COALESCE(SUM(CASE WHEN id<before THEN 1 ELSE 0 END),0) FROM (
  SELECT event.id, LAG(event.id) OVER (
    PARTITION BY delivery.receiver, message.channel, message.conversation
    ORDER BY delivery.position, delivery.id) AS before
  FROM delivery JOIN message ON message.id=delivery.message_id
  JOIN event ON event.message_id=message.id AND event.delivery_id=delivery.id
    AND event.kind='delivered'
  WHERE delivery.ordered=1
) AS made
"""


#: What the partners tell of their calls, and of those without an answer.
_LATE = re.compile(r"calls sent: \d+ accepted, \d+ rejected, (\d+) failed")
#: Dead letters but those of callers who wait for the answer: on a busy machine one of these may
#: come too late.
_DEAD = "SELECT COUNT(*) FROM delivery WHERE state='dead' AND mode!='ask'"


@dataclass
class Deployment:
    """Exchanges on one ledger. `spent` tells processor time so far (seconds), by who spent it."""

    where: Where
    gateways: list[Server]
    spent: dict[str, Callable[[], float]]
    standby: LocalStandby | None = None

    def seconds(self) -> dict[str, float]:
        """Processor time so far."""
        return {name: read() for name, read in self.spent.items()}


@asynccontextmanager
async def deployed(
    folder: Path, stubs: str, ledger: Where | None, roles: tuple[str, ...]
) -> AsyncIterator[list[Server]]:
    """Started exchanges of these roles on a ledger; None: in a file."""
    servers = []
    for number, role in enumerate(roles):
        own = folder / f"{role}-{number}"
        own.mkdir(parents=True)
        options = ("--role", role)
        servers.append(Server(own, stubs, environment=AS_SET, ledger=ledger, options=options))
    try:
        async with aiohttp.ClientSession() as session:
            for server in servers:
                await server.start(session)
        yield servers
    finally:
        for server in servers:
            await server.clear()


@asynccontextmanager
async def embedded(folder: Path, stubs: str) -> AsyncIterator[Deployment]:
    """One exchange with its ledger in a file."""
    async with deployed(folder, stubs, None, ("all",)) as [server]:
        yield Deployment(server.ledger, [server], {"embedded": server.spent_seconds})


@asynccontextmanager
async def cluster(folder: Path, stubs: str) -> AsyncIterator[Deployment]:
    """Nodes with roles on a server with a synchronous standby."""
    primary = await asyncio.to_thread(local_server)
    try:
        standby = await asyncio.to_thread(local_standby, primary)
        try:
            where = primary.ledger()
            async with deployed(folder, stubs, where, ROLES) as servers:
                spent = {
                    "gateways": lambda: sum(each.spent_seconds() for each in servers[:2]),
                    "deliverers": lambda: sum(each.spent_seconds() for each in servers[2:4]),
                    "keeper": servers[4].spent_seconds,
                    "server": partial(family_seconds, primary.pid),
                    "standby": partial(family_seconds, standby.pid),
                }
                yield Deployment(where, servers[:2], spent, standby)
        finally:
            await asyncio.to_thread(standby.remove)
    finally:
        await asyncio.to_thread(primary.remove)


@dataclass
class Run:
    """What became of the traffic; microseconds of processor time a message by who spent it, beyond
    what they spend on nothing; that, in milliseconds a second.
    """

    calls: int
    #: Calls of callers who had no answer in time. (What they sent may be taken all the same.)
    late: int
    found: Verification
    ordered: int
    message: dict[str, float]
    idle: dict[str, float]

    def sum(self, kind: str) -> int:
        """Of a count, over all channels."""
        return sum(sums.get(kind, 0) for sums in self.found.channels.values())


async def run(made: Deployment) -> Run:
    """Send the mix to the gateways, and account for it."""
    loop = asyncio.get_running_loop()
    told = await sent(made, WARM_UP_SECONDS, "3", "4")
    warmed, first = await received(made), made.seconds()
    await asyncio.sleep(IDLE_SECONDS)
    before, began = made.seconds(), loop.time()
    idle = {name: (before[name] - first[name]) / IDLE_SECONDS for name in first}
    async with Spread([each.url for each in made.gateways], SENDERS, PAUSE_SECONDS) as client:
        client.begin()
        told += await sent(made, SECONDS, "1", "2", ending=client.end)
    after, lasted = made.seconds(), loop.time() - began
    found = await asyncio.to_thread(proved, made)
    kept = await asyncio.to_thread(stored, made.where)
    assert client.journal.missing(kept) == []
    messages = sum(sums.get("received", 0) for sums in found.channels.values()) - warmed
    answered = sum(accepted(each, all_answered=False) for each in told)
    return Run(
        calls=answered + len(client.journal.receipts),
        late=sum(int(each) for each in _LATE.findall(" ".join(told))),
        found=found,
        ordered=await asyncio.to_thread(in_order, made.where),
        message={
            name: (after[name] - before[name] - idle[name] * lasted) / messages * 1e6
            for name in first
        },
        idle={name: spent * 1000 for name, spent in idle.items()},
    )


async def sent(
    made: Deployment,
    seconds: float,
    *seeds: str,
    ending: Callable[[], Awaitable[None]] | None = None,
) -> list[str]:
    """Send the mix, a group for each seed, to the gateways in turn, and wait until all of it is
    delivered; what the partners tell.
    """
    urls = [each.url for each in made.gateways]
    told = await asyncio.gather(
        *(
            traffic(urls[number % len(urls)], RATE, seconds, "--seed", seed)
            for number, seed in enumerate(seeds)
        )
    )
    if ending is not None:
        await ending()
    async with asyncio.timeout(END_SECONDS):
        # (A partner may send something for what it was delivered, a moment later.)
        so_far = -1
        while so_far != (so_far := await received(made)):
            await deliver_all(urls[0])
            await asyncio.sleep(PAUSE_SECONDS)
    return list(told)


async def received(made: Deployment) -> int:
    """How many messages there were so far, as an exchange counts."""
    address = f"{made.gateways[0].url}/api/v1/snapshot"
    async with aiohttp.ClientSession() as session, session.get(address) as told:
        return sum(counts["received"] for counts in (await told.json())["channels"].values())


def proved(made: Deployment) -> Verification:
    """The proof of the ledger, and of it as the standby has it."""
    wheres = [made.where]
    if made.standby is not None:
        assert isinstance(made.where, Address)
        made.standby.catch_up()
        wheres.append(Address(made.standby.url(name_of(made.where))))
    for where in reversed(wheres):
        found = verify(where)
        assert found.clean, [check for check in found.checks if check.broken]
    return found


def in_order(where: Where) -> int:
    """How many ordered deliveries followed the one before them in their conversation: all; and none
    that nobody waited for is dead.
    """
    with snapshot(where) as ledger:
        [(followed, overtook)] = ledger.execute(_IN_ORDER).fetchall()
        [(dead,)] = ledger.execute(_DEAD).fetchall()
    assert not overtook, f"{overtook} of {followed} ordered deliveries overtook the one before"
    assert not dead, f"{dead} deliveries were given up that nobody waited for"
    return int(followed)


async def test_the_published_mix_over_gateways_deliverers_and_a_standby(
    tmp_path: Path, record: Record
) -> None:
    runs: dict[str, list[Run]] = defaultdict(list)
    ways = {"embedded": embedded, "cluster": cluster}
    for pair in range(PAIRS):
        for name in sorted(ways, reverse=bool(pair % 2)):
            stubs = free_port()
            address = f"http://127.0.0.1:{stubs}"
            async with ways[name](tmp_path / f"{name}-{pair}", address) as made:
                url = made.gateways[0].url
                partners = await start("partners", "--exchange", url, "--port", str(stubs))
                try:
                    runs[name].append(await run(made))
                finally:
                    await end(partners)
    for name, each in runs.items():
        record(account(name, each))


def account(name: str, runs: list[Run]) -> Row:
    """The row of all runs of a way; nothing is lost, and each is counted once."""
    for run in runs:
        assert run.ordered, "conversations were ordered"
        assert run.sum("accepted") >= run.calls > RATE
        dead = run.sum("dead-lettered") - run.sum("resent")
        assert run.sum("queued") == run.sum("delivered") + dead, run.found.channels
        # Whoever waits may wait too long where others have the processors, and is told so.
        assert max(dead, run.late) < run.calls / 2, run.found.channels
    told = [
        f"{who} {statistics.median(each.message[who] for each in runs):,.0f}"
        f" ({statistics.median(each.idle[who] for each in runs):.0f} ms/s idle)"
        for who in runs[0].message
    ]
    return Row(
        drill=f"the published mix, {name}, {len(runs)} times",
        acknowledged=sum(run.calls for run in runs),
        stored=sum(run.sum("accepted") for run in runs),
        delivered=sum(run.sum("delivered") for run in runs),
        counted=sum(run.sum("received") for run in runs),
        repeated=0,
        ready=0.0,
        seen=f"{sum(run.ordered for run in runs)} in order, "
        f"{sum(run.late for run in runs)} answered too late; us a message: {', '.join(told)}",
    )
