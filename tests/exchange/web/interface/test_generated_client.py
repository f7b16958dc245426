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

#: The generator knows JSON: what is XML, or lines of JSON, it hands over as it is.
CONFIGURATION = """\
package_name_override: exchange_client
content_type_overrides:
  text/xml: application/octet-stream
  application/x-ndjson: application/octet-stream
post_hooks: []
"""
#: Uses the client: sends JSON, XML, a file with its message and a batch, is refused, fetches. Its
#: arguments: address, keys of dvv, of the fund that the sample of XML is from, and of fund.super.
PROGRAM = """
import io, json, sys
from exchange_client import AuthenticatedClient
from exchange_client.api.luova import get_luova_v1_mailbox, get_luova_v1_messages_id
from exchange_client.api.luova import post_luova_v1_batches, post_luova_v1_messages
from exchange_client.api.population_register import (
    get_population_register_api_v1_kirjausavain_date as first_key,
)
from exchange_client.models import LuovaReceipt, LuovaState, LuovaWithAttachments
from exchange_client.models import PopulationChanges, Problem
from exchange_client.types import File

address, dvv, fund, other = sys.argv[1:]
with open("birth.json") as file:
    birth = PopulationChanges.from_dict(json.load(file))
with open("earnings.xml", "rb") as file:
    earnings = file.read()
TYPE = "unemployment.earnings-data"


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
    xml = File(io.BytesIO(earnings), "message.xml", "text/xml")
    sent = dict(client=mine, x_message_type=TYPE)
    plain = post_luova_v1_messages.sync(body=xml, x_message_id="g-2", **sent)
    xml.payload.seek(0)
    whole = LuovaWithAttachments(message=xml)
    whole["decision"] = File(io.BytesIO(b"%PDF-1.4"), "decision.pdf", "application/pdf")
    attached = post_luova_v1_messages.sync(body=whole, x_message_id="g-3", **sent)
    assert isinstance(plain, LuovaReceipt) and isinstance(attached, LuovaReceipt), attached
    state = get_luova_v1_messages_id.sync(attached.id, client=mine)
    lines = [{"id": each, "type": TYPE, "body": earnings.decode()} for each in ("g-4", "g-5")]
    batch = io.BytesIO("\\n".join(map(json.dumps, lines)).encode())
    told = post_luova_v1_batches.sync(client=mine, body=File(batch))
    print(plain.message_id, state.attachments[0].name, told.accepted)
with client(other) as mine:
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


async def test_a_generated_client_sends_in_every_form_is_refused_and_fetches(
    served: Running, openapi: Any, tmp_path: Path
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(openapi))
    (tmp_path / "configuration.yml").write_text(CONFIGURATION)
    birth = openapi["components"]["examples"]["population.births"]["value"]
    (tmp_path / "birth.json").write_text(json.dumps(birth))
    earnings = openapi["components"]["examples"]["unemployment.earnings-data"]["value"]
    (tmp_path / "earnings.xml").write_text(earnings)
    (tmp_path / "program.py").write_text(PROGRAM)
    generator = Path(sys.executable).with_name("openapi-python-client")
    options = ["--config", "configuration.yml", "--output-path", "exchange_client"]
    made = await ran(
        tmp_path, generator, "generate", "--path", "openapi.json", *options, "--meta", "none"
    )
    assert made[0] == 0, made
    (fund,) = (each.id for each in served.exchange.directory if f">{each.business_id}<" in earnings)
    keys = [served.key(each)["X-API-Key"] for each in ("dvv", fund, "fund.super")]
    code, out, error = await ran(tmp_path, sys.executable, "program.py", served.url, *keys)
    assert (code, out) == (0, "g-1 accepted luova.message-id\ng-2 decision.pdf 2\n0\n"), error
