"""`exchange dead-letters` and `exchange partners list|pause|resume` against a running exchange."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from exchange.cli import app
from exchange.errors import ExchangeError
from exchange.schemas.envelope import public_id
from tests.exchange.journey.way import FIRST
from tests.exchange.web.dead import die
from tests.journeys.running import Running, running

ALL_KINDS = [("m-1", "unreachable"), ("m-2", "unreachable"), ("m-3", "http-410: gone")]


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncIterator[Running]:
    """An exchange with three dead letters."""
    async with running(tmp_path) as started:
        yield started


async def run(served: Running, *arguments: object) -> Result:
    """A command against it."""
    given = [*map(str, arguments), "--exchange", served.url]
    return await asyncio.to_thread(CliRunner().invoke, app, given)


async def says(served: Running, *arguments: object) -> str:
    """What a command that ends well prints."""
    result = await run(served, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


async def refuses(served: Running, *arguments: object) -> str:
    """The one line of a command that ends with 2."""
    result = await run(served, *arguments)
    assert isinstance(result.exception, ExchangeError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


async def test_dead_letters_are_listed_sent_again_and_skipped(served: Running) -> None:
    first, second, gone = [await die(served.exchange, name, reason) for name, reason in ALL_KINDS]
    told = await says(served, "dead-letters", "list")
    assert told.splitlines()[-1] == "3 dead letters: 2 unreachable, 1 http-410"
    assert public_id(gone) in told
    told = await says(served, "dead-letters", "list", "--reason", "http-410", "--receiver", FIRST)
    assert told.splitlines()[-1] == "1 dead letters: 1 http-410"
    assert "died at" in told.splitlines()[0]
    kept = json.loads(await says(served, "dead-letters", "list", "--json"))
    assert {each["id"] for each in kept["dead_letters"]} == {*map(public_id, (first, second, gone))}
    assert kept["causes"] == {"unreachable": 2, "http-410": 1}
    assert await says(served, "dead-letters", "skip", public_id(gone)) == "1 skipped\n"
    assert await says(served, "dead-letters", "resend", public_id(first)) == "1 resent\n"
    told = await says(
        served, "dead-letters", "resend", "--reason", "unreachable", "--per-second", 500
    )
    assert told == "done: 1 of 1 resent\n"
    assert (await says(served, "dead-letters", "progress")) == told
    for name in ("s-1", "s-2"):
        await die(served.exchange, name, "http-422")
    told = await says(served, "dead-letters", "skip", "--reason", "http-422", "--receiver", FIRST)
    assert told == "done: 2 of 2 skipped\n"
    (job, *_) = [json.loads(await says(served, "dead-letters", "progress", "--json"))]
    assert (job["action"], job["handled"], job["filter"]) == (
        "skip",
        2,
        {"receiver": FIRST, "reason": "http-422"},
    )
    assert (await says(served, "dead-letters", "list")).splitlines()[-1] == "0 dead letters"


async def test_partners_are_paused_listed_and_resumed(served: Running) -> None:
    assert await says(served, "partners", "pause", FIRST, "--why", "moving house") == (
        f"{FIRST} is paused\n"
    )
    assert "already" in await says(served, "partners", "pause", FIRST)
    _, row = (await says(served, "partners", "list")).splitlines()
    assert row.startswith(f"{FIRST}  paused")
    assert "moving house" in row
    (told,) = json.loads(await says(served, "partners", "list", "--json"))
    assert (told["receiver"], told["state"], told["reason"]) == (FIRST, "paused", "moving house")
    assert await says(served, "partners", "resume", FIRST) == f"{FIRST} is up\n"
    assert " up " in (await says(served, "partners", "list")).splitlines()[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dead-letters", "list", "--since", "yesterday"), "a time as in 2026-11-29T08:00:00Z"),
        (("dead-letters", "list", "--before", "x"), "32 hexadecimal digits"),
        (("dead-letters", "resend"), "name ids, or a filter"),
        (("dead-letters", "resend", "0" * 32, "--all"), "one of them"),
        (("dead-letters", "resend", "x"), "/deliveries/0 is no id"),
        (("dead-letters", "resend", "0" * 32), "no dead letter has that id"),
        (("dead-letters", "resend", "--all", "--per-second", "0"), "above 0 and at most"),
        (("dead-letters", "skip", "0" * 32), "no dead letter has that id"),
        (("dead-letters", "skip"), "name ids, or a filter"),
        (("dead-letters", "skip", "0" * 32, "--all"), "one of them"),
        (("dead-letters", "skip", "--all", "--per-second", "1e9"), "above 0 and at most"),
        (("dead-letters", "progress"), "nothing was ever sent again or skipped"),
        (("dead-letters", "stop"), "nothing is being sent again or skipped"),
        (("partners", "pause", "nobody"), "no partner has the id 'nobody'"),
        (("partners", "resume", "no/body"), "no partner has the id 'no/body'"),
        (("partners", "pause", "fund.suepr"), "as fund.super"),
        (("partners", "pause", FIRST, "--why", "x" * 201), "1-200 characters"),
        (("partners", "list", "--key", "wrong"), "belongs to no operator"),
    ],
)
async def test_what_is_wrong_is_one_line(
    served: Running, arguments: tuple[Any, ...], said: str
) -> None:
    assert said in await refuses(served, *arguments)


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1", "http://[", "127.0.0.1:8080"])
def test_what_is_no_address_is_told(address: str) -> None:
    result = CliRunner().invoke(app, ["partners", "list", "--exchange", address])
    assert isinstance(result.exception, ExchangeError)
    assert "is no address of an exchange such as http://127.0.0.1:8080" in str(result.exception)


def test_where_no_exchange_answers_the_line_says_so() -> None:
    # Bound and not listening: a call is refused at once.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{bound.getsockname()[1]}"
        result = CliRunner().invoke(app, ["partners", "list", "--exchange", nobody])
    assert "no exchange answers at" in str(result.exception)
