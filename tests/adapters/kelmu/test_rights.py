"""What each organisation may ask of Kelmu, and how a query is cut down to it; the form of messages
has samples.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.adapters.kelmu.rights import RIGHTS, earliest_day, load, narrow
from exchange.schemas.instants import finnish_day
from exchange.schemas.kelmu.codes import BENEFITS, DATA_GROUPS
from tests.adapters.kelmu import judging
from tests.adapters.kelmu.judging import DIRECTORY, KELA, NOW, PENSIONS, QUERY, judge, rules_of

BULK = "kelmu.benefit-query-bulk"
OF_MANY = {
    **{name: value for name, value in QUERY.items() if name != "person"},
    "persons": ["140890-9423", "061185V952C"],
}


def test_a_query_within_the_right_is_accepted_and_its_log_line_kept() -> None:
    reading, judgement = judge(QUERY)
    assert judgement.verdict.accepted
    assert judgement.violations == []
    assert judgement.verdict.detail == {
        name: QUERY[name] for name in ("user", "purpose", "legal_ground", "person")
    }
    assert reading.identity is not None
    assert reading.identity.sender_message_id == "q-1"


@pytest.mark.parametrize(
    ("changed", "rules"),
    [
        ({"purpose": "enforcement"}, ["kelmu.rights.purpose"]),
        ({"legal_ground": "705/2007"}, ["kelmu.rights.legal-ground"]),
        ({"benefits": ["insurance-matters"]}, ["kelmu.rights.benefits"]),
        ({"from": "2019-01-01", "to": "2020-01-01"}, ["kelmu.rights.time"]),
        ({"purpose": "enforcement", "benefits": ["insurance-matters"], "to": "2020-01-01", "from": "2019-01-01"},
         ["kelmu.rights.benefits", "kelmu.rights.purpose", "kelmu.rights.time"]),
    ],
)  # fmt: skip
def test_a_query_beyond_the_right_says_what_would_be_right(
    changed: dict[str, Any], rules: list[str]
) -> None:
    _, judgement = judge({**QUERY, **changed})
    assert sorted(violation.rule for violation in judgement.violations) == rules
    assert not judgement.verdict.accepted
    assert all(violation.expected and violation.line for violation in judgement.violations)


@pytest.mark.parametrize(
    ("ground", "rules"),
    [
        ("1412/1997 14 §", []),
        ("1412/1997 18 b §", []),
        ("1412/1997 18 b § 2 mom.", []),
        ("1412/1997 18 § 12 mom.", []),
        ("1412/1997 18 b § 2 mom", ["json.pattern"]),
        ("1412/1997 2 mom.", ["json.pattern"]),
        ("1412/1997 18 b § 0 mom.", ["json.pattern"]),
    ],
)
def test_a_ground_is_an_act_its_section_and_its_subsection(ground: str, rules: list[str]) -> None:
    assert rules_of({**QUERY, "legal_ground": ground}) == rules


def test_who_may_not_see_a_data_group_is_told() -> None:
    groups = {"data_groups": ["recovery", "medicine-cost-ceiling"]}
    for partner in ("municipality.oulu", PENSIONS):
        assert "kelmu.rights.data-groups" in rules_of({**QUERY, **groups}, partner)


@pytest.mark.parametrize("partner", ["employer.demo-oy", "dvv", KELA])
def test_an_organisation_without_a_right_asks_nothing(partner: str) -> None:
    assert rules_of(QUERY, partner) == ["kelmu.rights.none"]


def test_only_some_ask_in_bulk() -> None:
    asked = {
        **OF_MANY,
        "purpose": "pension-determination",
        "legal_ground": "395/2006",
        "benefits": ["pensions"],
    }
    assert rules_of(asked, PENSIONS, BULK) == []
    assert "kelmu.rights.bulk" in rules_of(asked, "fund.ytk", BULK)
    assert "json.length" in rules_of({**asked, "persons": ["140890-9423"] * 1_001}, PENSIONS, BULK)


def test_a_partners_own_right_stands_instead_of_its_sectors() -> None:
    own = next(partner for partner in DIRECTORY if partner.id == "tyollisyysrahasto")
    assert RIGHTS.of(own) is RIGHTS.by_partner["tyollisyysrahasto"]
    assert RIGHTS.of(own) is not RIGHTS.by_sector[own.sector]


@given(
    st.sampled_from(sorted(RIGHTS.by_sector)),
    st.lists(st.sampled_from(sorted(BENEFITS)), min_size=1, unique=True),
    st.lists(st.sampled_from(sorted(DATA_GROUPS)), min_size=1, unique=True),
    st.dates(datetime.date(1990, 1, 1), datetime.date(2026, 3, 2)),
)
def test_a_narrowed_query_is_within_the_right_and_tells_all_that_was_cut(
    sector: str, benefits: list[str], groups: list[str], first: datetime.date
) -> None:
    right = RIGHTS.by_sector[sector]
    query = {
        "benefits": benefits,
        "data_groups": groups,
        "from": first.isoformat(),
        "to": "2026-03-02",
        "person": QUERY["person"],
    }
    narrowed = narrow(right, query, NOW)
    assert set(narrowed.benefits) <= right.benefits
    assert set(narrowed.data_groups) <= right.data_groups
    assert narrowed.first >= max(query["from"], earliest_day(right, NOW))
    cut = [each["value"] for each in narrowed.left_out if each["what"] != "time"]
    assert sorted((*narrowed.benefits, *narrowed.data_groups, *cut)) == sorted((*benefits, *groups))
    assert any(each["what"] == "time" for each in narrowed.left_out) == (
        narrowed.first != query["from"]
    )
    again = narrow(
        right,
        query
        | {
            "benefits": list(narrowed.benefits),
            "data_groups": list(narrowed.data_groups),
            "from": narrowed.first,
        },
        NOW,
    )
    assert again.left_out == ()


@given(st.integers(0, 4_102_444_800_000), st.sampled_from(sorted(RIGHTS.by_sector)))
def test_the_earliest_day_exists_and_lies_so_many_months_back(now: int, sector: str) -> None:
    right = RIGHTS.by_sector[sector]
    earliest = datetime.date.fromisoformat(earliest_day(right, now))
    today = finnish_day(now)
    assert (today.year - earliest.year) * 12 + today.month - earliest.month == right.months_back
    assert earliest.day <= today.day


def test_months_are_reckoned_from_the_day_in_finland(monkeypatch: pytest.MonkeyPatch) -> None:
    march = int(datetime.datetime(2026, 2, 28, 22, tzinfo=datetime.UTC).timestamp() * 1000)
    right = RIGHTS.by_sector["wellbeing-county"]
    assert earliest_day(right, march).endswith("-01")
    assert earliest_day(right, march - 1).endswith("-28")
    query = {
        "list": "care-abroad-reimbursements",
        "period": "2026-03",
        "purpose": "client-fees",
        "legal_ground": "734/1992",
        "user": "sos.tt.12",
    }
    for now, told in ((march, False), (march - 1, True)):
        monkeypatch.setattr(judging, "NOW", now)
        found = rules_of(query, message_type="kelmu.list-query")
        assert ("kelmu.list-query.month" in found) == told


@pytest.mark.parametrize("list_name", ["benefits", "data_groups", "purposes"])
def test_a_right_to_what_no_list_has_is_refused(tmp_path: Path, list_name: str) -> None:
    lists = {
        "benefits": '["pensions"]',
        "data_groups": '["decision"]',
        "purposes": '{ enforcement = ["705/2007"] }',
    }
    lists[list_name] = '{ magic = ["1/2000"] }' if list_name == "purposes" else '["magic"]'
    rows = "\n".join(f"{name} = {value}" for name, value in lists.items())
    (tmp_path / "rights.toml").write_text(f"[sector.kela]\nbulk = true\nmonths_back = 1\n{rows}\n")
    with pytest.raises(ValueError, match="magic"):
        load(tmp_path / "rights.toml")


def test_a_code_of_the_form_that_is_not_valid_is_left_out_of_many_and_said_so() -> None:
    wrong = "061185V952D"
    asked = {**OF_MANY, "purpose": "pension-determination", "legal_ground": "395/2006"}
    asked |= {"persons": ["140890-9423", wrong], "benefits": ["pensions"]}
    _, judgement = judge(asked, PENSIONS, BULK)
    verdict = judgement.verdict
    assert (verdict.accepted, verdict.items, verdict.items_rejected) == (True, 1, 1)
    assert verdict.detail["persons"] == ["140890-9423"], "who is left out was not asked about"
    told = [(each.rule, each.path, each.severity) for each in judgement.violations]
    assert told == [("kelmu.persons", "/persons/1", "warning")]
    narrowed = narrow(RIGHTS.by_sector["pension-institution"], asked, NOW)
    assert narrowed.persons == ("140890-9423",)
    assert {"what": "person", "value": wrong, "reason": "no-valid-code"} in narrowed.left_out
    for codes in ([wrong], ["140890-9423", "not a code"]):
        assert not judge({**asked, "persons": codes}, PENSIONS, BULK)[1].verdict.accepted


@pytest.mark.parametrize("sector", ["wellbeing-county", "helsinki"])
def test_a_countys_official_sees_every_data_group(sector: str) -> None:
    assert RIGHTS.by_sector[sector].data_groups == set(DATA_GROUPS)
