"""A case as operators see it: documents by number, what each answers, and what may be sent next and
from when on.
"""

from __future__ import annotations

from exchange.adapters.eessi.case import DAY_MILLISECONDS, Case, Document, options
from exchange.adapters.eessi.generate.messages import KELA
from exchange.adapters.eessi.sequence import CASES, shown
from exchange.schemas import directory
from exchange.schemas.eessi.processes import load
from tests.adapters.eessi.access_point import ESTONIA

NOW = 1_772_000_000_000


def case(process: str, *documents: Document) -> Case:
    """A case between Estonia, which owns it, and Kela."""
    return Case(
        id="c" * 32,
        process=process,
        version="4.2",
        opened_at=NOW,
        updated_at=NOW,
        roles={KELA: "CP", ESTONIA: "PO"},
        documents=list(documents),
    )


def document(number: int, sed: str, sender: str, parent: str = "") -> Document:
    """A document that one of them sent to the other."""
    receiver = ESTONIA if sender == KELA else KELA
    return Document(f"s{number}", sed, 1, sender, [receiver], parent, NOW, [f"m{number}"])


def test_documents_have_numbers_and_name_what_they_are_about() -> None:
    asked = case("H_BUC_01", document(1, "H001", ESTONIA), document(2, "H002", KELA, "s1"))
    told = shown(asked.as_data(), NOW, directory.load())
    assert [(each.number, each.type, each.about) for each in told.documents] == [
        (1, "H001", 0),
        (2, "H002", 1),
    ]
    assert {each.id: each.role for each in told.participants} == {
        KELA: "CounterParty",
        ESTONIA: "CaseOwner",
    }
    assert told.title["fi"] == "Tapauskohtainen tietojenvaihto"
    assert told.documents[0].title["en"].startswith("H001 ")
    assert CASES.key("c" * 32) == f"case:{'c' * 32}"


def test_what_may_be_sent_is_what_the_process_lets_each_send() -> None:
    asked = case("H_BUC_01", document(1, "H001", ESTONIA))
    process = load().get("H_BUC_01")
    assert process is not None
    for participant in shown(asked.as_data(), NOW, directory.load()).participants:
        allowed = [each.sed for each in options(asked, process, load(), participant.id)]
        offered = [each.type for each in participant.next if not each.is_update]
        assert offered == allowed
        updates = [each.about for each in participant.next if each.is_update]
        assert updates == ([1] if participant.id == ESTONIA else [])


def test_what_may_be_sent_later_says_when() -> None:
    posted = case("LA_BUC_04", document(1, "A009", ESTONIA))
    for days, wanted in ((0, NOW + 30 * DAY_MILLISECONDS), (31, 0)):
        now = NOW + days * DAY_MILLISECONDS
        told = shown(posted.as_data(), now, directory.load())
        closing = [
            each.not_before
            for participant in told.participants
            for each in participant.next
            if each.type == "X001"
        ]
        assert wanted in closing, days
