"""A partner of one's own against a running exchange: added by the command line, it sends what
`show` says it may, by the lines that `show` prints.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from exchange.schemas.identifiers import CHECK_CHARACTERS
from tests.journeys.running import Running, running
from tests.journeys.shell import said_by

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("own")) as started:
        yield started


async def shell(served: Running, folder: Path, script: str) -> str:
    """What a script says, run beside the exchange."""
    port = int(served.url.rpartition(":")[2])
    return await asyncio.to_thread(said_by, script, folder, port, 1)


@pytest.mark.parametrize(
    ("added", "types"),
    [
        (
            "fund.mine --sector unemployment-fund --business-id 1234567-1",
            {
                "income-register.benefit-reports",
                "income-register.payer-summary-reports",
                "population-register.basic-data-query",
                "population-register.changes-query",
                "population-register.person-query",
                "kelmu.benefit-query",
                "unemployment.earnings-data",
                "unemployment.information-request",
            },
        ),
        pytest.param(
            "county.mine --sector wellbeing-county",
            {
                "kelmu.benefit-query",
                "kelmu.benefit-query-bulk",
                "kelmu.document",
                "kelmu.list-query",
                "kelmu.work-list-query",
                "population-register.basic-data-query",
                "population-register.changes-query",
                "population-register.person-query",
            },
            marks=pytest.mark.drill,
        ),
    ],
)
async def test_every_line_that_show_prints_runs(
    served: Running, tmp_path: Path, added: str, types: set[str]
) -> None:
    partner = added.split()[0]
    told = json.loads(await shell(served, tmp_path, f"exchange partners add {added} --json"))
    said = await shell(served, tmp_path, f"exchange partners show {partner}")
    lines = [line for line in said.splitlines() if "curl" in line]
    assert set(re.findall(r"^exchange samples (\S+)", said, re.MULTILINE)) == types
    script = "\n".join(f"{line} --fail --output answer-{n}" for n, line in enumerate(lines))
    await shell(served, tmp_path, f"export KEY={told['key']}\nset -o pipefail\n{script}")
    sent = await served.exchange.ledger.totals(("sender", "message_type", "kind"))
    accepted = {
        name for (sender, name, kind), *_ in sent if (sender, kind) == (partner, "accepted")
    }
    assert accepted == types


async def test_what_is_sent_to_it_waits_in_its_mailbox(served: Running, tmp_path: Path) -> None:
    script = (
        "exchange partners add fund.box --sector unemployment-fund --json\n"
        "exchange samples unemployment.benefit-data --from kela.unemployment --to fund.box >&2\n"
        "exchange send samples/unemployment.benefit-data-000000.xml --from kela.unemployment "
        "--to fund.box >&2"
    )
    said = await shell(served, tmp_path, script)
    key = re.findall(r"exchange-partner-[\w-]+", said)[0]
    headers = {"X-API-Key": key}
    async with served.session.get(served.url + "/luova/v1/mailbox", headers=headers) as answer:
        letters = (await answer.json())["deliveries"]
    assert [letter["messageType"] for letter in letters] == ["unemployment.benefit-data"]


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        ({}, 400, "id: a text"),
        ([], 400, "a JSON object is wanted"),
        ({"id": "a", "sector": "bnak"}, 400, "(nearest: bank)"),
        ({"id": "a", "sector": "bank", "key": "mine"}, 400, "key: is made here"),
        ({"id": "a", "sector": "bank", "business_id": "1234567-8"}, 400, "business_id"),
        (
            {"id": "a", "sector": "bank", "name": f"131052-308{CHECK_CHARACTERS[131052308 % 31]}"},
            400,
            "a personal identity code",
        ),
        ({"id": "a", "sector": "bank", "nmae": "x"}, 400, "(nearest: name)"),
        ({"id": "dvv", "sector": "bank"}, 409, "id dvv stands twice"),
        ({"id": "a", "sector": "bank", "name": "x" * 201}, 400, "name: 1-200 characters"),
        ({"id": "a", "sector": "bank", "name": "x" * 20_000}, 400, "at most 16384 bytes"),
        ({"id": "a", "sector": "kela", "serves": ["payments"]}, 409, "one partner is asked for it"),
    ],
)
async def test_what_is_no_partner_is_told(
    served: Running, data: object, status: int, said: str
) -> None:
    address = f"{served.url}/api/v1/partners"
    async with served.session.post(address, json=data) as answer:
        assert (answer.status, said in await answer.text()) == (status, True), await answer.text()
