"""Every business rule is shown by an invalid sample, unless it needs a sender, a clock or an
earlier message; every type has both kinds.
"""

from __future__ import annotations

import json
import re

import pytest

from exchange import discovery
from exchange.schemas import directory
from exchange.schemas.catalogue import Catalogue
from tests.conformance.samples import ROOT, folders_of, samples, type_of

RULE = re.compile(r'"((?:luova|population|unemployment|kelmu)\.[a-z.-]+)"')
#: What a file alone can't show: these have tests beside the channel's own.
BEYOND_A_FILE = {
    "luova": {
        "luova.clock",
        "luova.message-id",
        "luova.question",
        "luova.receiver",
        "luova.sender",
        "unemployment.fund",
    },
    "kelmu": {
        "kelmu.rights.none",
        "kelmu.rights.bulk",
        "kelmu.rights.time",
        "kelmu.rights.purpose",
        "kelmu.rights.legal-ground",
        "kelmu.rights.sender",
        "kelmu.rights.list",
        "kelmu.list-query.month",
        "kelmu.attachments.broken-off",
        "kelmu.attachments.declared",
        "kelmu.attachments.empty",
        "kelmu.attachments.kind",
        "kelmu.attachments.missing",
        "kelmu.attachments.name",
        "kelmu.attachments.none-taken",
        "kelmu.notice.authority",
        "kelmu.notice.future",
        "kelmu.notice.id",
        "kelmu.notice-transfer.again",
        "kelmu.notice-transfer.reference",
        "kelmu.notice-transfer.same",
        "kelmu.notice-transfer.unknown",
        "kelmu.information-request-reminder.closed",
        "kelmu.information-request-withdrawal.again",
        "kelmu.information-request-withdrawal.answered",
        "kelmu.information-request-withdrawal.county",
        "kelmu.information-request-withdrawal.reference",
        "kelmu.information-request-withdrawal.unknown",
        "kelmu.information-request.county",
        "kelmu.information-request.answer-by",
        "kelmu.information-request.id",
        "kelmu.information-request-answer.reference",
        "kelmu.information-request-answer.unknown",
        "kelmu.information-request-answer.again",
        "kelmu.information-request-answer.statement",
        "kelmu.information-request-answer.missing",
        "kelmu.information-request-answer.withdrawn",
    },
}


@pytest.mark.parametrize("folder", sorted(BEYOND_A_FILE))
def test_every_rule_is_shown_by_a_sample(folder: str) -> None:
    types = {each.name for each in Catalogue.load()}
    named = {
        rule
        for path in (ROOT / folder).rglob("*.py")
        if "rules" in (path.stem, path.parent.name)
        for rule in RULE.findall(path.read_text(encoding="utf-8"))
    } - types
    shown = {
        violation["rule"]
        for samples_folder in folders_of(folder)
        for path in (samples_folder / "invalid").glob("*.expected.json")
        for violation in json.loads(path.read_text(encoding="utf-8"))
    }
    assert named - shown == BEYOND_A_FILE[folder]


@pytest.mark.parametrize("folder", sorted(BEYOND_A_FILE))
def test_the_keys_of_the_examples_are_somebodys(folder: str) -> None:
    keys = set(
        re.findall(r"key-[0-9a-f]{24}", (ROOT / folder / "README.md").read_text(encoding="utf-8"))
    )
    assert len(keys) >= 3
    assert keys <= {partner.key for partner in directory.load()}


@pytest.mark.parametrize("folder", sorted(BEYOND_A_FILE))
@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_every_type_has_a_sample_of_each_kind(folder: str, kind: str) -> None:
    families = discovery.part(folder, "channel").CHANNEL.families
    types = {each.name for each in Catalogue.load() if each.folder.name in families}
    assert {type_of(path) for path in samples(kind, folder)} == types
