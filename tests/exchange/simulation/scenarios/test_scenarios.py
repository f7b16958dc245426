"""Scenarios as the command runs them: what they expect is held against what was counted, and a
token brings the same run again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from exchange.adapters.income_register.signature.sign import signing_key
from exchange.cli import app
from exchange.simulation.scenarios import file as files

HEAD = "begins = 2026-11-30T06:00:00Z\nlasts_seconds = 3600\n"
SEND = '[[send]]\npartner = "dvv"\ntype = "population.births"\n'
EXPECT = '[[expect]]\nkind = "accepted"\nsender = "dvv"\ncount = 1\n'


def ran(*arguments: str) -> tuple[int, dict[str, Any]]:
    """A run's exit code and what it tells."""
    result = CliRunner().invoke(app, ["scenario", "run", *arguments, "--format", "json"])
    assert result.exit_code in (0, 1), result.output
    return result.exit_code, json.loads(result.stdout)


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", files.names())
def test_a_shipped_scenario_is_as_it_expects(name: str) -> None:
    code, told = ran(name)
    assert code == 0, told
    assert len(told["expectations"]) > 2
    assert all(each["met"] for each in told["expectations"])


def test_with_its_token_a_run_comes_again_in_another_process() -> None:
    name = "twice-and-broken"
    told = ran(name)[1]
    # As another process, which signs with another key.
    signing_key.cache_clear()
    again = ran(name, "--token", told["token"])[1]
    assert again == told


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + SEND + EXPECT)
    runs = [ran(path, "--seed", seed)[1] for seed in ("1", "2")]
    assert len({told["timeline_sha256"] for told in runs}) == 2
    assert len({told["token"] for told in runs}) == 2


def test_what_was_not_counted_as_expected_is_told_and_fails(tmp_path: Path) -> None:
    late = '[[expect]]\nkind = "delivered"\nsender = "dvv"\nat_least = 2\n'
    code, told = ran(written(tmp_path, HEAD + SEND + EXPECT + late))
    assert code == 1
    met, not_met = told["expectations"]
    assert (met["met"], not_met["met"], told["proved"]) == (True, False, True)
    assert (not_met["about"], not_met["expected"]) == ("delivered, sender dvv", "at least 2")
    assert not_met["found"] == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SEND + EXPECT, "begins: missing"),
        (HEAD.replace("Z", "") + SEND + EXPECT, "with its offset"),
        (HEAD + SEND, "expects something"),
        (HEAD + SEND.replace("dvv", "dvw") + EXPECT, "send 1: partner: .*nearest: dvv"),
        (HEAD + SEND.replace("births", "birth") + EXPECT, "nearest: population.births"),
        (HEAD + SEND + "cuont = 2\n" + EXPECT, "send 1: cuont: .*nearest: count"),
        (HEAD + SEND + "at_seconds = 3600\n" + EXPECT, "after the end"),
        (HEAD + SEND + "count = 200000\n" + EXPECT, "more than 100000"),
        (HEAD + SEND + EXPECT.replace("accepted", "acepted"), "expect 1: .*nearest: accepted"),
        (HEAD + SEND + EXPECT + "at_least = 1\n", "count, or at_least"),
        (HEAD + SEND + EXPECT + '[[fault]]\nkind = "dwn"\n', "unknown fault"),
        (HEAD + SEND + EXPECT + '[[override]]\npartner = "dvv"\n', "a status, a fault"),
        (HEAD + SEND + 'body = "131052-308T"\n' + EXPECT, "could be a living person's"),
        (HEAD + SEND.replace("dvv", "fund.pro") + EXPECT, "may not|does not send"),
        ("begins = ", "no TOML"),
    ],
)
def test_a_file_that_can_not_be_run_is_told_in_one_line(
    tmp_path: Path, text: str, told: str
) -> None:
    result = CliRunner().invoke(
        app, ["scenario", "run", written(tmp_path, text)], standalone_mode=False
    )
    assert result.exception is not None
    said = getattr(result.exception, "message", str(result.exception))
    assert re.search(told, said), said
    assert "131052" not in said


def test_a_token_of_another_file_or_version_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + SEND + EXPECT)
    _, told = ran(path)
    seed, version, digest = told["token"].rsplit("-", 2)
    for token in (f"{seed}-{version}-0123456789abcdef", f"{seed}-0.0.1-{digest}", "none"):
        result = CliRunner().invoke(
            app, ["scenario", "run", path, "--token", token], standalone_mode=False
        )
        assert "token" in getattr(result.exception, "message", ""), token
