"""Luova's files over the journey's folders: what is taken, told, laid out, and what partners may do
to their folders meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from exchange.adapters.luova.files import FILES
from exchange.journey.files import drop, listing
from exchange.journey.files.drop import FEEDBACK, IN, OUT, Folders
from exchange.ports import Desk, Inbound, Outcome
from exchange.schemas.identifiers import CHECK_CHARACTERS
from tests.adapters.luova.judging import NOTHING_NEW
from tests.adapters.luova.test_delivery import REPLY, put, read
from tests.journeys.running import Running, running

KELA, FUND, DVV = "kela.unemployment", "fund.super", "dvv"
TYPE = "unemployment.benefit-data"


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Running]:
    """Watches by itself in rounds that the tests do not wait for; they make their own."""
    async with running(tmp_path) as started:
        yield started


class Account:
    """The folders of a partner, looked into when a test says so."""

    def __init__(self, exchange: Running, root: Path, partner: str, desk: Any = None) -> None:
        channel = exchange.exchange.channels["luova"]
        self.desk = desk or exchange.exchange.desk(channel)
        self.desk._folder = root
        self.own = root / partner
        self.own.mkdir(parents=True, exist_ok=True)
        self.folders = Folders(FILES, 1 << 20)

    def leave(self, name: str, content: bytes = REPLY, age_seconds: float = 100) -> Path:
        """A file in `in`, last changed so long ago."""
        path = self.own / IN / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        at = time.time() - age_seconds
        os.utime(path, (at, at))
        return path

    async def round(self) -> None:
        await self.folders.round(self.desk)

    def told(self) -> dict[str, Any]:
        """The feedback by the names of files; notes as text."""
        return {
            path.name: json.loads(path.read_bytes())
            if path.suffix == ".json"
            else path.read_text(encoding="utf-8")
            for path in (self.own / FEEDBACK).iterdir()
        }

    def left(self) -> list[str]:
        return sorted(os.listdir(self.own / IN))


def line(number: int, receiver: str = FUND) -> bytes:
    entry = {"id": f"l-{number}", "type": TYPE, "receiver": receiver, "body": REPLY.decode()}
    return json.dumps(entry).encode() + b"\n"


async def test_a_message_goes_by_the_name_of_its_file(exchange: Running, tmp_path: Path) -> None:
    kela = Account(exchange, tmp_path / "files", KELA)
    kela.leave(f"{TYPE}~b-1~{FUND}.xml")
    kela.leave(f"{TYPE}~b-2~{FUND}~c-1~ordered.XML")
    kela.leave("many.ndjson", line(1) + b"{\n" + line(2))
    # A name is its bytes: in two normal forms, and turned.
    others = ["m\u00e4ny.ndjson", "ma\u0308ny.ndjson", "\u202emany.ndjson"]
    for number, name in enumerate(others, 3):
        kela.leave(name, line(number))
    await kela.round()
    told = kela.told()
    assert kela.left() == []
    (one,) = told[f"{TYPE}~b-1~{FUND}.xml.json"]["outcomes"]
    assert (one["status"], one["messageId"], one["receivers"]) == (202, "b-1", [FUND])
    statuses = [each["status"] for each in told["many.ndjson.json"]["outcomes"]]
    assert statuses == [202, 400, 202]
    assert [told[f"{name}.json"]["accepted"] for name in others] == [1, 1, 1]
    letters = await read(exchange)
    wanted = ["b-1", "b-2", *(f"l-{number}" for number in range(1, 6))]
    assert sorted(each["messageId"] for each in letters) == wanted
    assert letters[1]["conversation"] == "c-1"
    found = await exchange.exchange.ledger.find("luova", KELA, "b-2")
    assert found is not None
    assert found.endpoint == FILES.endpoint
    assert (await exchange.exchange.ledger.deliveries(found.id))[0].ordered
    assert not [check for check in exchange.verify().checks if check.broken]


async def test_what_is_wrong_is_told_in_the_form_of_a_batch(
    exchange: Running, tmp_path: Path
) -> None:
    kela = Account(exchange, tmp_path / "files", KELA)
    kela.leave(f"{TYPE}~x-1~nobody.xml")
    kela.leave(f"{TYPE}~x-2~{FUND}.xml", b"no xml")
    kela.leave("unemployment.benefit~x-3.xml")
    kela.leave("empty.ndjson", b"\n")
    kela.leave("large.ndjson", b"x" * ((1 << 20) + 1))
    await kela.round()
    told = kela.told()
    reasons = {
        name: each["outcomes"][0]["reason"] if "outcomes" in each else each["reason"]
        for name, each in told.items()
    }
    assert reasons == {
        f"{TYPE}~x-1~nobody.xml.json": "receiver-unknown",
        f"{TYPE}~x-2~{FUND}.xml.json": "malformed",
        "unemployment.benefit~x-3.xml.json": "type-unknown",
        "empty.ndjson.json": "malformed",
        "large.ndjson.json": "too-large",
    }
    assert kela.left() == []
    assert (await exchange.counts("luova"))["rejected"] == 5


async def test_names_that_do_not_fit_are_told_once_and_stay(
    exchange: Running, tmp_path: Path
) -> None:
    kela = Account(exchange, tmp_path / "files", KELA)
    unfit = ["a.xml", f"{TYPE}~.xml", f"{TYPE}~b 1.xml", f"{TYPE}~b~f~c~d.xml", "a.csv", "a.xml.gz"]
    unfit += [f"{TYPE}~b~{FUND}~~ordered.xml", os.fsdecode(b"\xff~b.xml")]
    for name in unfit:
        kela.leave(name)
    kela.leave(".hidden")
    kela.leave("being-written.part", age_seconds=listing.UNFIT_SECONDS - 10)
    (kela.own / IN / f"{TYPE}~b-1~{FUND}.xml").mkdir()
    os.mkfifo(kela.own / IN / f"{TYPE}~b-2~{FUND}.xml")
    os.symlink("/etc/hostname", kela.own / IN / f"{TYPE}~b-3~{FUND}.xml")
    strange = [f"{TYPE}~b-{number}~{FUND}.xml" for number in (1, 2, 3)]
    for name in strange:
        os.utime(kela.own / IN / name, (1, 1), follow_symlinks=False)
    before = kela.left()
    for _ in range(2):
        await kela.round()
    notes = sorted(f"{name}.rejected" for name in (*unfit, *strange))
    assert sorted(kela.told()) == notes
    assert ".ndjson" in kela.told()["a.csv.rejected"]
    for path in (kela.own / FEEDBACK).iterdir():
        path.unlink()  # as a partner does that has read it
    await kela.round()
    assert kela.told() == {}
    assert kela.left() == before
    counted = await exchange.counts("luova")
    assert (counted["received"], counted["rejected"]) == (len(notes), len(notes))


async def test_a_code_of_a_person_in_a_name_is_not_repeated(
    exchange: Running, tmp_path: Path
) -> None:
    code = f"010170-123{CHECK_CHARACTERS[10170123 % 31]}"
    kela = Account(exchange, tmp_path / "files", KELA)
    kela.leave(f"{TYPE}~{code}~{FUND}.xml")
    kela.leave(f"{code}.pdf")
    await kela.round()
    (told,) = [each for name, each in kela.told().items() if name.endswith(".json")]
    assert told["outcomes"][0]["reason"] == "real-person"
    feedback = "".join(kela.told()) + json.dumps(kela.told())
    assert len(kela.told()) == 2
    assert code not in feedback
    assert code.encode() not in exchange.exchange.ledger.path.read_bytes()


async def test_what_is_still_written_is_not_taken(exchange: Running, tmp_path: Path) -> None:
    kela = Account(exchange, tmp_path / "files", KELA)
    path = kela.leave("many.ndjson", line(1), age_seconds=listing.QUIET_SECONDS / 2)
    await kela.round()
    assert (kela.left(), kela.told()) == (["many.ndjson"], {})
    kela.leave("many.ndjson", path.read_bytes() + line(2))
    await kela.round()
    assert kela.told()["many.ndjson.json"]["accepted"] == 2
    kela.leave("later.ndjson", line(3), age_seconds=-3600)
    await kela.round()
    assert kela.left() == [], "a sender's clock that is ahead keeps nothing back"


class Meddling:
    """A desk at which something happens while a file is taken."""

    _folder: Path

    def __init__(self, desk: Desk, happens: Callable[[], object]) -> None:
        self._desk, self._happens = desk, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)

    @property
    def folder(self) -> Path:
        return self._folder

    async def accept(self, inbound: Inbound) -> Outcome:
        outcome = await self._desk.accept(inbound)
        self._happens()
        return outcome


def meddling(exchange: Running, happens: Callable[[], object]) -> Any:
    return Meddling(exchange.exchange.desk(exchange.exchange.channels["luova"]), happens)


async def test_a_file_that_takes_the_place_of_one_being_taken_is_taken_too(
    exchange: Running, tmp_path: Path
) -> None:
    name, others = f"{TYPE}~b-1~{FUND}.xml", REPLY.replace(b"r-1", b"r-2")
    changes = [others]

    def change() -> None:
        if changes:
            kela.leave(name, changes.pop())

    kela: Account = Account(exchange, tmp_path / "files", KELA, meddling(exchange, change))
    kela.leave(name)
    await kela.round()
    assert kela.left() == []
    assert (await exchange.counts("luova"))["accepted"] == 1
    assert kela.told()[f"{name}.json"]["outcomes"][0]["status"] == 409


async def test_a_crash_before_the_file_left_makes_it_a_duplicate(
    exchange: Running, tmp_path: Path
) -> None:
    def crash() -> None:
        raise asyncio.CancelledError

    root, name = tmp_path / "files", f"{TYPE}~b-1~{FUND}.xml"
    kela = Account(exchange, root, KELA, meddling(exchange, crash))
    kela.leave(name)
    with pytest.raises(asyncio.CancelledError):
        await kela.round()
    assert (kela.left(), kela.told()) == ([name], {})
    again = Account(exchange, root, KELA)
    await again.round()
    assert again.told()[f"{name}.json"]["duplicate"] == 1
    assert [each["messageId"] for each in await read(exchange)] == ["b-1"]
    assert not [check for check in exchange.verify().checks if check.broken]


async def test_who_is_full_keeps_no_other_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop, "FILES_A_TURN", 3)
    async with running(tmp_path, limits={"waiting_max": 1}) as exchange:
        kela = Account(exchange, tmp_path / "files", KELA)
        await put(exchange, 0)
        names = [f"{TYPE}~b-{number:02}~{FUND}.xml" for number in range(1, 4)]
        for age, name in enumerate(names):
            kela.leave(name, age_seconds=1000 - age)
        kela.leave("full.ndjson", line(1) + line(2), age_seconds=500)
        kela.leave("some.ndjson", line(3) + line(4, "fund.a-kassa"), age_seconds=400)
        kela.leave(f"{TYPE}~other~fund.finka.xml", age_seconds=300)
        await kela.round()
        assert kela.told() == {}, "as many as one round takes are full"
        await kela.round()
        assert sorted(kela.told()) == ["some.ndjson.json", f"{TYPE}~other~fund.finka.xml.json"]
        told = [each["status"] for each in kela.told()["some.ndjson.json"]["outcomes"]]
        assert told == [429, 202]
        fund = Account(exchange, tmp_path / "files", FUND)
        until = time.monotonic() + 30
        while kela.left():  # (The fund takes a letter, and there is room for one more.)
            assert time.monotonic() < until, kela.left()
            await fund.round()
            await asyncio.sleep(0.1)
        await fund.round()
        letters = {json.loads(path.read_bytes())["messageId"] for path in fund.own.glob("out/*")}
        assert letters >= {"b-01", "b-02", "b-03"}
        assert not [check for check in exchange.verify().checks if check.broken]


async def test_a_heap_is_taken_in_one_round_and_keeps_nobody_elses_waiting(
    exchange: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop, "FILES_A_TURN", 2)
    monkeypatch.setattr(listing, "ENTRIES_AT_ONCE", 3)
    monkeypatch.setattr(listing, "KEPT_MAX", 3)
    kela = Account(exchange, tmp_path / "files", KELA)
    dvv = Account(exchange, tmp_path / "files", DVV, kela.desk)
    for number in range(8):
        kela.leave(f"{TYPE}~b-{number}~{FUND}.xml", age_seconds=100 - number)
        dvv.leave(f"population.changes~p-{number}.json", NOTHING_NEW, 100 - number)
    await kela.round()
    assert (kela.left(), dvv.left()) == ([], [])
    written = sorted(
        (path.stat().st_mtime_ns, account.own.name)
        for account in (kela, dvv)
        for path in (account.own / FEEDBACK).iterdir()
    )
    assert {name for _, name in written[:4]} == {KELA, DVV}, "each has its turn"


async def test_letters_are_laid_out_in_order_and_no_more_than_there_is_room_for(
    exchange: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop, "OUT_FILES_MAX", 2)
    fund = Account(exchange, tmp_path / "files", FUND)
    for number in range(4):
        await put(exchange, number, "c-1")
    for _ in range(3):
        await fund.round()
    letters = [json.loads(path.read_bytes()) for path in fund.own.glob("out/*.json")]
    assert sorted(letter["messageId"] for letter in letters) == ["b-0", "b-1"]
    assert letters[0]["body"].encode() == REPLY
    assert set(letters[0]) >= {"id", "messageType", "sender", "receivedAt", "conversation"}
    assert "lease" not in letters[0]
    shutil.rmtree(fund.own / OUT)
    await fund.round()
    assert len(os.listdir(fund.own / OUT)) == 2
    assert await read(exchange) == [], "what was laid out is delivered"


async def test_a_harmed_folder_is_nobody_elses(exchange: Running, tmp_path: Path) -> None:
    root, aside = tmp_path / "files", tmp_path / "aside"
    aside.mkdir()
    harmed, other = Account(exchange, root, KELA), Account(exchange, root, DVV)
    first, second = f"{TYPE}~b-1~{FUND}.xml", f"{TYPE}~b-2~{FUND}.xml"
    (harmed.own / FEEDBACK).symlink_to(aside)
    harmed.leave(first)
    other.leave("population.changes~p-1.json", NOTHING_NEW)
    await other.round()
    assert other.left() == []
    assert (harmed.left(), list(aside.iterdir())) == ([first], [])
    (harmed.own / FEEDBACK).unlink()
    (harmed.own / FEEDBACK / f"{first}.json").mkdir(parents=True)  # nothing can be written there
    harmed.leave(second, age_seconds=50)
    await other.round()
    assert harmed.left() == [first], "what fails keeps no other from being taken"
    part = harmed.own / FEEDBACK / f".{sha256(f'{second}.json'.encode()).hexdigest()[:32]}.part"
    part.symlink_to(aside / "written")
    harmed.leave(second)
    await other.round()
    assert harmed.left() == [first]
    assert not list(aside.iterdir()), "nothing is written through a link"
