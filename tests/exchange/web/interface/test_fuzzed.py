"""Calls that schemathesis makes of the description are answered as it says, and none brings the
exchange to fail.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.exchange.web.interface.test_generated_client import ran
from tests.journeys.running import Running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.drill]

CONFORM = "status_code_conformance,content_type_conformance,response_schema_conformance"
#: A SOAP fault has status 500, so that there a failure can't be told by the status.
FAULTS = "income-register"


@pytest.mark.parametrize(
    ("chosen", "checks"),
    [
        (("--exclude-tag", FAULTS), f"not_a_server_error,{CONFORM}"),
        (("--include-tag", FAULTS), CONFORM),
    ],
)
async def test_whatever_is_called_is_answered_as_described(
    served: Running, tmp_path: Path, chosen: tuple[str, str], checks: str
) -> None:
    key = served.key("county.pirkanmaa")["X-API-Key"]
    code, out, _ = await ran(
        tmp_path,
        Path(sys.executable).with_name("st"),
        "run",
        f"{served.url}/api/openapi.json",
        *("--header", f"X-API-Key: {key}", "--checks", checks, *chosen),
        # (A reading of the mailbox may wait for half a minute.)
        *("--exclude-path", "/luova/v1/mailbox"),
        *("--max-examples", "30", "--seed", "1", "--phases", "examples,coverage,fuzzing"),
        *("--suppress-health-check", "all", "--no-color"),
    )
    assert code == 0, out
