"""A ledger with something in every table, written by two writers, for the tests of what
damages it.
"""

from __future__ import annotations

from pathlib import Path

from exchange.ports.ledger import Record, Remember
from exchange.storage.proof.verify import verify
from exchange.storage.sqlite import SqliteLedger
from tests.contracts.rows import record, settlement

LINKS = "each writer's commits follow one another"
ROWS = "every commit's rows are those that were committed"
OUTSIDE = "nothing is stored that no commit stored"
STORED = "every stored body and answer has the digest of its commit"
MEMORY = "what is remembered is what was committed last"
FORGOTTEN = "nothing is gone but what retention said that it dropped"
HEAD = "the ledger is not behind its head"
FILE = "the file is whole"
COUNTERS = "counters agree with messages, deliveries and events"
STATES = "every delivery's state agrees with its events"


async def write(ledger: SqliteLedger, name: str, messages: int = 6) -> list[Record]:
    """Messages in every state, with bodies, answers and memory."""
    made = [
        record(
            f"{name}-{number}",
            body=f"<a n='{name}-{number}'/>".encode() * (1 + 60 * (number % 2)),
            modes=("push", "ask")[: 1 + number % 2],
            remember=[Remember(f"{name}:{number}", {"n": number})],
        )
        for number in range(messages)
    ]
    for each in made:
        assert (await ledger.record(each)).kind == "new"
    await ledger.record(record(f"{name}-0", body=made[0].body or b""))
    await ledger.record(record("", state="rejected", body=name.encode()))
    for number, each in enumerate(made[:4]):
        answered = settlement(each, "delivered", ["delivered", "answered"])
        answered.answer, answered.answer_content_type = b"<answer/>" * (1 + number), "text/xml"
        assert await ledger.settle(answered)
    await ledger.settle(settlement(made[4], "dead", ["attempt-failed", "dead-lettered"]))
    await ledger.settle(settlement(made[4], "waiting", ["resent"], from_state="dead"))
    assert await ledger.note("luova", [Remember(f"{name}:0", {"n": "changed"}, 1)])
    return made


async def chained(path: Path) -> list[Record]:
    """A ledger written by node 0 and then by node 1; the messages of both."""
    made = []
    for node in (0, 1):
        ledger = SqliteLedger(path, node=node)
        await ledger.open()
        made += await write(ledger, f"w{node}")
        await ledger.close()
    return made


def broken(path: Path, head: Path | None = None) -> dict[str, list[str]]:
    """What `verify` finds broken, with its examples."""
    return {check.name: check.examples for check in verify(path, head).checks if check.broken}
