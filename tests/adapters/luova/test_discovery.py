"""What `family.toml` may say and what is told when it says something else; how records are
counted.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from exchange.adapters.luova import discovery
from exchange.adapters.luova.identify import counting, identify
from exchange.ports import Parsed
from exchange.schemas import xml
from exchange.schemas.catalogue import Catalogue
from tests.adapters.luova.judging import inbound

ROUTE = '[[route]]\nmessage_types = ["a.b"]\nsenders = ["kela"]\nreceivers = ["tax"]\n'


def families(folder: Path, **texts: str) -> Path:
    """A folder of families whose `family.toml` hold these texts."""
    for name, text in texts.items():
        (folder / name).mkdir()
        (folder / name / discovery.FILE_NAME).write_text(text)
    return folder


def test_the_families_make_one_table(tmp_path: Path) -> None:
    other = ROUTE.replace("a.b", "c.d") + 'default = "kela.tax"\nitems = "rows"\n'
    routes = discovery.routes(families(tmp_path, a=ROUTE, c=other))
    assert list(routes) == ["a.b", "c.d"]
    assert (routes["a.b"].default, routes["a.b"].items) == ("", "")
    found = routes["c.d"]
    assert (found.senders, found.receivers) == (("kela",), ("tax",))
    assert (found.default, found.items) == ("kela.tax", "rows")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ROUTE * 2, r"a/family\.toml: a\.b stands twice"),
        (
            ROUTE + "x = 1\n",
            r"a/family\.toml: unknown x; a route has answers, default, items, message_types",
        ),
        (ROUTE.replace("senders", "sender"), r"a/family\.toml: a route lacks senders"),
        (ROUTE.replace('["kela"]', '"kela"'), r"a/family\.toml: senders is a list of texts"),
        (ROUTE + "items = 1\n", r"a/family\.toml: items is a text"),
        (ROUTE + 'items = "a//b"\n', r"a/family\.toml: items is names of elements divided by /"),
        (ROUTE + 'items = ""\n', r"a/family\.toml: items is names of elements divided by /"),
        (ROUTE.replace("kela", "bakery"), r"a/family\.toml: no sector: bakery; sectors: kela, "),
        ("[route\n", r"a/family\.toml: .*line 1"),
        ("routes = []\n", r"a/family\.toml: expected \[\[route\]\] and nothing else"),
        ("", r"a/family\.toml: expected \[\[route\]\] and nothing else"),
        ("route = [1]\n", r"a/family\.toml: expected \[\[route\]\] and nothing else"),
    ],
)
def test_what_a_table_can_not_say_is_told_with_its_file(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        discovery.routes(families(tmp_path, a=text))


def test_a_family_without_its_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match=r"a/family\.toml is missing"):
        discovery.routes(tmp_path)


def test_a_part_that_a_family_lacks_is_told() -> None:
    with pytest.raises(ValueError, match=r"families/bilateral/nothing\.py is missing"):
        discovery.parts("nothing")


@pytest.mark.parametrize(
    ("name", "document", "items"),
    [
        ("unemployment.benefit-data", "<A xmlns='urn:exchange:unemployment:1'/>", 0),
        (
            "unemployment.benefit-data",
            "<A xmlns='urn:exchange:unemployment:1'><Benefit/><B><Benefit/></B><Benefit/></A>",
            2,
        ),
        ("unemployment.benefit-data", "<A><Benefit/></A>", 0),
        ("unemployment.information-request", "<A/>", 1),
    ],
)
def test_records_are_the_elements_at_their_path(name: str, document: str, items: int) -> None:
    parsed = Parsed(inbound(type=name), name, "xml", xml.parse(document.encode()))
    assert identify(parsed).items == items


@pytest.mark.parametrize(
    ("document", "items"), [({"muutokset": [1, 2]}, 2), ({"muutokset": 1}, 0), ({}, 0), ([], 0)]
)
def test_records_are_what_the_list_of_their_key_holds(document: object, items: int) -> None:
    parsed = Parsed(inbound(), "population.changes", "json", document)
    assert identify(parsed).items == items


def test_records_of_a_type_without_a_namespace_are_counted_too() -> None:
    found = Catalogue.load().get("unemployment.benefit-data")
    assert found is not None
    count = counting(replace(found, roots=("A",)), "B/C")
    assert count(xml.parse(b"<A><B><C/><C/></B><B><C/></B><C/></A>")) == 3


def test_a_path_of_records_in_json_is_told() -> None:
    found = Catalogue.load().get("tax.request")
    assert found is not None
    with pytest.raises(
        ValueError, match=r"tax\.request: items of a JSON message is a key, not a/b"
    ):
        counting(found, "a/b")
