"""Verdicts on what a client did when faults were injected, by the calls that it made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exchange.testing.onboarding.demands import Found, judged, not_tried
from exchange.testing.onboarding.injected_faults import (
    ACKNOWLEDGEMENT,
    BUSY,
    LATE,
    LOST,
    RETRY_AFTER_SECONDS,
    Came,
)

NO_MESSAGE = "the client sent no message that could be hindered"


def of_hindrances(came: Sequence[Came]) -> Iterator[Found]:
    """The demands on a client that was hindered, by its calls in order."""
    yield _again(came, "client.busy", BUSY)
    yield _patient(came)
    yield _again(came, "client.lost", LOST)
    yield _late(came)
    yield _one_id(came)


def _hindered(came: Sequence[Came], hindrance: str) -> tuple[Came | None, Sequence[Came]]:
    """The message that was hindered, and what came after it."""
    for place, each in enumerate(came):
        if each.hindrance == hindrance and not each.key[0].endswith(ACKNOWLEDGEMENT):
            return each, came[place + 1 :]
    return None, ()


def _again(came: Sequence[Came], name: str, hindrance: str) -> Found:
    hindered, later = _hindered(came, hindrance)
    if hindered is None:
        return not_tried(name, "", NO_MESSAGE)
    again = [each for each in later if each.key == hindered.key]
    if again:
        return judged(name, "", "", [hindered.shown, again[0].shown])
    other = [each for each in later if each.body == hindered.body]
    wrong = "the same body came under another id" if other else "it did not come again"
    return judged(name, "", wrong, [hindered.shown, *(each.shown for each in other[:1])])


def _patient(came: Sequence[Came]) -> Found:
    name = "client.patient"
    hindered, later = _hindered(came, BUSY)
    again = next((each for each in later if hindered and each.key == hindered.key), None)
    if hindered is None or again is None:
        return not_tried(name, "", "nothing came again after 503")
    waited = again.at - hindered.ended
    wrong = f"it came again after {waited:.2f} s" if waited < RETRY_AFTER_SECONDS else ""
    return judged(name, "", wrong, [hindered.shown, again.shown])


def _late(came: Sequence[Came]) -> Found:
    name = "client.late"
    hindered, _ = _hindered(came, LATE)
    if hindered is None:
        return not_tried(name, "", NO_MESSAGE)
    other = [
        each
        for each in came
        if each.at > hindered.at and each.body == hindered.body and each.key != hindered.key
    ]
    wrong = "the same body came under another id" if other else ""
    return judged(name, "", wrong, [hindered.shown, *(each.shown for each in other[:1])])


def _one_id(came: Sequence[Came]) -> Found:
    name, bodies = "client.one-id", dict[tuple[str, str], Came]()
    named = [each for each in came if each.message_id]
    if not named:
        return not_tried(name, "", "no message with an X-Message-Id came")
    for each in named:
        first = bodies.setdefault((each.channel, each.message_id), each)
        if first.body != each.body:
            wrong = f"{each.message_id} came with two bodies"
            return judged(name, "", wrong, [first.shown, each.shown])
    return judged(name, "", "")
