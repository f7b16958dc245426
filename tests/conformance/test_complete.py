"""Every channel and every family is complete; and a new one, as `exchange new-channel` and
`exchange new-family` write it, works, is told what it lacks, and is complete once that is
filled in.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exchange import discovery
from tests.architecture.tree import ROOT
from tests.conformance.complete import CHECKS, MARK

COPIED = ("exchange", "adapters", "schemas", "partners", "benchmarks", "tests", "pyproject.toml")

#: What a program in the copy prints of a channel: how it works, and what it lacks.
#: Arguments: the channel, its folder, the message type, a folder for the ledger.
WHOLE_WAY = """
import asyncio, json, random, sys
from pathlib import Path
from exchange import discovery
from exchange.partners.stub import Situation
from exchange.schemas.directory import load
from tests.conformance.complete import complaints
from tests.journeys.running import running

CHANNEL, FOLDER, TYPE, LEDGER = sys.argv[1:]

async def whole_way():
    (stub,) = (each for each in discovery.stubs() if each.channel == CHANNEL)
    flow = next(each for each in stub.flows(load()) if each.message_type == TYPE)
    async with running(Path(LEDGER)) as run:
        call = flow.make(Situation(random.Random(1), 1_714_644_000_000, 1, load())).call
        headers = {name.replace("-", "_"): value for name, value in call.headers.items()}
        answers = [(await run.post(call.path, call.body, **headers))[0] for _ in range(2)]
        answers.append((await run.post(call.path, b"{}", **headers | {"X_Message_Id": "m"}))[0])
        await run.settled()
        return answers, await run.counts(CHANNEL), run.verify().clean

answers, kinds, clean = asyncio.run(whole_way())
found = {"answers": answers, "kinds": kinds, "clean": clean, "lacking": complaints(FOLDER)}
print(json.dumps(found))
"""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("folder", discovery.adapter_folders())
def test_a_channel_and_its_families_are_complete(
    folder: str, check: Callable[[str], Iterator[str]]
) -> None:
    assert list(check(folder)) == []


def copied(folder: Path) -> Path:
    """The tree, to be changed, as a folder of that one."""
    for name in COPIED:
        path, target = ROOT / name, folder / "copy" / name
        if path.is_file():
            shutil.copy(path, target)
        else:
            shutil.copytree(path, target, symlinks=True)
    return folder / "copy"


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which nothing is written."""
    return copied(tmp_path_factory.mktemp("unchanged"))


def files(copy: Path) -> set[Path]:
    """The files of a copy but what Python compiled."""
    paths = (path for path in copy.rglob("*") if "__pycache__" not in path.parts)
    return {path for path in paths if path.is_file()}


def python(copy: Path, *arguments: str, fails: int = 0) -> str:
    """What a Python that imports the copy prints."""
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    command = [sys.executable, *arguments]
    run = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    assert run.returncode == fails, run.stdout + run.stderr
    return run.stdout if not fails else run.stderr


def fill_in(folders: list[Path], samples: Path, message_type: str, name: str) -> None:
    """What somebody would do who follows what the suite says: no mark is left, samples are
    there.
    """
    for path in (path for folder in folders for path in folder.glob("*") if path.is_file()):
        path.write_text(re.sub(MARK + "[:,]?", "Filled in", path.read_text()))
    valid = {
        f"{name}_id": "n-1",
        "created_at": "2024-05-02T09:30:00Z",
        "personal_identity_code": "061185V952C",
    }
    for kind, sample in (("valid", valid), ("invalid", {**valid, "created_at": "today"})):
        (samples / kind).mkdir(parents=True)
        (samples / kind / f"{message_type}--one.json").write_text(json.dumps(sample))
    expected = [{"rule": "json.value", "path": "/created_at", "line": 1, "column": 40}]
    (samples / "invalid" / f"{message_type}--one.expected.json").write_text(json.dumps(expected))


@pytest.mark.parametrize(
    ("command", "channel", "folder", "rooms"),
    [
        ("new-family", "luova", "luova", "adapters/luova/families/road_tolls"),
        ("new-channel", "road-tolls", "road_tolls", "adapters/road_tolls"),
    ],
)
def test_a_new_one_works_and_is_told_what_it_lacks(
    tmp_path: Path, command: str, channel: str, folder: str, rooms: str
) -> None:
    copy = copied(tmp_path)
    before = files(copy)
    python(copy, "-m", "exchange", command, "road-tolls")
    written = {path.parent for path in files(copy) - before}
    assert written == {copy / rooms, copy / "schemas/road_tolls"}

    found = told(copy, tmp_path / "first", channel, folder)
    assert found["answers"] == [202, 200, 422]
    kinds = found["kinds"]
    assert (kinds["accepted"], kinds["delivered"], kinds["duplicate"], kinds["rejected"]) == (
        1,
        1,
        1,
        1,
    )
    assert found["clean"]
    for part in (f"{rooms}/rules.py", f"{rooms}/partner.py", "schemas/road_tolls/models.py"):
        assert any(each.startswith(f"{part}:") for each in found["lacking"]), part
    of_type = " of road-tolls.notice" if command == "new-family" else ""
    assert f"{rooms}/samples/valid: no sample{of_type}" in found["lacking"]
    assert f"{rooms}/samples/invalid: no sample{of_type}" in found["lacking"]

    samples = copy / rooms / "samples"
    fill_in(sorted(written), samples, "road-tolls.notice", "road_tolls")
    suite = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "tests/conformance")
    selected = f"(road or (are_complete and {folder})) and not new_one and not in_a_line"
    python(copy, *suite, "-k", selected)


def told(copy: Path, ledger: Path, channel: str, folder: str) -> dict[str, object]:
    """What a message of the new type came to, and what is lacking."""
    ledger.mkdir()
    program = (WHOLE_WAY, channel, folder, "road-tolls.notice", str(ledger))
    return json.loads(python(copy, "-c", *program))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("new-family", "Road tolls"), "'Road tolls' is no name: lower-case words of letters"),
        (("new-channel", "import"), "'import' is no name: lower-case words of letters"),
        (("new-channel", "kelmu"), "adapters/kelmu is there already: choose another name"),
        (("new-family", "kelmu"), "schemas/kelmu is there already: choose another name"),
        (("new-family", "a", "--channel", "kelmu"), "--channel is one of: luova"),
    ],
)
def test_what_can_not_be_written_is_told_in_a_line(
    unchanged: Path, arguments: tuple[str, ...], told: str
) -> None:
    before = files(unchanged)
    message = python(unchanged, "-m", "exchange", *arguments, fails=2)
    assert told in re.sub(r"\s+", " ", message)
    assert "Traceback" not in message
    assert files(unchanged) == before


def test_a_family_that_is_broken_is_told_in_a_line(tmp_path: Path) -> None:
    copy = copied(tmp_path)
    table = copy / "adapters/luova/families/tax/family.toml"
    table.write_text(table.read_text().replace("senders", "sender"))
    message = python(copy, "-m", "exchange", "validate", "README.md", fails=2)
    assert "adapters/luova: tax/family.toml: a route lacks senders" in re.sub(r"\s+", " ", message)
    assert "Traceback" not in message
