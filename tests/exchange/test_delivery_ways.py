"""A directory whose partners would fetch what a channel can only push is refused at the start."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exchange import discovery
from exchange.assembly.parts import check_delivery
from exchange.errors import SettingsError
from exchange.schemas.directory import Directory, load


def with_mailbox(name: str) -> Directory:
    """The product's directory with a mailbox for that partner."""
    return Directory(
        replace(each, delivery="mailbox") if each.id == name else each for each in load()
    )


@pytest.mark.parametrize(
    ("partner", "channel"),
    [
        ("county.kainuu", "kelmu"),
        ("helsinki", "kelmu"),
        ("kela.benefits", "kelmu"),
        ("kela.benefit-register", "kelmu"),
        ("eessi.se.fk", "eessi"),
        ("etk", "eessi"),
    ],
)
def test_a_mailbox_that_a_channel_does_not_have(partner: str, channel: str) -> None:
    with pytest.raises(SettingsError, match=rf"{partner} has delivery .*{channel} has none"):
        check_delivery(with_mailbox(partner), discovery.channels().values())


@pytest.mark.parametrize("partner", ["fund.super", "tax-administration", "municipality.oulu"])
def test_a_mailbox_that_luova_has(partner: str) -> None:
    check_delivery(with_mailbox(partner), discovery.channels().values())
