"""What Kelmu carries for basic social assistance over days: requests with work list, reminder,
late answer and withdrawal, documents with their files, notices at their three times.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

import pytest

from exchange.client import Client, Problem, Rejected, kelmu
from exchange.client.kelmu import File
from exchange.testing.embedded import Embedded, OwnPartner
from tests.adapters.kelmu.days import (
    COUNTY,
    DOCUMENT,
    JPEG,
    KELA,
    OTHER,
    PDF,
    PERSON,
    PNG,
    advance_to,
    answer,
    counted,
    notice,
    pushed,
    request,
    today,
    tomorrow,
)

#: (Less than by default, so that not much is sent to be refused.)
ATTACHMENT_BYTES_MAX = 1 << 20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    limits = {"attachment_bytes_max": ATTACHMENT_BYTES_MAX}
    with Embedded(tmp_path_factory.mktemp("kelmu"), limits=limits) as running:
        tomorrow(running, 10)
        yield running


@pytest.fixture(scope="module")
def county(served: Embedded) -> OwnPartner:
    return served.partner(COUNTY)


@pytest.fixture(scope="module")
def other(served: Embedded) -> OwnPartner:
    return served.partner(OTHER)


@pytest.fixture(scope="module")
def kela(served: Embedded) -> OwnPartner:
    return served.partner(KELA)


def open_requests(county: Client, everything: bool = False) -> dict[str, dict[str, Any]]:
    """The work list of requests, by their ids."""
    listed = county.each(kelmu.work_list, "information-requests", "sos1", everything=everything)
    return {entry["information_request"]: dict(entry) for entry in listed}


def rules(call: Any) -> list[str]:
    """The rules by which a call is refused."""
    with pytest.raises(Problem) as refused:
        call()
    return sorted({each.rule for each in refused.value.violations})


def test_a_request_is_on_the_work_list_until_it_is_answered(
    served: Embedded, county: OwnPartner, other: OwnPartner, kela: OwnPartner
) -> None:
    asked = kela.client.call(kelmu.request_information, request(served), message_id="open-1")
    assert asked.message_id == "open-1"
    listed = open_requests(county.client)["open-1"]
    assert (listed["person"], listed["state"], listed["late"]) == (PERSON, "open", False)
    assert "open-1" not in open_requests(other.client)
    told = county.client.call(
        kelmu.answer_information_request, "open-1", answer("open-1"), files=[PDF, PNG, JPEG]
    )
    assert not told.late
    (push,) = pushed(kela, "kelmu.information-request-answer", "open-1")
    assert all(file.content in push.body for file in (PDF, PNG, JPEG))
    assert "open-1" not in open_requests(county.client)
    assert open_requests(county.client, everything=True)["open-1"]["state"] == "answered"


def test_at_its_day_a_county_is_reminded_once_and_a_late_answer_is_marked_and_counted(
    served: Embedded, county: OwnPartner, kela: OwnPartner
) -> None:
    before = counted(served, "kelmu.information-request-answer")
    late_at = today(served) + datetime.timedelta(days=1)
    document = request(served, answer_by=late_at.isoformat())
    kela.client.call(kelmu.request_information, document, message_id="late-1")
    assert not pushed(county, "kelmu.information-request-reminder", "late-1", 0)
    advance_to(served, late_at, 0, 1)
    (reminder,) = pushed(county, "kelmu.information-request-reminder", "late-1")
    assert PERSON.encode() not in reminder.body
    listed = open_requests(county.client)["late-1"]
    assert listed["reminded_at"]
    assert not listed["late"], "the day is not over"
    tomorrow(served, 9)
    assert open_requests(county.client)["late-1"]["late"]
    told = county.client.call(kelmu.answer_information_request, "late-1", answer("late-1"))
    assert told.late
    served.settle()
    assert len(pushed(county, "kelmu.information-request-reminder", "late-1", 0)) == 1
    assert counted(served, "kelmu.information-request-answer") - before == {
        "received": 1, "accepted": 1, "queued": 1, "queued:late": 1, "delivered": 1, "delivered:late": 1,
    }  # fmt: skip


def test_what_is_answered_or_withdrawn_is_not_reminded_of(
    served: Embedded, county: OwnPartner, kela: OwnPartner
) -> None:
    due = today(served) + datetime.timedelta(days=1)
    for reference in ("quiet-1", "quiet-2"):
        document = request(served, answer_by=due.isoformat())
        kela.client.call(kelmu.request_information, document, message_id=reference)
    county.client.call(kelmu.answer_information_request, "quiet-1", answer("quiet-1"))
    withdrawal = {
        "information_request": "quiet-2",
        "county": COUNTY,
        "reason": "Hakemus on ratkaistu.",
        "user": "kela1",
    }
    kela.client.call(kelmu.withdraw_information_request, "quiet-2", withdrawal)
    pushed(county, "kelmu.information-request-withdrawal", "quiet-2")
    assert open_requests(county.client, everything=True)["quiet-2"]["state"] == "withdrawn"
    document = answer("quiet-2")
    assert rules(
        lambda: county.client.call(kelmu.answer_information_request, "quiet-2", document)
    ) == ["kelmu.information-request-answer.withdrawn"]
    withdraw = kelmu.withdraw_information_request
    for reference, changed, rule in (
        ("quiet-1", {}, "answered"),
        ("quiet-2", {}, "again"),
        ("none", {}, "unknown"),
        ("quiet-1", {"county": OTHER}, "county"),
    ):
        document = {**withdrawal, "information_request": reference, **changed}
        found = rules(lambda r=reference, d=document: kela.client.call(withdraw, r, d))
        assert f"kelmu.information-request-withdrawal.{rule}" in found
    document = {**withdrawal, "information_request": "quiet-2"}
    found = rules(lambda: kela.client.call(withdraw, "quiet-1", document))
    assert "kelmu.information-request-withdrawal.reference" in found
    tomorrow(served, 9)
    served.settle()
    for reference in ("quiet-1", "quiet-2"):
        assert not pushed(county, "kelmu.information-request-reminder", reference, 0)


def test_documents_go_to_kela_byte_for_byte(
    served: Embedded, county: OwnPartner, kela: OwnPartner
) -> None:
    files = [PDF, PNG, JPEG]
    told = county.client.call(
        kelmu.send_document, DOCUMENT, files, message_id="files-1", by_hand=True
    )
    assert told.message_type == "kelmu.document"
    (push,) = kela.pushes.await_received(where=lambda push: push.message_id == "files-1")
    assert push.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert all(file.content in push.body for file in files)
    assert PERSON.encode() in push.body


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        (File("a.pdf", "application/pdf", b""), "empty"),
        (File("a.pdf", "application/pdf", b"MZ\x90\x00"), "kind"),
        (File("a.pdf", "application/pdf", b"<svg xmlns='...'/>"), "kind"),
        (File("a.pdf", "application/pdf", PNG.content), "declared"),
        (File("a.pdf", "application/octet-stream", PDF.content), "declared"),
        (File("a.pdf", "application/pdf", PDF.content[:-20]), "broken-off"),
        (File("a.png", "image/png", PNG.content[:-9]), "broken-off"),
        (File("a.jpg", "image/jpeg", JPEG.content[:-2]), "broken-off"),
        (File(f"{PERSON}.pdf", "application/pdf", PDF.content), "name"),
        (File(f"liite_{PERSON.lower()}_1.pdf", "application/pdf", PDF.content), "name"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(
    county: OwnPartner, file: File, rule: str
) -> None:
    with pytest.raises(Rejected) as refused:
        county.client.call(kelmu.send_document, DOCUMENT, [PDF, file])
    assert [each.rule for each in refused.value.violations] == [f"kelmu.attachments.{rule}"]
    assert refused.value.status == 400
    assert PERSON not in str(refused.value)


def test_who_may_not_what_must_not_and_what_is_too_much(
    served: Embedded, county: OwnPartner
) -> None:
    send = kelmu.send_document
    assert rules(lambda: county.client.call(send, DOCUMENT, [])) == ["kelmu.attachments.missing"]
    large = File("a.pdf", "application/pdf", PDF.content + b" " * ATTACHMENT_BYTES_MAX)
    assert rules(lambda: county.client.call(send, DOCUMENT, [large])) == ["attachments.size"]
    # (The digits are put together here so that no such code stands in this file.)
    real = "131052-" + "308T"
    named = File(f"{real}.pdf", "application/pdf", PDF.content)
    with pytest.raises(Rejected) as refused:
        county.client.call(send, DOCUMENT, [named])
    assert refused.value.reason == "real-person"
    assert real not in str(refused.value)
    town = served.client(served.key_of("municipality.oulu"))
    assert rules(lambda: town.call(send, DOCUMENT, [PDF])) == ["kelmu.rights.sender"]
    aland = served.client(served.key_of("municipality.mariehamn"))
    assert aland.call(send, DOCUMENT, [PDF]).id, "Åland's municipalities have a county's tasks"


def given(county: Client) -> dict[str, dict[str, Any]]:
    """The work list of notices, by their ids."""
    listed = county.each(kelmu.work_list, "notices", "sos1", everything=True)
    return {entry["notice"]: dict(entry) for entry in listed}


def test_notices_are_given_at_once_the_same_day_or_the_day_after_the_decision(
    served: Embedded, county: OwnPartner, kela: OwnPartner
) -> None:
    day = tomorrow(served, 10)
    give = kelmu.give_notice
    kela.client.call(give, notice("contact-request"), message_id="now")
    kela.client.call(give, notice("urgent-application"), message_id="today")
    decided = notice("reduced-basic-amount", decided_on=day.isoformat())
    kela.client.call(give, decided, message_id="next-day")
    pushed(county, "kelmu.notice", "now")
    assert set(given(county.client)) >= {"now"}
    assert not set(given(county.client)) & {"today", "next-day"}
    advance_to(served, day, 16, 1)
    (push,) = pushed(county, "kelmu.notice", "today")
    assert json.loads(push.body)["notice_kind"] == "urgent-application"
    advance_to(served, day, 23, 55)
    served.settle()
    assert not pushed(county, "kelmu.notice", "next-day", 0)
    assert "next-day" not in given(county.client)
    advance_to(served, day + datetime.timedelta(days=1), 6, 1)
    pushed(county, "kelmu.notice", "next-day")
    tomorrow(served, 8)
    served.settle()
    for reference in ("now", "today", "next-day"):
        assert len(pushed(county, "kelmu.notice", reference, 0)) == 1, "each is given once"


def test_an_official_moves_a_notice_to_the_right_authority(
    served: Embedded, county: OwnPartner, other: OwnPartner, kela: OwnPartner
) -> None:
    kela.client.call(kelmu.give_notice, notice("contact-request"), message_id="astray")
    pushed(county, "kelmu.notice", "astray")
    transfer = {
        "notice": "astray",
        "authority": OTHER,
        "reason": "Asiakas on muuttanut Kajaaniin.",
        "user": "sos1",
    }
    move = kelmu.move_notice
    of_none = {**transfer, "notice": "none"}
    assert rules(lambda: county.client.call(move, "none", of_none)) == (
        rules(lambda: other.client.call(move, "astray", transfer))
    ), "another's notice is as good as none"
    for changed, rule in (
        ({"authority": COUNTY}, "kelmu.notice-transfer.same"),
        ({"authority": "municipality.oulu"}, "kelmu.notice.authority"),
        ({"notice": "other"}, "kelmu.notice-transfer.reference"),
    ):
        document = {**transfer, **changed}
        assert rules(lambda d=document: county.client.call(move, "astray", d)) == [rule]
    county.client.call(move, "astray", transfer, message_id="t-1")
    again = county.client.call(move, "astray", transfer, message_id="t-1")
    assert again.message_id == "t-1", "the same transfer again is a duplicate"
    (push,) = pushed(other, "kelmu.notice", "astray")
    assert json.loads(push.body)["person"] == PERSON
    pushed(kela, "kelmu.notice-transfer", "astray")
    assert given(other.client)["astray"]["state"] == "given"
    moved = given(county.client)["astray"]
    assert moved["state"] == "moved"
    assert "person" not in moved, "whom it is about is the other authority's now"
    back = {**transfer, "authority": COUNTY}
    other.client.call(move, "astray", back, message_id="t-2")
    pushed(county, "kelmu.notice", "astray", 2)
    assert list(given(county.client)).count("astray") == 1


def test_only_kela_gives_notices_and_of_what_is_decided(
    served: Embedded, county: OwnPartner, kela: OwnPartner
) -> None:
    give = kelmu.give_notice
    found = rules(lambda: county.client.call(give, notice("contact-request")))
    assert found == ["kelmu.rights.sender"]
    future = (today(served) + datetime.timedelta(days=1)).isoformat()
    for document, rule in (
        (notice("reduced-basic-amount", decided_on=future), "kelmu.notice.future"),
        (notice("contact-request", "municipality.oulu"), "kelmu.notice.authority"),
    ):
        assert rules(lambda d=document: kela.client.call(give, d)) == [rule]
    kela.client.call(give, notice("contact-request"), message_id="once")
    core = served.client(served.key_of("kela.core-data"))
    assert rules(lambda: core.call(give, notice("contact-request"), message_id="once")) == [
        "kelmu.notice.id"
    ]
