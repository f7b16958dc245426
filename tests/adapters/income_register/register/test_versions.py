"""The cycle of deliveries and reports over sockets: versions, invalidations, ids used twice, faulty
reports under both controls.
"""

from __future__ import annotations

import copy
import io
import random
from typing import Any

import pytest
from lxml import etree

from exchange.adapters.income_register import generate
from tests.adapters.income_register.clients import PREFIX, check_reply, parsed, raw, signed
from tests.adapters.income_register.endpoints.test_services import (
    EMPLOYER,
    batch,
    invalidation_of,
    status_of,
)
from tests.journeys.running import Running

REPORTS, FAULTY = 3000, 17


async def send(
    gateway: Running, service: str, operation: str, document: bytes, partner: str = EMPLOYER
) -> Any:
    """The reply's document, checked against its schema and signature."""
    body = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        + document
        + b"</s:Body></s:Envelope>"
    )
    status, _, reply = await gateway.post(
        f"{PREFIX}/{service}.svc",
        io.BytesIO(body),
        partner,
        SOAPAction=operation,
        Content_Type="text/xml",
    )
    assert status == 200, reply[:2000]
    document_back = parsed(reply)
    check_reply(document_back)
    return document_back


async def ask(
    gateway: Running, delivery_id: str, kind: str = "100", partner: str = EMPLOYER
) -> Any:
    """GetDeliveryDataStatus by DeliveryId."""
    owner = batch(gateway, partner, "-").payer
    document = status_request(owner, kind, f"<DeliveryId>{delivery_id}</DeliveryId>")
    return await send(gateway, "StatusService", "GetDeliveryDataStatus", document, partner)


def status_request(owner: str, kind: str, references: str) -> bytes:
    """A signed question of the owner after a delivery by its references."""
    parties = "".join(
        f"<DeliveryData{party}><Type>1</Type><Code>{owner}</Code></DeliveryData{party}>"
        for party in ("Owner", "Creator", "Sender")
    )
    document = (
        '<s:StatusRequestToIR xmlns:s="http://www.tulorekisteri.fi/2017/1/StatusRequestToIR">'
        "<Timestamp>2026-03-02T06:00:00Z</Timestamp>"
        f"<DeliveryDataType>{kind}</DeliveryDataType>{references}<ProductionEnvironment>false"
        f"</ProductionEnvironment>{parties}</s:StatusRequestToIR>"
    ).encode()
    return bytes(raw(signed(etree.fromstring(document))))


def delivery(gateway: Running, delivery_id: str, seed: int = 1, **more: Any) -> Any:
    """A delivery of wage reports of the employer, as a tree."""
    return etree.fromstring(
        generate.wage_delivery(random.Random(seed), batch(gateway, EMPLOYER, delivery_id, **more))
    )


def replaced(document: Any, report_id: str = "", register_id: str = "", version: str = "") -> bytes:
    """The document with its first report as a replacement."""
    data = document.find("DeliveryData/Reports/Report/ReportData")
    for child in list(data):
        data.remove(child)
    values = {
        "ActionCode": "2",
        "IRReportId": register_id,
        "ReportId": report_id,
        "ReportVersion": version,
    }
    for name, text in values.items():
        if text:
            etree.SubElement(data, name).text = text
    return raw(document)


def codes(reply: Any) -> list[str]:
    """All error codes, in order."""
    return [each.text for each in reply.iter("ErrorCode")]


def items(reply: Any, kind: str) -> list[tuple[str | None, str | None]]:
    """(ItemId, ItemVersion) of ValidItems or InvalidItems."""
    return [
        (each.findtext("ItemId"), each.findtext("ItemVersion"))
        for each in reply.iterfind(f"StatusResponse/{kind}/Item")
    ]


@pytest.mark.parametrize("control, status", [(1, "3"), (2, "5")])
async def test_three_thousand_reports_with_seventeen_faulty_ones(
    gateway: Running, control: int, status: str
) -> None:
    document = delivery(gateway, "BIG", reports=REPORTS, real_time=False, faulty_control=control)
    reports = document.findall("DeliveryData/Reports/Report")
    hours = "IncomeEarner/Employment/HoursPerWeek"
    chosen = sorted(
        random.Random(17).sample(
            [index for index in range(REPORTS) if reports[index].find(hours) is not None], FAULTY
        )
    )
    for index in chosen:
        reports[index].find(
            "Transactions/Transaction/TransactionBasic/TransactionCode"
        ).text = "999"
        reports[index].find(hours).text = "169"
    acknowledged = await send(gateway, "WageReportService", "SendWageReports", raw(document))
    assert status_of(acknowledged) == "2"
    reply = await ask(gateway, "BIG")
    assert status_of(reply) == status
    invalid = reply.findall("StatusResponse/InvalidItems/Item")
    assert [each.findtext("ItemId") for each in invalid] == [
        f"BIG-{index + 1:04d}" for index in chosen
    ]
    for each in invalid:
        assert {"IR4002", "IR4024"} <= {code.text for code in each.iter("ErrorCode")}, (
            "each has all its errors"
        )
    valid = items(reply, "ValidItems")
    assert len(valid) == (REPORTS - FAULTY if control == 1 else 0)
    await gateway.settled()
    totals = {
        kind: (count, number)
        for (of, kind), count, number, _ in await gateway.exchange.ledger.totals(
            ("message_type", "kind")
        )
        if of == "income-register.wage-reports"
    }
    if control == 1:
        assert (
            len(
                {
                    each.findtext("IRItemId")
                    for each in reply.iterfind("StatusResponse/ValidItems/Item")
                }
            )
            == REPORTS - FAULTY
        )
        assert totals["accepted"] == (1, REPORTS - FAULTY)
        assert totals["items-rejected"] == (1, FAULTY)
    else:
        assert totals["rejected"] == (1, REPORTS)
        assert "accepted" not in totals
    assert gateway.verify().clean


