"""For any delivery and any history, verdict and findings are those of a channel that has learned
nothing.
"""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.adapters.income_register.channel import declare
from exchange.adapters.income_register.recognition import RecognitionCache
from tests.adapters.income_register.judging import SOAP, delivery, judged, judged_anew
from tests.adapters.income_register.recognition.mutations import mutated

ENVELOPE = b'<s:Envelope xmlns:s="' + SOAP.encode() + b'"><s:Body>%b</s:Body></s:Envelope>'
KINDS = ("wages", "insurer", "fund", "kela")
#: So often is a form seen before it is admitted, and once more.
OFTEN = 5

MESSAGES = st.builds(
    lambda kind, seed, reports, changes, wrapped: message(kind, seed, reports, changes, wrapped),
    st.sampled_from(KINDS),
    st.integers(0, 40),
    st.integers(1, 9),
    st.integers(0, 3),
    st.booleans(),
)


def message(kind: str, seed: int, reports: int, changes: int, wrapped: bool) -> bytes:
    """A delivery with so many changes, with an envelope or without."""
    body = mutated(delivery(seed, reports, kind), random.Random(seed), changes)
    return ENVELOPE % body if wrapped else body


@settings(max_examples=25, deadline=None)
@given(
    target=MESSAGES,
    ordinary=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 40)), max_size=2),
    others=st.lists(MESSAGES, max_size=2),
    often=st.booleans(),
)
def test_a_verdict_is_that_of_a_channel_whose_caches_are_empty(
    target: bytes, ordinary: list[tuple[str, int]], others: list[bytes], often: bool
) -> None:
    channel = declare(RecognitionCache())
    for kind, seed in ordinary:
        judged(delivery(seed, 40, kind), channel)
    for other in others:
        for _ in range(OFTEN if often else 1):
            judged(other, channel)
    anew = judged_anew(target)
    for _ in range(OFTEN):
        assert judged(target, channel) == anew


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_history_of_mutants_changes_no_verdict(kind: str) -> None:
    rng = random.Random(kind)
    known = RecognitionCache()
    channel = declare(known)
    for seed in range(3):
        assert judged(delivery(seed, 100, kind), channel)[0]
    abridged = refused = 0
    for seed in range(80):
        body = mutated(delivery(1000 + seed % 9, 9, kind), rng, rng.randint(0, 3))
        if rng.random() < 0.3:
            body = ENVELOPE % body
        abridged += known.abridged(body) is not None
        found = judged(body, channel)
        assert found == judged_anew(body), body
        refused += not found[0]
    assert abridged > 10, "much of it is recognised"
    assert 10 < refused < 78


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("emptied", [b"<Transactions></Transactions>", b"<Transactions/>"])
def test_a_report_without_a_transaction_is_refused_whatever_came_before(
    kind: str, emptied: bytes
) -> None:
    known = RecognitionCache()
    channel = declare(known)
    body = delivery(7, 9, kind)
    bad = re.sub(rb"<Transactions>.*?</Transactions>", emptied, body, count=1, flags=re.DOTALL)
    anew = judged_anew(bad)
    assert anew[0] is False
    assert anew[2] == "schema"
    for seed in range(3):
        judged(delivery(seed, 200, kind), channel)
    for _ in range(OFTEN):
        judged(body, channel)
    assert known.abridged(body) is not None, "its other reports are known"
    for _ in range(OFTEN):
        assert judged(bad, channel) == anew
    abridged = known.abridged(bad)
    assert abridged is None or abridged.references[0] is None, "it is never taken for known"


def test_what_is_turned_off_recognises_nothing() -> None:
    known = RecognitionCache()
    channel = declare(known)
    assert channel.without_recognition is not None
    unaided = channel.without_recognition()
    body = delivery(7, 9)
    for _ in range(OFTEN):
        assert judged(body, unaided) == judged_anew(body)
    assert not known.reports[True].patterns, "and learns nothing"
