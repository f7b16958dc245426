"""What a schema refuses is left out of a second look at the rules, unless it is very much."""

from __future__ import annotations

import pytest
from lxml import etree

from exchange.assembly import checking
from exchange.schemas import refused_values
from exchange.schemas.refused_values import LEFT_OUT_ELEMENTS_MAX, hold_much
from exchange.schemas.violation import Finding
from tests.drills.test_hostile_shapes import SAMPLES


@pytest.mark.parametrize("rule", ["xsd.element-unexpected", "xsd.value"])
def test_elements_with_very_much_in_them_are_told_from_others(rule: str) -> None:
    def is_much(count: int, findings: int = 1) -> bool:
        root = etree.fromstring(b"<a>" + b"<b/>" * (count - 1) + b"</a>")
        return hold_much([Finding(rule, "", root)] * findings)

    refuses_whole = rule == "xsd.element-unexpected"
    assert not is_much(LEFT_OUT_ELEMENTS_MAX)
    assert is_much(LEFT_OUT_ELEMENTS_MAX + 1) == refuses_whole
    assert is_much(LEFT_OUT_ELEMENTS_MAX // 2 + 1, findings=2) == refuses_whole
    assert not hold_much([Finding(rule, "", ("a",)), Finding(rule, "")])


def test_where_very_much_is_refused_its_texts_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To empty and fill millions of them makes freeing the document hold the interpreter."""
    emptied = []
    monkeypatch.setattr(refused_values, "_empty", lambda *what: emptied.append(what))
    monkeypatch.setattr(refused_values, "LEFT_OUT_ELEMENTS_MAX", 100)
    sample, judge = SAMPLES["eessi.h020"].read_bytes(), checking()
    for count, is_left_out in ((10, True), (100, False)):
        emptied.clear()
        body = sample.replace(b"</h020:", b"<x>" + b"<y>1</y>" * count + b"</x></h020:", 1)
        found = {each.rule for each in judge.check(body, "eessi.h020").violations}
        assert {"xsd.element-unexpected", "eessi.process.case-unknown"} <= found
        assert bool(emptied) == is_left_out
