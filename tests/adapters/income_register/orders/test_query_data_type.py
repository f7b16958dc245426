"""Every kind of material hands on the reports that it is about, and no others; the index finds what
a look at everything finds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from exchange.adapters import income_register
from exchange.adapters.income_register.document import WAGE_REPORTS
from exchange.adapters.income_register.orders.conditions import of_data
from exchange.adapters.income_register.orders.query_data_type import SUBSCRIBED
from exchange.adapters.income_register.register import index
from exchange.adapters.income_register.register.index import Index
from exchange.adapters.income_register.register.stored_delivery import StoredDelivery
from tests.adapters.income_register.clients import raw
from tests.adapters.income_register.data_user import DAY, World
from tests.adapters.income_register.hand_out.test_extraction import EMPLOYER, KELA

SAMPLES = Path(income_register.__file__).parent / "samples" / "valid"
OTHER = "employer.malliyritys"
CODE = "IncomeEarner/IncomeEarnerIds/Id/Code"


def part(kind: str, parameters: dict[str, str], lists: dict[str, str]) -> str:
    """A Subscription of a kind; values by ParameterType, codes by CodeListType."""
    values = "".join(
        f"<ValueParameter><ParameterType>{of}</ParameterType><Value>{text}</Value></ValueParameter>"
        for of, text in parameters.items()
    )
    codes = "".join(
        f"<IdCodeList><CodeListType>{of}</CodeListType><CodeItems><CodeItem><IdType>"
        f"{'2' if of == '1' else '1'}</IdType>"
        f"<IdCode>{code}</IdCode></CodeItem></CodeItems></IdCodeList>"
        for of, code in lists.items()
    )
    inside = f"<SubscriptionParameters>{values}</SubscriptionParameters>" if values else ""
    return (
        f"<Subscription><SubscriptionId>p</SubscriptionId><QueryDataType>{kind}</QueryDataType>"
        f"{inside}{codes}</Subscription>"
    )


def order(kela: str, name: str, inside: str) -> bytes:
    """Kela's continuous subscription to one kind, daily at nine."""
    root = etree.parse(
        str(SAMPLES / "income-register.subscriptions--all-wage-reports-daily.xml")
    ).getroot()
    for code in root.iterfind("DeliveryData/*/Code"):
        code.text = kela
    for path, text in (
        ("Timestamp", f"{DAY}T05:00:00Z"),
        ("DeliveryId", name),
        ("MainSubscription/MainSubscriptionId", name),
    ):
        root.find(f"DeliveryData/{path}").text = text
    root.find("DeliveryData/MainSubscription/ValidFrom").text = DAY
    root.find(".//Time").text = "09:00:00+02:00"
    root.find("DeliveryData/MainSubscription/Subscriptions")[:] = [etree.fromstring(inside)]
    return raw(root)


def reports_of(delivery: StoredDelivery) -> list[Any]:
    """The reports of a delivery as elements."""
    return [item.element for item in delivery.items]


async def deliveries(world: World, message_type: str) -> list[StoredDelivery]:
    """What is stored."""
    desk = world.exchange.desk(world.exchange.channels["income-register"])
    return [StoredDelivery(*each) for each in await desk.stored((message_type,), 0, 1 << 41, 100)]


@pytest.mark.parametrize("kind", sorted(set(SUBSCRIBED) - {"306", "307", "308"}))
async def test_a_kind_of_material_is_what_its_name_says(world: World, kind: str) -> None:
    message_type = SUBSCRIBED[kind].message_type
    wages = message_type == WAGE_REPORTS
    for number in range(3):
        await world.report(
            EMPLOYER if wages else "fund.ytk", f"a{number}", 12, "wages" if wages else "fund"
        )
    await world.report(OTHER if wages else "fund.pro", "b", 8, "wages" if wages else "fund")
    held = await deliveries(world, message_type)
    everything = [(delivery, report) for delivery in held for report in reports_of(delivery)]
    payer = held[0].envelope.detail["header"]["DeliveryDataOwner"][1][1]
    earner = everything[5][1].findtext(CODE)
    provider = next(
        (
            text
            for _, each in everything
            if (text := each.findtext("IncomeEarner/PensionInsurance/PensionProvIdCode"))
        ),
        "",
    )
    reference = held[0].report_keys.register_id(everything[2][1].findtext("ReportData/ReportId"))
    needed = SUBSCRIBED[kind]
    parameters = {each: {"10": provider, "17": reference}[each] for each in needed.parameters}
    lists = {each: {"1": earner, "2": payer}[each] for each in needed.lists}
    kela = world.exchange.directory.get(KELA)
    assert kela is not None
    await world.take(KELA, order(kela.business_id, f"order-{kind}", part(kind, parameters, lists)))

    def fits(delivery: StoredDelivery, report: Any) -> bool:
        insured = report.find("IncomeEarner/PensionInsurance")
        return (
            ("1" not in lists or report.findtext(CODE) == earner)
            and (
                "2" not in lists
                or delivery.document.findtext("DeliveryData/Payer/PayerIds/Id/Code") == payer
            )
            and (
                "10" not in parameters
                or (insured is not None and insured.findtext("PensionProvIdCode") == provider)
            )
            and (
                "17" not in parameters
                or delivery.report_keys.register_id(report.findtext("ReportData/ReportId"))
                == reference
            )
            and (kind != "305" or (insured is not None and not insured.findtext("PensionPolicyNo")))
        )

    expected = sorted(
        report.findtext("ReportData/ReportId")
        for delivery, report in everything
        if fits(delivery, report)
    )
    (told,) = await world.until(f"{DAY}T09:00:10+02:00")
    assert sorted(told) == expected
    assert 0 < len(expected) <= len(everything) or kind == "305"


async def test_the_index_finds_what_a_look_at_everything_finds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "SEGMENT_MESSAGES", 4)
    for number in range(11):
        await world.report(EMPLOYER if number % 3 else OTHER, f"d{number}", 5)
    world.clock.time += 10_000
    held = await deliveries(world, WAGE_REPORTS)
    desk = world.exchange.desk(world.exchange.channels["income-register"])
    for delivery in held:
        for report in reports_of(delivery):
            wanted = of_data({"ids": {"7": [["2", report.findtext(CODE)]]}}, "400")
            found = [each.envelope.id async for each in Index(desk).look_up(WAGE_REPORTS, wanted)]
            assert delivery.envelope.id in found
            assert found == sorted(found, reverse=True)
            assert len(found) <= 4 + 3, "those that hold the earner, and what is in no segment yet"
    state = (await desk.recall(["i/state"]))["i/state"].value
    assert state["segments"] == 2
    assert (await desk.recall(["i/1", "i/2", "i/3"])).keys() == {"i/1", "i/2"}
