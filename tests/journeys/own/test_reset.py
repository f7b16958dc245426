"""An exchange that tests share begins again with an empty ledger, where its settings allow it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.exchange.journey.way import BODY, SENDER
from tests.journeys.running import Running
from tests.journeys.shell import free_port, said_by

#: What a script of a test does between its parts; $AT is the exchange's address.
SCRIPT = """
AT=http://127.0.0.1:$EXCHANGE_SERVER__PORT
ready() { curl --silent --fail --retry 60 --retry-delay 1 --retry-connrefused $AT/health/ready; }
reset() { curl --silent $AT/api/v1/reset -H 'Content-Type: application/json' -d '{}'; }
exchange serve &
ready
exchange partners add fund.mine --sector unemployment-fund > /dev/null
exchange samples population.births --out samples > /dev/null
exchange send samples/population.births-000000.json > /dev/null
"""
COUNT = 'curl --silent "$AT/api/v1/counters?by=kind" | tee counts\n'


async def test_nothing_of_the_life_before_is_left(tmp_path: Path) -> None:
    script = (
        "export EXCHANGE_OPERATORS__RESET=true\n"
        + SCRIPT
        + f"reset\necho\nready\n{COUNT}"
        + "echo; exchange partners show fund.mine || echo gone\n"
        + "exchange partners add fund.mine --sector unemployment-fund > /dev/null\n"
        + "exchange send samples/population.births-000000.json\n"
        + "reset; ready; kill %1; wait %1\nexchange verify\n"
    )
    said = await asyncio.to_thread(said_by, script, tmp_path, free_port(), 1)
    assert '{"resetting": true}' in said
    assert (tmp_path / "counts").read_text() == "[]"
    assert "gone" in said
    assert "202" in said


async def test_it_is_refused_where_no_setting_allows_it(gateway: Running) -> None:
    status, _, _ = await gateway.post(
        "/luova/v1/messages", BODY, SENDER, Content_Type="application/json", X_Message_Id="one"
    )
    assert status == 202
    status, _, said = await gateway.post("/api/v1/reset", "{}", Content_Type="application/json")
    assert (status, b"operators.reset = true" in said) == (409, True), said
    assert (await gateway.counts("luova"))["accepted"] == 1
