"""Questions that the benchmark measures beside a bare echo are ones that the exchange answers: an
answer that says no would be fast, too.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from exchange.benchmarks.cases import CASES, bulk_query, changes_query
from exchange.schemas.call import Call
from tests.journeys.running import running

#: Cases by name, smaller than they are measured, and what an answer holds how often.
SMALL = {
    "kelmu-bulk": (bulk_query(20), b'"person":', 20),
    "population-changes": (changes_query(600, 10), b'"muutospv":', 500),
    "person-query": (None, b"<VTJHenkiloVastaussanoma", 1),
}


async def test_a_question_is_answered_whole_again_and_again(tmp_path: Path) -> None:
    cases = {case.name: case for case in CASES if not case.limited}
    assert cases.keys() == SMALL.keys()
    now = time.time_ns() // 1_000_000
    async with running(tmp_path) as exchange:
        for name, (smaller, held, times) in SMALL.items():
            case = replace(cases[name], make=smaller or cases[name].make)
            calls = case.calls(now, 1, 0)
            for _ in range(2):
                call: Call = next(calls)
                status, body = await exchange.send(call)
                assert (status, body.count(held)) == (200, times), (name, body[:400])
        assert exchange.verify().clean
