"""The log of who was told what about whom, by organisation and by person, and lists, whose persons
are known only once the register has answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from exchange.adapters.kelmu import generate
from exchange.client import Client, Problem, kelmu
from exchange.testing.embedded import Embedded
from tests.adapters.kelmu.days import COUNTY, KELA, PERSON, request, today
from tests.adapters.kelmu.judging import QUERY

#: Somebody else, about whom nobody asks here.
OTHER_PERSON = "140890-9423"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with Embedded(tmp_path_factory.mktemp("kelmu")) as running:
        yield running


def client(served: Embedded, partner: str) -> Client:
    return served.client(served.key_of(partner))


def asked_about(served: Embedded, person: str, **more: str) -> tuple[int, Any]:
    """What an inspector is told."""
    body = json.dumps({"person": person, **more}).encode()
    asked = Request(f"{served.address}/api/v1/disclosures/search", body, method="POST")
    try:
        with urlopen(asked) as answered:
            return answered.status, json.loads(answered.read())
    except HTTPError as error:
        return error.code, json.loads(error.read())


def query(served: Embedded, **changed: Any) -> dict[str, Any]:
    day = today(served).isoformat()
    return {**QUERY, "person": PERSON, "from": f"{day[:4]}-01-01", "to": day, **changed}


def list_query(served: Embedded, name: str, **changed: str) -> dict[str, str]:
    year = str(today(served).year - 1)
    return {
        "list": name,
        "period": f"{year}-07",
        "purpose": "client-fees",
        "legal_ground": "734/1992",
        "user": "sos1",
        **changed,
    }


def test_an_inspector_is_told_who_asked_about_a_person_when_and_on_what_ground(
    served: Embedded,
) -> None:
    county, kela = client(served, COUNTY), client(served, KELA)
    earlier = [
        each["id"]
        for person in (PERSON, OTHER_PERSON)
        for each in asked_about(served, person)[1]["disclosures"]
    ]
    county.call(kelmu.query, query(served), by_hand=True)
    county.call(kelmu.query_bulk, _of_several(served))
    kela.call(kelmu.request_information, request(served))
    with pytest.raises(Problem):
        client(served, "dvv").call(kelmu.query, query(served))
    status, told = asked_about(served, PERSON)
    assert status == 200
    new = [each for each in told["disclosures"] if each["id"] not in earlier]
    found = [
        (each["sender"], each["message_type"], each["endpoint"], each["state"], each["persons"])
        for each in new
    ]
    assert found == [
        ("dvv", "kelmu.benefit-query", "api", "rejected", 1),
        (KELA, "kelmu.information-request", "api", "accepted", 1),
        (COUNTY, "kelmu.benefit-query-bulk", "api", "accepted", 2),
        (COUNTY, "kelmu.benefit-query", "ui", "accepted", 1),
    ]
    last = new[-1]
    assert (last["user"], last["legal_ground"]) == (QUERY["user"], QUERY["legal_ground"])
    assert last["purpose"] == QUERY["purpose"]
    assert told["disclosures"][1]["receivers"] == [COUNTY]
    assert PERSON not in json.dumps(told)
    _, before = asked_about(served, PERSON, before=told["disclosures"][1]["id"])
    assert before["disclosures"] == told["disclosures"][2:]
    _, of_other = asked_about(served, OTHER_PERSON)
    assert len([each for each in of_other["disclosures"] if each["id"] not in earlier]) == 1, (
        "the query about several"
    )


def _of_several(served: Embedded) -> dict[str, Any]:
    asked = query(served, persons=[PERSON, OTHER_PERSON])
    del asked["person"]
    return asked


def test_what_an_organisation_asked_names_nobody(served: Embedded) -> None:
    person = "061185V952C"
    client(served, "helsinki").call(kelmu.query, query(served, person=person))
    path = f"{served.address}/api/v1/disclosures?organisation=helsinki"
    with urlopen(path) as answered:
        text = answered.read().decode()
    (one,) = json.loads(text)["disclosures"]
    assert (one["user"], one["purpose"], one["persons"]) == (QUERY["user"], QUERY["purpose"], 1)
    assert person not in text


@pytest.mark.parametrize("asked", ["131052-" + "308T", "010101-0000", "", "x", 7])
def test_a_code_that_is_none_or_a_living_persons_is_refused_and_not_repeated(
    served: Embedded, asked: Any
) -> None:
    status, told = asked_about(served, asked)
    assert status == 400
    assert str(asked) not in json.dumps(told) or str(asked) in ("", "x", "7")


def test_that_an_inspector_asked_is_in_the_audit_log(served: Embedded) -> None:
    asked_about(served, PERSON)
    with urlopen(f"{served.address}/api/v1/audit") as answered:
        newest = json.loads(answered.read())[0]
    assert (newest["what"], newest["outcome"]) == ("disclosures-of-person", "read")


def test_a_list_is_told_to_who_has_a_right_to_it_and_is_in_the_log(served: Embedded) -> None:
    county = client(served, "county.lappi")
    asked = list_query(served, "care-abroad-reimbursements")
    entries = county.call(kelmu.ask_list, asked, by_hand=True)
    assert len(entries) == len({each["person"] for each in entries}) > 1
    assert all(each["paid_on"].startswith(asked["period"]) for each in entries)
    assert county.call(kelmu.ask_list, asked) == entries, "the same again"
    _, told = asked_about(served, entries[0]["person"])
    found = {(each["sender"], each["endpoint"]) for each in told["disclosures"]}
    assert found == {("county.lappi", "api"), ("county.lappi", "ui")}


@pytest.mark.parametrize(
    ("partner", "changed", "rule"),
    [
        (COUNTY, {"list": "child-care-support"}, "kelmu.rights.list"),
        ("municipality.oulu", {}, "kelmu.rights.list"),
        (COUNTY, {"period": "2125-07"}, "kelmu.list-query.month"),
        (COUNTY, {"period": "2025-05"}, "kelmu.list-query.period"),
        (COUNTY, {"legal_ground": "705/2007"}, "kelmu.rights.legal-ground"),
        ("dvv", {}, "kelmu.rights.none"),
    ],
)
def test_a_list_that_is_not_the_organisations_or_not_out(
    served: Embedded, partner: str, changed: dict[str, str], rule: str
) -> None:
    asked = list_query(served, "care-abroad-reimbursements", **changed)
    with pytest.raises(Problem) as refused:
        client(served, partner).call(kelmu.ask_list, asked)
    assert rule in {each.rule for each in refused.value.violations}


def test_a_towns_list_is_of_its_own_people(served: Embedded) -> None:
    asked = list_query(
        served,
        "labour-market-support-invoice",
        purpose="labour-market-support-share",
        legal_ground="1290/2002",
    )
    entries = client(served, "municipality.espoo").call(kelmu.ask_list, asked)
    assert entries
    assert all(1 <= each["days"] <= 22 for each in entries)
    others = client(served, "municipality.oulu").call(kelmu.ask_list, asked)
    assert not {each["person"] for each in entries} & {each["person"] for each in others}


def test_a_query_takes_no_files(served: Embedded) -> None:
    body = json.dumps(query(served)).encode()
    kind, whole = generate.with_files(body, [("a.pdf", "application/pdf", b"%PDF-")], "b")
    headers = {"Content-Type": kind, "X-API-Key": served.key_of(COUNTY)}
    asked = Request(f"{served.address}/kelmu/v1/queries", whole, headers, method="POST")
    with pytest.raises(HTTPError) as refused:
        urlopen(asked)
    told = json.loads(refused.value.read())
    assert [each["rule"] for each in told["violations"]] == ["kelmu.attachments.none-taken"]
