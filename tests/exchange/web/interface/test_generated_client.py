"""A client that a public generator makes of the OpenAPI document talks with the exchange; its
configuration is what docs/own-partner.md shows.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: The generator knows JSON: what is XML it hands over as it is.
CONFIGURATION = """\
package_name_override: exchange_client
content_type_overrides:
  text/xml: application/octet-stream
  application/xml: application/octet-stream
post_hooks: []
"""
#: Uses the client: sends, is refused, fetches. Its arguments: address, keys of dvv and fund.super.
PROGRAM = """
import json, sys
from exchange_client import AuthenticatedClient
from exchange_client.api.luova import get_luova_v1_mailbox, get_luova_v1_messages_id
from exchange_client.api.luova import post_luova_v1_messages
from exchange_client.api.population_register import (
    get_population_register_api_v1_kirjausavain_date as first_key,
)
from exchange_client.models import LuovaReceipt, LuovaState, PopulationChanges, Problem

address, dvv, fund = sys.argv[1:]
with open("birth.json") as file:
    birth = PopulationChanges.from_dict(json.load(file))


def client(key):
    return AuthenticatedClient(address, key, prefix="", auth_header_name="X-API-Key")


with client(dvv) as mine:
    sent = dict(client=mine, body=birth, x_message_type="population.births")
    receipt = post_luova_v1_messages.sync(x_message_id="g-1", **sent)
    assert isinstance(receipt, LuovaReceipt), receipt
    state = get_luova_v1_messages_id.sync(receipt.id, client=mine)
    assert isinstance(state, LuovaState), state
    refused = post_luova_v1_messages.sync(x_message_id="odd id", **sent)
    assert isinstance(refused, Problem), refused
    print(receipt.message_id, state.state, refused.violations[0].rule)
with client(fund) as mine:
    print(len(get_luova_v1_mailbox.sync(client=mine, most=1).deliveries))
"""


async def ran(
    folder: Path, *command: str | Path, seconds_max: float = 600.0
) -> tuple[int | None, str, str]:
    """A command's exit code and what it printed; one that takes longer is ended, and fails."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        out, error = await asyncio.wait_for(process.communicate(), seconds_max)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode(), error.decode()


async def test_a_generated_client_sends_is_refused_and_fetches(
    served: Running, openapi: Any, tmp_path: Path
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(openapi))
    (tmp_path / "configuration.yml").write_text(CONFIGURATION)
    birth = openapi["components"]["examples"]["population.births"]["value"]
    (tmp_path / "birth.json").write_text(json.dumps(birth))
    (tmp_path / "program.py").write_text(PROGRAM)
    generator = Path(sys.executable).with_name("openapi-python-client")
    options = ["--config", "configuration.yml", "--output-path", "exchange_client"]
    made = await ran(
        tmp_path, generator, "generate", "--path", "openapi.json", *options, "--meta", "none"
    )
    assert made[0] == 0, made
    keys = [served.key(each)["X-API-Key"] for each in ("dvv", "fund.super")]
    code, out, error = await ran(tmp_path, sys.executable, "program.py", served.url, *keys)
    assert (code, out) == (0, "g-1 accepted luova.message-id\n0\n"), error
