"""Who gets what over Luova: default receivers, named ones, those who may not have it; mailbox or
push as the directory says.
"""

from __future__ import annotations

import pytest

from exchange.adapters.luova import discovery
from exchange.adapters.luova.routing import ROUTES, receiver_of
from exchange.errors import Unroutable
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import SECTORS
from tests.adapters.luova.judging import DIRECTORY, detail, inbound, route

REPLY = b"""<BenefitData xmlns="urn:exchange:unemployment:1"><InReplyTo>r-1</InReplyTo><CreatedAt>2026-03-02T09:04:40Z</CreatedAt>
<Person><PersonalIdentityCode>061185V952C</PersonalIdentityCode></Person></BenefitData>"""


def test_what_names_no_receiver_goes_to_the_default() -> None:
    (destination,) = route(inbound())
    assert (destination.receiver, destination.mode) == ("kela.core-data", "push")
    assert receiver_of("population.changes", detail(inbound())) == "kela.core-data"


def test_a_named_receiver_gets_it_and_the_receipt_says_so() -> None:
    message = inbound(receiver="kela.benefits")
    assert [destination.receiver for destination in route(message)] == ["kela.benefits"]
    assert receiver_of("population.changes", detail(message)) == "kela.benefits"


@pytest.mark.parametrize(("fund", "mode"), [("fund.super", "mailbox"), ("fund.ytk", "push")])
def test_the_directory_says_how_a_receiver_takes_it(fund: str, mode: str) -> None:
    message = inbound(REPLY, "kela.unemployment", type="unemployment.benefit-data", receiver=fund)
    assert [(destination.receiver, destination.mode) for destination in route(message)] == [
        (fund, mode)
    ]


@pytest.mark.parametrize(
    ("receiver", "reason"),
    [
        ("", "receiver-missing"),
        ("fund.nobody", "receiver-unknown"),
        ("county.lappi", "receiver-not-allowed"),
        ("kela.unemployment", "receiver-not-allowed"),
    ],
)
def test_what_can_not_be_routed_says_why(receiver: str, reason: str) -> None:
    message = inbound(
        REPLY, "kela.unemployment", type="unemployment.benefit-data", receiver=receiver
    )
    with pytest.raises(Unroutable) as caught:
        route(message)
    assert caught.value.reason == reason


def test_the_table_has_every_type_of_the_families_and_no_other() -> None:
    types = {each.name for each in Catalogue.load() if each.folder.name in discovery.names()}
    assert set(ROUTES) == types


def test_the_table_names_only_what_exists() -> None:
    catalogue = Catalogue.load()
    for table in ROUTES.values():
        assert table.message_type in catalogue
        assert {*table.senders, *table.receivers} <= set(SECTORS)
        default = DIRECTORY.get(table.default)
        assert not table.default or (default is not None and default.sector in table.receivers)
