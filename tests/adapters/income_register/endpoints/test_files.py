"""The file channel: files left in a folder are deliveries, their outcomes are feedback files, and
what waits is laid out.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lxml import etree

from exchange.journey.files import listing
from exchange.schemas.identifiers import CHECK_CHARACTERS, make_personal_identity_code
from tests.adapters.income_register.clients import check_reply, raw
from tests.adapters.income_register.endpoints.test_services import (
    EMPLOYER,
    batch,
    invalidation_of,
    status_of,
)
from tests.adapters.income_register.register.test_versions import codes, delivery, items, replaced
from tests.journeys.running import Running, running


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Running]:
    """An exchange that watches a folder with one partner's account."""
    (tmp_path / "files" / "income-register" / EMPLOYER).mkdir(parents=True)
    async with running(tmp_path, files={"directory": tmp_path / "files"}) as started:
        yield started


def account(gateway: Running) -> Path:
    """The partner's folder."""
    folder = gateway.exchange.settings.files.directory
    assert folder is not None
    return folder / "income-register" / EMPLOYER


async def leave(gateway: Running, name: str, content: bytes) -> etree._Element:
    """Put a file in, wait for its feedback; the document, checked."""
    own = account(gateway)
    (own / "in").mkdir(exist_ok=True)
    part = own / "in" / f"{name}.tmp"
    part.write_bytes(content)
    old = time.time() - listing.QUIET_SECONDS
    os.utime(part, (old, old))
    part.rename(own / "in" / f"{name}.xml")
    feedback = own / "feedback"

    def found() -> list[Path]:
        return [*feedback.glob(f"{name}.xml"), *feedback.glob(f"{name}_*.xml")]

    await gateway.until(lambda: bool(found()) and not (own / "in" / f"{name}.xml").exists())
    (path,) = found()
    document = etree.fromstring(path.read_bytes())
    check_reply(document)
    told = document.findtext("StatusResponse/IRDeliveryId")
    assert path.name == (f"{name}_{told}.xml" if told else f"{name}.xml"), "by the register's id"
    return document


async def test_files_go_the_whole_way_and_leave_feedback(gateway: Running) -> None:
    reply = await leave(gateway, "100_1", raw(delivery(gateway, "F-1", reports=3, real_time=False)))
    assert (status_of(reply), len(items(reply, "ValidItems"))) == ("3", 3)
    await gateway.settled()
    counted = await gateway.counts("income-register")
    assert counted["accepted"] == 1
    again = await leave(gateway, "100_2", raw(delivery(gateway, "F-1", reports=3, real_time=False)))
    assert items(again, "ValidItems") == items(reply, "ValidItems"), (
        "the same bytes are a duplicate, as after a crash"
    )
    assert (await gateway.counts("income-register"))["duplicate"] == 1
    owner = batch(gateway, EMPLOYER, "-").payer
    gone = await leave(gateway, "109_3", invalidation_of(owner, "F-i", "109", "F-1"))
    assert status_of(gone) == "3"
    late = await leave(gateway, "100_4", replaced(delivery(gateway, "F-2"), "F-1-0001"))
    assert (status_of(late), codes(late)) == ("5", ["IR5003"])


async def test_what_is_wrong_with_a_file_is_told_in_message_errors(gateway: Running) -> None:
    no_xml = await leave(gateway, "100_5", b"this is no XML")
    assert (status_of(no_xml), no_xml.find("StatusResponse/MessageErrors") is not None) == (
        "4",
        True,
    )
    broken = delivery(gateway, "B-1")
    broken.find("DeliveryData").remove(broken.find("DeliveryData/DeliveryId"))
    by_schema = await leave(gateway, "100_6", raw(broken))
    assert (status_of(by_schema), set(codes(by_schema))) == ("4", {"IR1005"})
    empty = await leave(gateway, "100_7", b"")
    assert status_of(empty) == "4"
    person = delivery(gateway, "B-2")
    artificial = make_personal_identity_code(datetime.date(1970, 1, 1), 923)
    code = artificial[:7] + "123" + CHECK_CHARACTERS[int(artificial[:6] + "123") % 31]
    person.find("DeliveryData/Reports/Report/IncomeEarner/IncomeEarnerIds/Id/Code").text = code
    refused = await leave(gateway, "100_8", raw(person))
    assert (status_of(refused), codes(refused)) == ("4", ["IR1006"])
    assert code.encode() not in etree.tostring(refused)


