"""What the register answers is rendered in canonical form, whatever texts it repeats: it is signed
as it stands.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from exchange.adapters.income_register import answer
from exchange.schemas.envelope import Envelope
from exchange.schemas.income_register.codes import ERRORS

PARTIES = ("DeliveryDataOwner", "DeliveryDataCreator", "DeliveryDataSender")
CODE = ERRORS["internal"].code


def is_canonical(document: bytes) -> bool:
    return document == etree.tostring(
        etree.fromstring(document), method="c14n", exclusive=True, with_comments=False
    )


@given(
    texts=st.lists(st.text(max_size=12), min_size=8, max_size=8),
    at=st.integers(0, 4_000_000_000_000),
)
def test_answers_are_their_own_canonical_form(texts: list[str], at: int) -> None:
    given_id, source, party, name, version, details, data, number = texts
    header = {
        "Timestamp": "2026-03-02T06:00:00Z",
        "Source": source,
        "DeliveryDataType": "100",
        "DeliveryId": given_id,
    }
    header |= {each: [["Type", "1"], ["Code", party]] for each in PARTIES}
    errors = [["message", CODE, details], ["delivery", CODE, data]]
    valid, invalid = [[0, name, version, number]], [[1, name, number, version, [[CODE, details]]]]
    detail = {"status": 4, "header": header, "errors": errors, "valid": valid, "invalid": invalid}
    envelope = Envelope(
        1, "income-register", "income-register.wage-reports", "x", "y", at, "text/xml"
    )
    for document in (
        answer.acknowledgement(envelope, detail),
        answer.acknowledgement(envelope, {**detail, "status": 3}),
        answer.status_response(envelope, detail, at),
        answer.status_response(envelope, {**detail, "errors": []}, at),
        answer.invalidated(envelope, at),
        answer.refused_file(at, details),
        answer.unknown_delivery(at),
        answer.echo(data),
    ):
        assert is_canonical(document), document
