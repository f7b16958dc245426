"""Versions of a message type beside each other, in a copy of the product that has two of a JSON
type and two of an XML type.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exchange.schemas.catalogue import named_version, read
from tests.conformance.samples import ROOT
from tests.conformance.test_complete import copied, python

SAMPLES = ROOT / "luova" / "families"

#: What a program in the copy prints: what each message comes to, and what its receiver is told.
PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from exchange.adapters.luova.channel import CHANNEL
from exchange.assembly import Exchange
from exchange.ports import Inbound
from exchange.schemas.call import Reply
from exchange.settings import Settings

calls = []

class Taking:
    async def send(self, partner, call, timeout_seconds):
        calls.append(call.headers["X-Message-Type"])
        return Reply(200, b"")

async def whole():
    url = f"sqlite:///{sys.argv[1]}/ledger.db"
    exchange = Exchange(Settings(storage={"url": url}), transport=Taking())
    await exchange.open()
    told = []
    for number, (sender, kind, body, *named) in enumerate(
        json.loads(Path(sys.argv[2]).read_text())
    ):
        hints = {"type": kind, "id": (named or [f"m-{number}"])[0], "receiver": sys.argv[3]}
        if kind.startswith("tax."):
            del hints["receiver"]
        inbound = Inbound(exchange.directory.get(sender), body.encode(), "text/xml", "api", hints)
        outcome = await exchange.acceptance.accept(CHANNEL, inbound)
        told.append([outcome.reason or outcome.kind, outcome.envelope.message_type, outcome.envelope.items,
            [[each.rule, each.expected, each.found] for each in outcome.violations]])
    while sum((await exchange.ledger.waiting_by_channel()).values()):
        await asyncio.sleep(0.01)
    await exchange.close()
    print(json.dumps({"told": told, "calls": sorted(calls)}))

asyncio.run(whole())
"""


def with_versions(folder: Path) -> Path:
    """A copy with two more versions of `tax.request`, the third of which takes what the first
    takes, and one of `bilateral.insurance`.
    """
    copy = copied(folder)
    models = copy / "schemas/tax/models.py"
    models.write_text(
        models.read_text() + "\n\nclass TaxDataRequest2(TaxDataRequest):\n    urgent: bool\n"
    )
    types = copy / "schemas/tax/message_types.toml"
    versions = (
        'versions = [{ version = "2", schema = "models:TaxDataRequest2" }, '
        '{ version = "3", schema = "models:TaxDataRequest" }]\n'
    )
    types.write_text(
        types.read_text().replace('item = "request"\n', 'item = "request"\n' + versions)
    )
    bilateral = copy / "schemas/bilateral"
    for name in ("insurance.xsd", "types.xsd"):
        text = (bilateral / name).read_text()
        text = text.replace("urn:exchange:bilateral:1", "urn:exchange:bilateral:2")
        text = text.replace('"types.xsd"', '"types2.xsd"')
        (bilateral / name.replace(".xsd", "2.xsd")).write_text(text)
    types = bilateral / "message_types.toml"
    versions = (
        'versions = [{ version = "2", schema = "insurance2.xsd", '
        'roots = ["{urn:exchange:bilateral:2}InsurancePeriods"] }]\n'
    )
    types.write_text(
        types.read_text().replace('item = "insurance"\n', 'item = "insurance"\n' + versions)
    )
    return copy