async def test_only_whole_files_of_the_folder_itself_are_taken(
    gateway: Running, tmp_path: Path
) -> None:
    own = account(gateway) / "in"
    own.mkdir(exist_ok=True)
    secret = tmp_path / "secret.xml"
    secret.write_bytes(raw(delivery(gateway, "L-1")))
    os.symlink(secret, own / "link.xml")
    (own / "half.xml.tmp").write_bytes(b"<")
    (own / ".hidden.xml").write_bytes(b"<")
    (own / "folder.xml").mkdir()
    await leave(gateway, "100_9", raw(delivery(gateway, "L-2")))
    assert sorted(path.name for path in own.iterdir()) == [
        ".hidden.xml",
        "folder.xml",
        "half.xml.tmp",
        "link.xml",
    ]
    assert len(list((account(gateway) / "feedback").iterdir())) == 1


async def test_a_file_that_is_too_large_is_refused_unread(gateway: Running) -> None:
    own = account(gateway) / "in"
    own.mkdir(exist_ok=True)
    with (own / "large.tmp").open("wb") as file:
        file.truncate(gateway.exchange.settings.limits.body_bytes_max + 1)
    (own / "large.tmp").rename(own / "100_1.xml")
    feedback = account(gateway) / "feedback" / "100_1.xml"
    await gateway.until(feedback.exists)
    assert status_of(etree.fromstring(feedback.read_bytes())) == "4"


@pytest.mark.parametrize(
    "name",
    [
        *("one", "100", "100_", "104_1", "113_1", "100_1a", "100_1_2", "100-1", "n" * 250),
        *("101_1", "102_1", "100_" + "1" * 21, "100_\u0661"),
    ],
)
async def test_a_name_that_is_not_the_registers_is_refused_with_feedback(
    gateway: Running, name: str
) -> None:
    reply = await leave(gateway, name, raw(delivery(gateway, "N-1")))
    assert status_of(reply) == "4"
    assert "<DeliveryDataType>_<FileId>.xml" in "".join(
        each.text or "" for each in reply.iter("ErrorDetails")
    )
    counted = await gateway.counts("income-register")
    assert (counted["received"], counted["rejected"]) == (1, 1)


async def test_a_file_that_is_too_large_is_counted_as_rejected(tmp_path: Path) -> None:
    (tmp_path / "files" / "income-register" / EMPLOYER).mkdir(parents=True)
    sections = {"files": {"directory": tmp_path / "files"}, "limits": {"body_bytes_max": 1024}}
    async with running(tmp_path, **sections) as gateway:
        reply = await leave(gateway, "100_10", b"<a>" + b"x" * 1024 + b"</a>")
        assert status_of(reply) == "4"
        counted = await gateway.counts("income-register")
        assert (counted["received"], counted["rejected"]) == (1, 1)


async def test_upper_case_is_taken_and_other_names_are_told_once(gateway: Running) -> None:
    own = account(gateway)
    (own / "in").mkdir(exist_ok=True)
    old = time.time() - listing.UNFIT_SECONDS - 10
    longest = "n" * 255
    for name in ("notes.txt", "half.xml.tmp", ".hidden", longest):
        (own / "in" / name).write_bytes(b"x")
        if name != "half.xml.tmp":
            os.utime(own / "in" / name, (old, old))
    (own / "in" / "100_1.part").write_bytes(raw(delivery(gateway, "U-1")))
    (own / "in" / "100_1.part").rename(own / "in" / "100_1.XML")
    note = own / "feedback" / "notes.txt.rejected"
    await gateway.until(
        lambda: (
            len(list((own / "feedback").glob("*.rejected"))) == 2
            and bool(list((own / "feedback").glob("100_1_*.xml")))
        )
    )
    await gateway.until(lambda: not (own / "in" / "100_1.XML").exists())
    (path,) = (own / "feedback").glob("100_1_*.xml")
    assert status_of(etree.fromstring(path.read_bytes())) == "3"
    assert ".xml" in note.read_text()
    told = sorted(each.name for each in (own / "feedback").iterdir() if len(each.name) < 64)
    assert told == [path.name, "notes.txt.rejected"], "not what is still written, nor the hidden"
    assert len(list((own / "feedback").glob("*.rejected"))) == 2, "a long name is told as well"
    await leave(gateway, "100_11", raw(delivery(gateway, "U-2")))
    counted = await gateway.counts("income-register")
    assert (counted["accepted"], counted["rejected"]) == (2, 2), "told and counted once"
    assert (own / "in" / "notes.txt").exists(), "what was never taken stays"
