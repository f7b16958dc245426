"""Calls that schemathesis makes of the description are answered as it says, and none brings the
exchange to fail.

Each operation is called with every boundary, omission and wrong type that its description has
(phase `coverage`), with its examples, and with a few drawn calls, valid and not. What is judged:
the status, the media type and the body are those described. Left out is the reading of a mailbox,
which may wait for half a minute. A call may take two minutes, so that a machine that does other
things fails nothing; a channel's calls twenty, and are ended then. They took one to four when
seven other programs had the two processors too.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.exchange.web.interface.test_generated_client import ran
from tests.journeys.running import Running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.drill]

CONFORM = "status_code_conformance,content_type_conformance,response_schema_conformance"
#: Drawn calls of each operation; most calls are those of `coverage`, whose number is given.
DRAWN = "8"
CALL_SECONDS = "120"
CALLS_SECONDS = 1_200.0
MAILBOX = "/luova/v1/mailbox"


@pytest.mark.parametrize(
    ("tag", "caller", "calls_min"),
    [
        ("operators", "dvv", 800),
        ("luova", "fund.super", 1_500),
        ("kelmu", "county.pirkanmaa", 400),
        ("eessi", "eessi.se.fk", 80),
        ("population-register", "helsinki", 100),
        ("income-register", "kela.income-data", 400),
    ],
)
async def test_whatever_is_called_is_answered_as_described(
    served: Running, tmp_path: Path, tag: str, caller: str, calls_min: int
) -> None:
    # (A SOAP fault has status 500, so that there a failure can't be told by the status.)
    checks = CONFORM if tag == "income-register" else f"not_a_server_error,{CONFORM}"
    code, out, _ = await ran(
        tmp_path,
        Path(sys.executable).with_name("st"),
        "run",
        f"{served.url}/api/openapi.json",
        *("--header", f"X-API-Key: {served.key(caller)['X-API-Key']}"),
        *("--checks", checks, "--include-tag", tag, "--exclude-path", MAILBOX),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", DRAWN, "--seed", "1"),
        *("--generation-database", "none", "--no-shrink", "--continue-on-failure"),
        *("--request-timeout", CALL_SECONDS),
        *("--suppress-health-check", "all", "--no-color"),
        seconds_max=CALLS_SECONDS,
    )
    assert code == 0, out
    made = re.search(r"(\d+) generated, (\d+) passed", out)
    assert made is not None, out
    assert int(made[1]) >= calls_min, out