async def test_a_report_is_replaced_invalidated_and_then_out_of_reach(gateway: Running) -> None:
    first = await send(
        gateway, "WageReportService", "SendWageReport", raw(delivery(gateway, "V-1"))
    )
    register_id = first.findtext("StatusResponse/ValidItems/Item/IRItemId")
    assert items(first, "ValidItems") == [("V-1-0001", "1")]

    by_both = replaced(delivery(gateway, "V-2"), "V-1-0001", register_id, "1")
    reply = await send(gateway, "WageReportService", "SendWageReport", by_both)
    assert (status_of(reply), items(reply, "ValidItems")) == ("3", [("V-1-0001", "2")])
    assert reply.findtext("StatusResponse/ValidItems/Item/IRItemId") == register_id, (
        "the reference stays"
    )

    outdated = await send(
        gateway,
        "WageReportService",
        "SendWageReport",
        replaced(delivery(gateway, "V-3"), "V-1-0001", "", "1"),
    )
    assert (status_of(outdated), codes(outdated)) == ("5", ["IR5004"])
    by_register = await send(
        gateway,
        "WageReportService",
        "SendWageReport",
        replaced(delivery(gateway, "V-4"), "", register_id),
    )
    assert items(by_register, "ValidItems") == [("V-1-0001", "3")]

    owner = batch(gateway, EMPLOYER, "-").payer
    gone = await send(
        gateway,
        "InvalidationService",
        "SendInvalidation",
        invalidation_of(owner, "V-i", "105", "V-1-0001"),
    )
    assert (status_of(gone), items(gone, "ValidItems")) == ("3", [("V-1-0001", "4")])
    again = await send(
        gateway,
        "InvalidationService",
        "SendInvalidation",
        invalidation_of(owner, "V-j", "105", "V-1-0001"),
    )
    assert (status_of(again), codes(again)) == ("5", ["IR5003"])
    late = await send(
        gateway,
        "WageReportService",
        "SendWageReport",
        replaced(delivery(gateway, "V-5"), "V-1-0001"),
    )
    assert (status_of(late), codes(late)) == ("5", ["IR5003"])
    nowhere = await send(
        gateway,
        "WageReportService",
        "SendWageReport",
        replaced(delivery(gateway, "V-6"), "no-such-report"),
    )
    assert (status_of(nowhere), codes(nowhere)) == ("5", ["IR5002"])
    differing = replaced(delivery(gateway, "V-7"), "V-1-0002", register_id)
    assert codes(await send(gateway, "WageReportService", "SendWageReport", differing)) == [
        "IR5002"
    ]


@pytest.mark.parametrize("first", ["ReportId", "IRReportId"])
async def test_a_report_is_replaced_once_in_a_delivery_however_it_is_named(
    gateway: Running, first: str
) -> None:
    given = delivery(gateway, "T-1", reports=2, real_time=False)
    await send(gateway, "WageReportService", "SendWageReports", raw(given))
    told = (await ask(gateway, "T-1")).find("StatusResponse/ValidItems/Item")
    names = {"ReportId": told.findtext("ItemId"), "IRReportId": told.findtext("IRItemId")}
    again = delivery(gateway, "T-2", reports=2, real_time=False)
    order = [first, *(name for name in names if name != first)]
    reports = again.findall("DeliveryData/Reports/Report")
    for report, name in zip(reports, order, strict=True):
        data = report.find("ReportData")
        data.clear()
        etree.SubElement(data, "ActionCode").text = "2"
        etree.SubElement(data, name).text = names[name]
    reports[1][1:] = [copy.deepcopy(each) for each in reports[0][1:]]
    await send(gateway, "WageReportService", "SendWageReports", raw(again))
    reply = await ask(gateway, "T-2")
    assert (status_of(reply), items(reply, "ValidItems")) == ("3", [("T-1-0001", "2")])
    assert codes(reply) == ["IR4014"], "the second one"


