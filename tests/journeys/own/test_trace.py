"""A call's trace goes the whole way: answered, kept where it is found, handed to the receiver."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from multidict import CIMultiDict

from tests.exchange.journey.test_trace import GIVEN
from tests.exchange.journey.way import BODY
from tests.journeys.running import running
from tests.journeys.test_pushes import noting

DVV = {"X_Message_Type": "population.births", "Content_Type": "application/json"}
TRACE = GIVEN.split("-")[1]


async def test_a_trace_goes_the_whole_way_and_no_further(tmp_path: Path) -> None:
    seen: list[tuple[str, Mapping[str, str]]] = []
    async with noting(seen) as partners, running(tmp_path, partners={"address": partners}) as it:
        traced = {"traceparent": GIVEN, "X_Request_Id": "mine-1"}
        for number, more in enumerate((traced, {})):
            body = BODY if not number else BODY + b" "
            status, headers, _ = await it.post(
                "/luova/v1/messages", body, "dvv", X_Message_Id=f"m{number}", **DVV, **more
            )
            assert status == 202
            # (Both calls may come over one connection.)
            assert headers.get("traceparent", "") == more.get("traceparent", "")
            assert headers.get("X-Request-Id", "") == more.get("X_Request_Id", "")
        await it.post("/luova/v1/messages", b"{}", "dvv", X_Message_Id="bad", **DVV, **traced)
        await it.settled()
        found = json.loads((await it.get(f"/api/v1/messages?detail={TRACE}"))[2])["messages"]
    assert [each["sender_message_id"] for each in found] == ["bad", "m0"]
    by_id = {headers["X-Message-Id"]: CIMultiDict(headers) for _, headers in seen}
    assert {"m0", "m1"} <= set(by_id)
    assert by_id["m0"]["traceparent"] == GIVEN
    assert by_id["m0"]["X-Request-Id"] == "mine-1"
    assert "traceparent" not in by_id["m1"]
