"""A header that is known by its bytes is judged as if it weren't: mutants, and headers that only
seem to be the one that is known.
"""

from __future__ import annotations

import random
import re

import pytest

from exchange.adapters.income_register.channel import declare
from exchange.adapters.income_register.findings import Payer
from exchange.adapters.income_register.recognition import RecognitionCache
from exchange.adapters.income_register.recognition.header import HeaderCache
from tests.adapters.income_register.judging import (
    EMPLOYER,
    SOAP,
    delivery,
    header_key,
    judged,
    judged_anew,
)

ENVELOPE = b'<s:Envelope xmlns:s="' + SOAP.encode() + b'">%b<s:Body>%b</s:Body></s:Envelope>'


@pytest.mark.parametrize("kind", ["wages", "kela"])
def test_a_mutant_of_a_known_header_has_its_own_verdict(kind: str) -> None:
    headers = (known_to := RecognitionCache()).headers
    channel = declare(known_to)
    rng = random.Random(kind)
    assert judged(delivery(1, kind=kind), channel)[0]
    known = refused = 0
    for seed in range(2, 220):
        body = delivery(seed, kind=kind)
        header = body[: body.index(b"<Reports>")]
        values = list(re.finditer(rb">([^<>\s][^<>]*)</", header))
        value = rng.choice(values)
        other = rng.choice(
            [each[1] for each in values]
            + [b"", b"2199-01-01", b"2026-03-02T10:00:00", b"true", b"7", b"x y"]
        )
        body = body[: value.start(1)] + other + body[value.end(1) :]
        known += headers.find(header_key(body, "100" if kind == "wages" else "102")) is not None
        found = judged(body, channel)
        assert found == judged_anew(body), body[: len(header) + 60]
        refused += not found[0]
    assert known > 25
    assert refused > 60


def test_what_is_found_in_a_header_is_found_again() -> None:
    channel = declare(RecognitionCache())
    body = delivery(1).replace(b"<Code>" + EMPLOYER.business_id.encode(), b"<Code>1234567-8")
    first = judged(body, channel)
    assert first[3]
    assert judged(body, channel) == first


def variants(body: bytes) -> dict[str, bytes]:
    """Deliveries whose header is bad, beside bytes of one that is known to be good."""
    root_end = body.index(b"<DeliveryData>")
    start, end = root_end, body.index(b"<Reports>") + len(b"<Reports>")
    good = body[start:end] + b"</Reports></DeliveryData>"
    bad = re.sub(rb"(<DeliveryDataCreator><Type>1</Type><Code>)[^<]*", rb"\g<1>1234567-8", body)
    payer = bad[bad.index(b"<Payer>") : bad.index(b"</Payer>") + 8].replace(
        EMPLOYER.business_id.encode(), b"1234567-8"
    )
    plain = bad[bad.index(b"?>") + 2 :] if bad.startswith(b"<?xml") else bad
    return {
        "in a comment before it": bad[:root_end] + b"<!--" + good + b"-->" + bad[root_end:],
        "in a comment before the root": b"<!--" + good + b"-->" + plain,
        "in an element before it": bad[:root_end] + b"<x>" + good + b"</x>" + bad[root_end:],
        "as a header before it": bad[:root_end] + good + bad[root_end:],
        "in the envelope's header": ENVELOPE
        % (b"<s:Header><x>" + good + b"</x></s:Header>", plain),
        "as the envelope's header": ENVELOPE % (b"<s:Header>" + good + b"</s:Header>", plain),
        "in a processing instruction": bad[:root_end] + b"<?x " + good + b"?>" + bad[root_end:],
        "in a section of characters": bad[:root_end]
        + b"<![CDATA["
        + good
        + b"]]>"
        + bad[root_end:],
        "payer once more after the reports": body.replace(
            b"</DeliveryData>", payer + b"</DeliveryData>"
        ),
        "inside it, where its own tag has a space": bad.replace(
            b"<DeliveryData>", b"<DeliveryData ><x>" + good + b"</x>"
        ),
        "tag with a space": bad.replace(b"<DeliveryData>", b"<DeliveryData >"),
        "comment in the header": body.replace(
            b"<DeliveryDataCreator>", b"<DeliveryDataCreator><!-- x -->"
        ),
    }


@pytest.mark.parametrize("name", variants(delivery(1)))
def test_bytes_of_a_known_header_beside_the_real_one_tell_nothing(name: str) -> None:
    known = RecognitionCache()
    channel, good = declare(known), delivery(1)
    assert judged(good, channel)[0]
    assert known.headers.find(header_key(good)) is not None, "the header that is attacked is known"
    spoilt = variants(good)[name]
    assert judged(spoilt, channel) == judged_anew(spoilt)


def test_headers_differ_by_all_but_time_id_and_days() -> None:
    body = delivery(1)
    assert header_key(body) is not None
    assert header_key(
        body.replace(b"<DeliveryId>A-1<", b"<DeliveryId>A-2<").replace(
            b"T06:00:00Z", b"T07:10:00+02:00"
        )
    ) == header_key(body)
    assert header_key(body) != header_key(body, "102")
    assert header_key(
        body.replace(b"2026-03-02</PaymentDate>", b"2026-03-01</PaymentDate>")
    ) == header_key(body)
    assert header_key(body.replace(b"<Source>", b"<Source>x")) != header_key(body)
    latin = b'<?xml version="1.0" encoding="iso-8859-1"?>' + body
    assert header_key(latin) != header_key(body)


def test_the_oldest_header_is_forgotten() -> None:
    kept = HeaderCache(2)
    for name in (b"a", b"b"):
        kept.keep(name, Payer())
    assert kept.find(b"a") is not None
    kept.keep(b"c", Payer())
    assert kept.find(b"b") is None
    assert kept.find(b"a") is not None
    assert kept.find(None) is None
