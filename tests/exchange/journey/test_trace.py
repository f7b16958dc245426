"""A call's trace: what is one, what is passed over, and how a delivery goes on with it."""

from __future__ import annotations

import pytest

from exchange.journey import trace

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "traceparent",
    [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        GIVEN + "\n",
        "131052-308T",
    ],
)
def test_what_is_no_traceparent_is_passed_over(traceparent: str) -> None:
    assert trace.begin({"traceparent": traceparent}) == {}
    assert trace.current() == {}


@pytest.mark.parametrize("request_id", ["", "a b", "x" * 65, "a\n", "ä", "131052-308T"])
def test_what_is_no_request_id_or_could_be_a_person_is_passed_over(request_id: str) -> None:
    assert trace.begin({"X-Request-Id": request_id}) == {}


def test_each_call_has_a_trace_of_its_own() -> None:
    headers = {"traceparent": GIVEN, "X-Request-Id": "mine-1"}
    assert trace.begin(headers) == headers == trace.current()
    assert trace.begin({}) == {} == trace.current()


def test_a_delivery_goes_on_with_the_trace_of_its_message() -> None:
    detail = {"trace": {"traceparent": GIVEN, "X-Request-Id": "mine-1"}}
    assert trace.handed_on(detail) == detail["trace"]
    assert trace.handed_on({}) == trace.handed_on({"trace": "odd"}) == {}