async def test_ids_are_used_once(gateway: Running) -> None:
    document = raw(delivery(gateway, "U-1", reports=2, real_time=False))
    first = await send(gateway, "WageReportService", "SendWageReports", document)
    same = await send(gateway, "WageReportService", "SendWageReports", document)
    assert same.findtext("AckData/IRDeliveryId") == first.findtext("AckData/IRDeliveryId"), (
        "the same bytes get the same receipt"
    )
    other = await send(
        gateway,
        "WageReportService",
        "SendWageReports",
        raw(delivery(gateway, "U-1", 2, real_time=False)),
    )
    assert (status_of(other), codes(other)) == ("4", ["IR2101"])
    stolen = delivery(gateway, "U-2", 3, reports=2, real_time=False)
    stolen.find("DeliveryData/Reports/Report/ReportData/ReportId").text = "U-1-0002"
    assert (
        status_of(await send(gateway, "WageReportService", "SendWageReports", raw(stolen))) == "2"
    )
    reply = await ask(gateway, "U-2")
    assert (status_of(reply), codes(reply), items(reply, "InvalidItems")) == (
        "3",
        ["IR5001"],
        [("U-1-0002", None)],
    )
    counted = await gateway.counts("income-register")
    # (One of those accepted is the question.)
    assert (counted["accepted"], counted["duplicate"], counted["rejected"]) == (3, 1, 1)


async def test_a_whole_delivery_is_invalidated_once_and_told_so(gateway: Running) -> None:
    owner = batch(gateway, EMPLOYER, "-").payer
    for name in ("W-1", "W-2"):
        document = raw(delivery(gateway, name, reports=3, real_time=False))
        acknowledged = await send(gateway, "WageReportService", "SendWageReports", document)
    await send(
        gateway,
        "InvalidationService",
        "SendInvalidation",
        invalidation_of(owner, "W-a", "105", "W-1-0002"),
    )
    gone = await send(
        gateway,
        "InvalidationService",
        "SendInvalidation",
        invalidation_of(owner, "W-b", "109", "W-1"),
    )
    assert (status_of(gone), items(gone, "ValidItems")) == ("3", [("W-1", None)])
    assert (status_of(await ask(gateway, "W-1")), status_of(await ask(gateway, "W-2"))) == (
        "6",
        "3",
    )
    again = await send(
        gateway,
        "InvalidationService",
        "SendInvalidation",
        invalidation_of(owner, "W-c", "109", "W-1"),
    )
    assert (status_of(again), codes(again)) == ("5", ["IR5006"])
    unknown = await send(
        gateway,
        "InvalidationService",
        "SendInvalidation",
        invalidation_of(owner, "W-d", "109", "W-9"),
    )
    assert (status_of(unknown), codes(unknown)) == ("5", ["IR5005"])
    by_register = invalidation_of(owner, "W-e", "109", "x").replace(
        b"<ItemId>x</ItemId>",
        f"<IRItemId>{acknowledged.findtext('AckData/IRDeliveryId')}</IRItemId>".encode(),
    )
    assert (
        status_of(await send(gateway, "InvalidationService", "SendInvalidation", by_register))
        == "3"
    )
    for name in ("W-1-0001", "W-1-0002", "W-2-0003"):
        late = replaced(delivery(gateway, f"late-{name}"), name)
        assert codes(await send(gateway, "WageReportService", "SendWageReport", late)) == [
            "IR5003"
        ], name


async def test_a_delivery_meant_for_production_is_refused_at_the_endpoint(gateway: Running) -> None:
    document = delivery(gateway, "P-1")
    document.find("DeliveryData/ProductionEnvironment").text = "true"
    reply = await send(gateway, "WageReportService", "SendWageReport", raw(document))
    assert status_of(reply) == "4"
    assert len(reply.findall("StatusResponse/DeliveryErrors/ErrorInfo")) == 1


async def test_errors_of_the_message_hide_those_of_the_delivery_and_of_reports(
    gateway: Running,
) -> None:
    document = delivery(gateway, "M-1")
    document.find("DeliveryData/FaultyControl").text = "7"
    document.find("DeliveryData/Reports/Report/IncomeEarner/Employment/HoursPerWeek").text = "169"
    of_delivery = await send(gateway, "WageReportService", "SendWageReport", raw(document))
    assert (status_of(of_delivery), codes(of_delivery)) == ("4", ["IR2002"])
    document.find("DeliveryData/Payer/PayerBasic/CompanyName").text = "A--B"
    of_message = await send(gateway, "WageReportService", "SendWageReport", raw(document))
    assert (status_of(of_message), codes(of_message)) == ("4", ["IR1003"])
    assert of_message.find("StatusResponse/MessageErrors") is not None
    assert of_message.find("StatusResponse/DeliveryErrors") is None


async def test_errors_of_the_payer_reject_in_processing_beside_those_of_reports(
    gateway: Running,
) -> None:
    document = delivery(gateway, "Y-1", reports=3, real_time=False)
    document.find("DeliveryData/PaymentPeriod/PaymentDate").text = "2018-12-31"
    document.find("DeliveryData/Reports/Report/IncomeEarner/Employment/HoursPerWeek").text = "169"
    await send(gateway, "WageReportService", "SendWageReports", raw(document))
    reply = await ask(gateway, "Y-1")
    assert status_of(reply) == "5"
    assert "IR3001" in [
        each.text for each in reply.iterfind("StatusResponse/DeliveryErrors/ErrorInfo/ErrorCode")
    ]
    assert [name for name, _ in items(reply, "InvalidItems")] == ["Y-1-0001"]
