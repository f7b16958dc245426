"""What a main subscription must be as a whole, at the desk: ids used twice, times that can't be
reckoned with, and whom a failure stops.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.adapters import income_register
from exchange.adapters.income_register.hand_out import extraction
from exchange.adapters.income_register.orders.subscription import first_at, milliseconds
from exchange.assembly import checking
from exchange.ports import Inbound
from exchange.schemas.call import XML
from tests.adapters.income_register.clients import raw
from tests.adapters.income_register.data_user import DAY, World
from tests.adapters.income_register.endpoints.test_services import invalidation_of
from tests.adapters.income_register.hand_out.test_extraction import (
    EMPLOYER,
    KELA,
    at,
    settled,
    subscription,
)
from tests.adapters.income_register.orders.test_query_data_type import order, part

SAMPLES = Path(income_register.__file__).parent / "samples" / "valid"
EVENING = f"{DAY}T09:00:10+02:00"


async def rules_against(world: World, partner: str, body: bytes) -> list[str]:
    """The rules for which a subscription is refused; none when it is accepted."""
    sender = world.exchange.directory.get(partner)
    assert sender is not None
    outcome = await world.exchange.desk(world.exchange.channels["income-register"]).accept(
        Inbound(sender, body, XML, "deferred")
    )
    assert (outcome.kind == "rejected") == bool(outcome.violations)
    return [each.rule for each in outcome.violations]


def subscribed(world: World, partner: str, main: str, delivery: str, **texts: str) -> bytes:
    """A partner's continuous subscription to all wage reports; texts by element, which is added
    when it isn't there.
    """
    sender = world.exchange.directory.get(partner)
    assert sender is not None
    root = etree.fromstring(order(sender.business_id, delivery, part("300", {}, {})))
    found = root.find("DeliveryData/MainSubscription")
    found.find("MainSubscriptionId").text = main
    for name, text in texts.items():
        if (element := found.find(name)) is None:
            element = etree.Element(name)
            found.find("PartyType").addprevious(element)
        element.text = text
    return raw(root)


#: Another user of the register's data.
OTHER_USER = "kela.benefits"


async def test_a_main_subscription_id_is_used_once_by_its_subscriber_even_after_it_was_invalidated(
    world: World,
) -> None:
    assert await rules_against(world, KELA, subscribed(world, KELA, "main", "first")) == []
    assert await rules_against(world, KELA, subscribed(world, KELA, "main", "second")) == [
        "ir.subscription-id-used"
    ]
    assert (
        await rules_against(world, OTHER_USER, subscribed(world, OTHER_USER, "main", "first")) == []
    ), "another subscriber's own"
    kela = world.exchange.directory.get(KELA)
    assert kela is not None
    invalidation = invalidation_of(kela.business_id, "inv", "108", "main")
    await world.take(KELA, invalidation.replace(b"InvalidationRequest", b"InvalidationsRequest"))
    assert await rules_against(world, KELA, subscribed(world, KELA, "main", "third")) == [
        "ir.subscription-id-used"
    ]
    assert await rules_against(world, KELA, subscribed(world, KELA, "other", "fourth")) == []


TIMES = {
    "hour 24 is the next day's first": ({"ModifiedTimespanStart": "2026-03-01T24:00:00+02:00"}, []),
    "at the first extraction": (
        {"ModifiedTimespanStart": "2026-03-02T07:00:00Z"},
        ["ir.change-span-late"],
    ),
    "just before it, elsewhere": ({"ModifiedTimespanStart": "2026-03-02T12:29:59+05:30"}, []),
    "an end": (
        {
            "ModifiedTimespanStart": "2026-03-01T00:00:00Z",
            "ModifiedTimespanEnd": "2026-03-02T00:00:00Z",
        },
        ["ir.change-span-end"],
    ),
    "no end in sight": ({"ValidUntil": "9999-12-31"}, []),
    "an old start": ({"ModifiedTimespanStart": "1900-01-01T00:00:00Z"}, []),
    "too old a start": ({"ModifiedTimespanStart": "0001-01-01T00:00:00+02:00"}, ["ir.year-unfit"]),
    "a year of five digits": ({"ValidFrom": "12026-03-02"}, ["ir.year-unfit"]),
    "a year before the first": ({"ValidFrom": "-2026-03-02"}, ["ir.year-unfit"]),
    "the last day of all": ({"ValidFrom": "9999-12-31"}, []),
    "over before it begins": ({"ValidUntil": "2026-03-01"}, ["ir.period-order"]),
    "over on its first day, in another time zone": ({"ValidUntil": "2026-03-02Z"}, []),
}


@pytest.mark.parametrize("name", TIMES)
async def test_what_is_accepted_is_extracted_and_what_cannot_be_is_refused(
    world: World, name: str
) -> None:
    texts, expected = TIMES[name]
    await world.report(EMPLOYER, "one", 2)
    assert (
        await rules_against(world, KELA, subscribed(world, KELA, "main", "first", **texts))
        == expected
    )
    told = await world.until(EVENING)
    if expected or "ValidFrom" in texts:
        assert told == []
    else:
        # What was reported at eight is in any span but the one that begins just before nine.
        assert [sorted(each) for each in told] == [
            [] if "elsewhere" in name else ["one-0001", "one-0002"]
        ]


async def test_an_invalidation_ends_a_subscription_that_was_extracted(world: World) -> None:
    assert await rules_against(world, KELA, subscribed(world, KELA, "main", "first")) == []
    await world.report(EMPLOYER, "one", 2)
    assert [sorted(each) for each in await world.until(EVENING)] == [["one-0001", "one-0002"]]
    kela = world.exchange.directory.get(KELA)
    assert kela is not None
    for number, expected in ((1, []), (2, ["ir.subscription-invalidated"])):
        ended = invalidation_of(kela.business_id, f"end-{number}", "108", "main")
        ended = ended.replace(b"InvalidationRequest", b"InvalidationsRequest")
        assert await rules_against(world, KELA, ended) == expected
    await world.report(EMPLOYER, "two", 2)
    assert await world.until(f"{DAY}T23:00:00+02:00") == [], "what was extracted stays extracted"


def test_the_first_extraction_follows_the_schedule() -> None:
    daily, weekly = {"times": [[79_200, 1, 1]]}, {"times": [[68_400, 1, 1]], "weekdays": [4]}
    assert first_at(subscription(daily)) == at("2026-03-02T22:00:00+02:00")
    assert first_at(subscription(weekly)) == at("2026-03-06T19:00:00+02:00")
    assert first_at(subscription({**daily, "days": [32], "months": [2]})) == at(
        "2027-02-28T22:00:00+02:00"
    )
    assert first_at(subscription({**daily, "days": [31], "months": [2]})) == 0, (
        "no February has 31 days"
    )
    assert (
        first_at({**subscription({**daily, "days": [1], "months": [1]}), "from": "9999-12-01"}) == 0
    )
    assert milliseconds("2026-03-28T24:00:00") == at("2026-03-29T00:00:00+02:00")


async def test_a_subscription_that_fails_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("broken", "sound"):
        assert await rules_against(world, KELA, subscribed(world, KELA, name, name)) == []
    await world.report(EMPLOYER, "one", 2)
    desk = world.exchange.desk(world.exchange.channels["income-register"])
    broken = (await desk.recall(["s/all"]))["s/all"].value[0]
    extract = extraction.extract

    async def fail(register_id: str, desk: Any) -> bool:
        if register_id == broken:
            raise ValueError("a bug")
        return await extract(register_id, desk)

    monkeypatch.setattr(extraction, "extract", fail)
    with pytest.raises(ValueError, match="a bug"):
        await world.until(EVENING)
    await settled(world.exchange)
    assert subscriptions_told(world) == ["sound"]
    monkeypatch.undo()
    (later,) = await world.until(f"{DAY}T09:00:20+02:00")
    assert sorted(later) == ["one-0001", "one-0002"], (
        "the broken one has its turn when it is mended"
    )
    assert subscriptions_told(world) == ["sound", "broken"]


def subscriptions_told(world: World) -> list[str]:
    """The MainSubscriptionIds of what Kela was handed, in order."""
    return [
        document.findtext("Subscription/MainSubscriptionId")
        for document in world.transport.extracts()
    ]


REQUESTS = sorted(
    path
    for kind in ("subscriptions", "data-request")
    for path in SAMPLES.glob(f"income-register.{kind}--*.xml")
)


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_rules_bear_whatever_the_schema_refuses(path: Path) -> None:
    judge, message_type = checking(), path.stem.partition("--")[0]
    root = etree.parse(str(path)).getroot()
    for place in range(1, len(list(root.iter()))):
        for text in (None, "", "x", "99999", "2024-02-30", "2024-01-01T99:99:99Z"):
            changed = copy.deepcopy(root)
            element = list(changed.iter())[place]
            if text is None:
                element.getparent().remove(element)
            else:
                element.text = text
            judge.check(raw(changed), message_type)
