"""Clients that are watched: one that is right on the whole way, and what wrong ones are told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from exchange import discovery
from exchange.cli.partners.own_samples import OwnSamples
from exchange.client import Client, luova
from exchange.ports import Desk, Endpoint
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import Partner, partner_of
from exchange.testing.onboarding.fault_verdicts import of_hindrances
from exchange.testing.onboarding.injected_faults import BUSY, LATE, LOST, Came, Hindrances
from exchange.testing.onboarding.redaction import shown
from exchange.testing.onboarding.run import Bench, bench, watched

KEY = "a-key-of-the-tests"
TYPE = "unemployment.earnings-data"
SHOWN = shown(Call("POST", "/luova/v1/messages"), Reply(202))


@pytest.fixture(scope="module")
def on() -> Iterator[Bench]:
    with bench("fund.mine", late_seconds=0.3) as made:
        yield made


def test_a_client_that_sends_again_and_acknowledges_passes(on: Bench) -> None:
    partner = partner_of(
        {
            "id": "fund.mine",
            "name": "A fund",
            "sector": "unemployment-fund",
            "business_id": "1234567-1",
            "key": KEY,
            "delivery": "mailbox",
            "played": False,
        }
    )
    on.exchange.put(partner)
    calls = OwnSamples(on.exchange.directory, partner).calls(TYPE, 3, 1)

    def work() -> None:
        with Client(on.exchange.address, KEY) as mine:
            for number, call in enumerate(calls):
                mine.call(luova.submit, TYPE, call.body, message_id=f"m-{number}")
            assert [*mine.each(luova.letters)]

    client = threading.Thread(target=work)
    found = watched(on, partner, 30.0, lambda letters: client.start())
    client.join()
    tried = {each.name: each for each in found if each.verdict != "not tried"}
    assert {name: each.why for name, each in tried.items() if each.verdict == "failed"} == {}
    assert {
        *("client.busy", "client.patient", "client.lost", "client.late", "client.one-id"),
        *("mailbox.read", "mailbox.acknowledged", "mailbox.busy"),
        f"client.valid {TYPE}",
    } <= set(tried)


def came(*calls: tuple[str, str, float, str]) -> list[Came]:
    """Calls by message id, body, time and hindrance."""
    return [
        Came(
            channel="luova",
            key=("POST /luova/v1/messages", message_id),
            message_id=message_id,
            body=body,
            at=at,
            ended=at,
            hindrance=hindrance,
            shown=SHOWN,
        )
        for message_id, body, at, hindrance in calls
    ]


@pytest.mark.parametrize(
    ("calls", "failed"),
    [
        ([("1", "a", 0.0, BUSY), ("1", "a", 1.0, "")], {}),
        ([("1", "a", 0.0, BUSY), ("1", "a", 0.5, "")], {"client.patient": "after 0.50 s"}),
        ([("1", "a", 0.0, BUSY), ("2", "b", 1.0, "")], {"client.busy": "did not come again"}),
        ([("1", "a", 0.0, BUSY), ("2", "a", 1.0, "")], {"client.busy": "under another id"}),
        ([("1", "a", 0.0, LOST), ("2", "a", 1.0, "")], {"client.lost": "under another id"}),
        ([("1", "a", 0.0, LOST), ("1", "a", 0.1, "")], {}),
        ([("2", "a", 1.0, ""), ("1", "a", 0.0, LATE)], {"client.late": "under another id"}),
        ([("1", "a", 0.5, ""), ("1", "a", 0.0, LATE)], {}),
        ([("1", "a", 0.0, ""), ("1", "b", 1.0, "")], {"client.one-id": "with two bodies"}),
    ],
)
def test_what_a_hindered_client_does_wrong_is_told(
    calls: list[tuple[str, str, float, str]], failed: dict[str, str]
) -> None:
    found = {
        each.demand.id: each.why for each in of_hindrances(came(*calls)) if each.verdict == "failed"
    }
    assert set(found) == set(failed)
    assert all(said in found[name] for name, said in failed.items())


async def test_a_fault_waits_for_a_message_that_is_taken() -> None:
    replies = iter((202, 400, 202, 422, 202))

    async def handler(call: Call, partner: Partner, desk: Desk) -> Reply:
        return Reply(next(replies))

    mine = Partner("fund.mine", "A fund", "unemployment-fund")
    faults = Hindrances(mine.id, late_seconds=0)
    taking = Endpoint("POST", "/x", "Takes.", handler=handler, takes_messages=True)
    channel = replace(discovery.channels()["luova"], endpoints=(taking,))
    (noted,) = faults.around({"luova": channel})["luova"].endpoints
    assert noted.handler is not None
    for number in range(6):
        call = Call("POST", "/x", {"X-Message-Id": f"m-{number}"})
        await noted.handler(call, mine, None)  # type: ignore[arg-type]
    assert [each.hindrance for each in faults.came] == [BUSY, LOST, "", LATE, "", ""]