def test_two_versions_are_taken_side_by_side(tmp_path: Path) -> None:
    copy = with_versions(tmp_path)
    first = json.loads(next((SAMPLES / "tax/samples/valid").glob("tax.request--*")).read_bytes())
    one, two = json.dumps(first), json.dumps({**first, "urgent": True})
    insurance = next((SAMPLES / "bilateral/samples/valid").glob("bilateral.insurance--*"))
    old = insurance.read_text()
    new = old.replace("urn:exchange:bilateral:1", "urn:exchange:bilateral:2")
    unknown = old.replace("urn:exchange:bilateral:1", "urn:exchange:bilateral:3")
    messages = [
        ("kela.tax", "tax.request", one),
        ("kela.tax", "tax.request;v=2", two),
        ("kela.tax", "tax.request; v=1", one),
        ("kela.tax", "tax.request;v=2", one),
        ("kela.tax", "tax.request", two),
        ("kela.tax", "tax.request;v=4", two),
        ("foreign.us.ssa", "bilateral.insurance", old),
        ("foreign.us.ssa", "bilateral.insurance", new),
        ("foreign.us.ssa", "", new),
        ("foreign.us.ssa", "bilateral.insurance;v=1", new),
        ("foreign.us.ssa", "bilateral.insurance", unknown),
        # The same again under other names of its version, and as another version.
        ("kela.tax", "tax.request;v=1", one, "m-0"),
        ("kela.tax", "tax.request;v=3", one, "m-0"),
        ("kela.tax", "tax.request;v=2", one, "m-0"),
        ("kela.tax", "tax.request;v=3", one, "v-3"),
        ("kela.tax", "tax.request;v=3", one, "v-3"),
        ("kela.tax", "tax.request", one, "v-3"),
        ("foreign.us.ssa", "bilateral.insurance;v=2", new, "m-7"),
    ]
    (tmp_path / "messages.json").write_text(json.dumps(messages))
    found = json.loads(
        python(copy, "-c", PROGRAM, str(tmp_path), str(tmp_path / "messages.json"), RECEIVER)
    )
    told = found["told"]
    assert [each[0] for each in told] == [
        *("accepted", "accepted", "accepted", "schema", "schema", "type-unknown"),
        *("accepted", "accepted", "accepted", "rule", "schema"),
        *("duplicate", REUSED, REUSED, "accepted", "duplicate", REUSED, "duplicate"),
    ], told[6:]
    own = "schema version: the type's own, as before, or a message id of its own"
    assert told[12][3] == [["message-id.reused", own, "3"]]
    assert ["message-id.reused", own, "2"] in told[13][3]
    third = "schema version: 3, as before, or a message id of its own"
    assert told[16][3] == [["message-id.reused", third, "the type's own"]]
    assert told[3][3][0][:2] == ["json.missing", "urgent"]
    assert told[4][3][0][0] == "json.extra"
    assert told[5][1] == "tax.request", "the type is kept, though the version is unknown"
    assert told[5][3] == [["luova.version", "v=1 or v=2 or v=3", "v=4"]]
    assert told[6][2] == told[7][2] == told[8][2] > 0, "records of both are counted"
    assert told[9][3] == [["luova.version", "v=2", "v=1"]]
    assert "bilateral:1" in told[10][3][0][1]
    assert "bilateral:2" in told[10][3][0][1]
    assert found["calls"] == [
        *["bilateral.insurance"] * 3,
        "tax.request",
        "tax.request;v=1",
        "tax.request;v=2",
        "tax.request;v=3",
    ]


RECEIVER, REUSED = "kela.international", "message-id-reused"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a.b", ("a.b", "")),
        ("a.b;v=2", ("a.b", "2")),
        ("a.b; v=2", ("a.b", "2")),
        ("a.b;w=2", ("a.b;w=2", "")),
        ("a.b;", ("a.b;", "")),
    ],
)
def test_a_version_is_named_after_the_type(text: str, named: tuple[str, str]) -> None:
    assert named_version(text) == named


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ('[{ schema = "models:A" }]', "a version lacks version"),
        ('[{ version = "1", schema = "models:A" }]', "version 1 stands twice"),
        ('[{ version = "2", schema = "x" }]', "a json schema is module:Class"),
        ('[{ version = "2", schema = "models:A", x = 1 }]', "unknown in version 2: x"),
    ],
)
def test_what_a_version_can_not_say_is_told(tmp_path: Path, versions: str, told: str) -> None:
    (tmp_path / "models.py").write_text("")
    path = tmp_path / "message_types.toml"
    path.write_text(
        '[[message_type]]\nname = "a.b"\nformat = "json"\nschema = "models:A"\nversion = "1"\n'
        'basis = "modelled"\nsource = "x"\ntitle = { fi = "a", sv = "a", en = "a" }\n'
        f"versions = {versions}\n"
    )
    with pytest.raises(ValueError, match=told):
        read(path)
