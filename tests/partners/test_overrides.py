"""Overrides of what stubs answer: which call meets which, in which order, and why not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exchange.partners.overrides import OVERRIDES_MAX, Overrides, override_of
from exchange.schemas.call import Call
from exchange.schemas.directory import Partner
from tests.partners.echo import DIRECTORY

FUND_A, FUND_B = (partner for partner in DIRECTORY)
PERSON = "010190-999R"


def overrides(*given: dict[str, Any]) -> Overrides:
    """Overrides that answer 503, each named by its place."""
    made = ({"id": str(number), "status": 503, **each} for number, each in enumerate(given))
    return Overrides(override_of(each, DIRECTORY) for each in made)


def call(message_type: str = "a.b", body: bytes = b"") -> Call:
    return Call("POST", "/in", {"X-Message-Type": message_type}, body)


def met(standing: Overrides, *calls: Call, partner: Partner = FUND_A) -> list[str]:
    found = (standing.meet(partner, each) for each in calls)
    return [each.id if each else "" for each in found]


def test_partner_sector_type_and_person_tell_calls_apart() -> None:
    standing = overrides({"partner": "fund.a", "message_type": "a.b"})
    assert met(standing, call(), call("a.c"), call("a.b;v=2")) == ["0", "", "0"]
    assert met(standing, call(), partner=FUND_B) == [""]
    assert met(overrides({"partner": "unemployment-fund"}), call(), partner=FUND_B) == ["0"]
    of_one = overrides({"person": PERSON})
    assert met(of_one, call(), call(body=b"{" + PERSON.encode() + b"}")) == ["", "0"]


def test_the_nth_such_call_is_met_and_others_are_not_counted() -> None:
    standing = overrides({"message_type": "a.b", "first": 2, "times": 2})
    assert met(standing, call(), call("a.c"), call(), call(), call()) == ["", "", "0", "0", ""]
    (told,) = standing.standing()
    assert told["alike"] == 4


def test_the_highest_priority_is_met_then_the_newest() -> None:
    standing = overrides({"times": 1}, {"priority": 1, "times": 1}, {"times": 1})
    assert met(standing, call(), call(), call(), call()) == ["1", "2", "0", ""]


def test_a_partner_goes_from_state_to_state_by_itself() -> None:
    standing = overrides(
        {"state": "start", "then_state": "moved"},
        {"state": "moved", "then_state": "start"},
    )
    assert met(standing, call(), call(), call()) == ["0", "1", "0"]
    assert met(standing, call(), partner=FUND_B) == ["0"]
    standing.clear()
    standing.set(override_of({"id": "x", "status": 503, "state": "start"}, DIRECTORY))
    assert met(standing, call()) == ["x"]


def test_one_that_is_set_again_begins_anew() -> None:
    standing = overrides({"times": 1})
    assert met(standing, call(), call()) == ["0", ""]
    standing.set(override_of({"id": "0", "status": 503, "times": 1}, DIRECTORY))
    assert met(standing, call()) == ["0"]
    assert standing.remove("0")
    assert not standing.remove("0")
    assert met(standing, call()) == [""]


def test_one_that_is_set_again_is_the_newest() -> None:
    standing = overrides({}, {})
    assert met(standing, call()) == ["1"]
    standing.set(override_of({"id": "0", "status": 503}, DIRECTORY))
    assert met(standing, call()) == ["0"]


def test_it_is_told_why_a_call_met_none() -> None:
    standing = overrides(
        {"partner": "fund.b"},
        {"message_type": "a.c"},
        {"person": PERSON},
        {"state": "moved"},
        {"first": 3},
    )
    assert met(standing, call()) == [""]
    (told,) = standing.latest("fund.a")
    assert standing.latest("fund.b") == []
    assert told["not_met"] == {
        "4": "it is call 1 of its kind, and the override is from call 3",
        "3": "the partner is in the state start, not moved",
        "2": "the person is not in the message",
        "1": "the message is of type a.b, not a.c",
        "0": "the call is to fund.a (unemployment-fund), not to fund.b",
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "a status, a fault, a delay or a state"),
        ({"status": 503, "fault": "down"}, "not both"),
        ({"status": 99}, "200 to 599"),
        ({"body": "x", "delay_seconds": 1}, "goes with a status"),
        ({"status": 200, "delay_seconds": float("inf")}, "delay_seconds: 0 to 600"),
        ({"status": 200, "first": 0}, "first: 1 or more"),
        ({"fault": "dwon"}, "nearest: down"),
        ({"stauts": 200}, "no such field (nearest: status)"),
        ({"status": 200, "partner": "fund.aa"}, "nearest: fund.a"),
        ({"status": 200, "headers": {"X-A": "b\r\nX-C: d"}}, "can't stand in a response"),
        ({"status": 200, "headers": {"Content-Length": "3"}}, "the server's to write"),
        ({"status": 200, "content_type": "text/xml\n"}, "can't stand in a response"),
        ({"status": 200, "body": "131052-308T"}, "could be a living person's"),
        ({"status": 200, "id": "x" * 101}, "id: 1 to 100"),
        ({"status": "many"}, "status"),
    ],
)
def test_what_can_not_be_is_refused_with_what_would_be_right(
    given: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as error:
        override_of({"id": "1", **given}, DIRECTORY)
    assert "131052" not in str(error.value)


def test_so_many_stand_and_no_more() -> None:
    standing = overrides(*[{}] * OVERRIDES_MAX)
    with pytest.raises(ValueError, match="remove some"):
        standing.set(override_of({"id": "more", "status": 503}, DIRECTORY))
    standing.set(override_of({"id": "0", "status": 204}, DIRECTORY))
