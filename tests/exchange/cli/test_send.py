"""`exchange send` and `exchange catalogue`: a message sent as a partner would, exit codes, and the
list of what can be sent.
"""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

from typer.testing import CliRunner, Result

from exchange.cli import app
from exchange.schemas.catalogue import Catalogue
from tests.exchange.journey.way import BODY
from tests.journeys.running import running


def send(*arguments: object) -> Result:
    """The command."""
    return CliRunner().invoke(app, ["send", *map(str, arguments)])


async def test_a_message_is_sent_and_its_fate_is_the_exit_code(tmp_path: Path) -> None:
    good, bad, strange = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "strange.xml"
    good.write_bytes(BODY)
    bad.write_bytes(BODY.replace(b"2026-03-02T", b"2026-03-32T"))
    strange.write_bytes(b"<a/>")
    async with running(tmp_path) as gateway:
        at = ("--exchange", gateway.url + "/")
        accepted = await asyncio.to_thread(send, good, *at, "--id", "m-1")
        assert accepted.exit_code == 0, accepted.output
        assert accepted.stderr == "202 Accepted\n"
        assert json.loads(accepted.stdout)["messageId"]
        again = await asyncio.to_thread(send, good, *at, "--id", "m-1")
        assert again.exit_code == 0
        rejected = await asyncio.to_thread(send, bad, *at)
        assert (rejected.exit_code, rejected.stderr[:4]) == (1, "422 ")
        assert json.loads(rejected.stdout)["violations"]
        unwanted = await asyncio.to_thread(send, good, *at, "--from", "municipality.sodankyla")
        assert unwanted.exit_code == 1
        assert (await asyncio.to_thread(send, strange, *at)).exit_code == 2
        refused = await asyncio.to_thread(
            send, strange, *at, "--channel", "luova", "--type", "population.births"
        )
        assert refused.exit_code == 1
        counts = await gateway.counts("luova")
        assert (counts["accepted"], counts["duplicate"], counts["rejected"]) == (1, 1, 3)


def test_what_can_not_be_sent(tmp_path: Path) -> None:
    file = tmp_path / "good.json"
    file.write_bytes(BODY)
    # Bound and not listening: a call is refused at once.
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    nobody = f"http://127.0.0.1:{bound.getsockname()[1]}"
    result = send(file, "--exchange", nobody)
    bound.close()
    assert (result.exit_code, "no exchange answers" in result.stderr) == (2, True)
    assert "no partner nobody" in send(file, "--from", "nobody").stderr
    assert "no partner nobody" in send(file, "--to", "nobody").stderr
    assert "no channel" in send(file, "--channel", "post").stderr
    for arguments in (
        (tmp_path / "none",),
        (tmp_path,),
        (file, "--from", "nobody"),
        (file, "--channel", "post"),
    ):
        assert send(*arguments).exit_code == 2


def test_the_catalogue_in_both_forms() -> None:
    told = json.loads(CliRunner().invoke(app, ["catalogue", "--format", "json"]).stdout)
    assert told == [message_type.as_dict() for message_type in Catalogue.load()]
    assert {each["basis"] for each in told} == {"published", "modelled"}
    assert all(each["source"] and each["title"]["fi"] and each["title"]["sv"] for each in told)
    for arguments, code in (
        (["--language", "fi"], 0),
        (["--language", "de"], 2),
        (["--format", "csv"], 2),
    ):
        assert CliRunner().invoke(app, ["catalogue", *arguments]).exit_code == code
