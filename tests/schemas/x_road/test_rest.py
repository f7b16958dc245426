"""The hash of REST requests, by worked examples."""

from __future__ import annotations

import pytest

from exchange.schemas.x_road.rest import request_hash

TARGET = "/r1/FI-TEST/GOV/0245437-2/VTJmutpa/VTJmutpa/api/v1"
CLIENT = ("X-Road-Client", "FI-TEST/MUN/1234567-1/testihenkilot")
REQUEST_ID = "5d0c8f1e-0000-4000-8000-000000000042"


@pytest.mark.parametrize(
    "skipped", [[], [("User-Agent", "a/1"), ("TE", "trailers"), ("host", "x")]]
)
def test_the_hash_of_a_request_without_a_body(skipped: list[tuple[str, str]]) -> None:
    headers = [("Accept", "application/json"), *skipped, CLIENT, ("X-Road-Id", "koe-1")]
    found = request_hash("GET", f"{TARGET}/kirjausavain/2026-11-20", headers, REQUEST_ID, "", b"")
    assert found == (
        "/fwJULyvO0pJJqwQFzyrc9dkim44TfDAIJK9iX40fhzxLg3WfQujA1WEEXTlzwIwf1kBdFNZ/j9CUG0T0gU4bw=="
    )


def test_the_hash_of_a_request_without_an_id_holds_the_one_made() -> None:
    made = "FI-TEST-5d0c8f1e-0000-4000-8000-000000000043"
    headers = [("Accept", "application/json"), CLIENT]
    found = request_hash("GET", f"{TARGET}/kirjausavain/2026-11-20", headers, REQUEST_ID, made, b"")
    assert found == (
        "Q4sxAOLCNi9mxO5i2EIBZ7wuO40TqXO06FBBmyadOAqBYy1pb5VrBuTcE7dLlIbr8VS/M6z+SEDpCr4rX1nleg=="
    )


def test_the_hash_of_a_request_with_a_body() -> None:
    headers = [
        ("Accept", "application/json"),
        CLIENT,
        ("X-Road-Id", "koe-1"),
        ("Content-Type", "application/json; charset=utf-8"),
    ]
    body = b'{"viimeisinKirjausavain":1000,"hetulista":["010594Y9032"]}'
    found = request_hash("POST", f"{TARGET}/muutokset", headers, REQUEST_ID, "", body)
    assert found == (
        "gLq0+PIkUil6HzBinSOBlGv7Oy4ajKBPMQSCZxEGFUxAMNhCCJXRPJOvgpIWuPrCq6Jrlumdfpsnf1IMhF0y5Q=="
    )
