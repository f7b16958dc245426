"""The script of faults: what it accepts, whom it concerns, and that a seed repeats it."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.partners.faults import Fault, Faults, from_text, from_toml
from exchange.schemas.directory import Partner

FUND = Partner("fund.a", "A", "unemployment-fund")
OTHER = Partner("fund.b", "B", "unemployment-fund")
BANK = Partner("bank.a", "A", "bank")


def test_a_text_names_target_kind_probability_and_seconds() -> None:
    assert from_text("fund.a=slow:0.25:1.5") == Fault("fund.a", "slow", 0.25, 1.5)
    assert from_text(" unemployment-fund=down:1 ").kind == "down"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fund.a",
        "fund.a=slow",
        "fund.a=sleepy:0.1",
        "fund.a=slow:2",
        "fund.a=slow:x",
        "=slow:1",
        "a=slow:1:-1",
        "a=slow:nan",
    ],
)
def test_an_impossible_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_text(text)


def test_a_script_of_toml_names_partners_sectors_or_everybody(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(
        '[[fault]]\npartner = "fund.a"\nkind = "drop"\nprobability = 0.5\n'
        '[[fault]]\nsector = "bank"\nkind = "slow"\nseconds = 3\n[[fault]]\nkind = '
        '"garbage"\nprobability = 0.1\n'
    )
    assert from_toml(path) == [
        Fault("fund.a", "drop", 0.5),
        Fault("bank", "slow", 1.0, 3.0),
        Fault("*", "garbage", 0.1),
    ]


@pytest.mark.parametrize(
    "table", ['partner = "a"\nsector = "bank"\nkind = "drop"', 'kind = "drop"\nodds = 1']
)
def test_a_script_with_a_contradiction_or_an_unknown_key_is_refused(
    tmp_path: Path, table: str
) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(f"[[fault]]\n{table}\n")
    with pytest.raises(ValueError):
        from_toml(path)


def test_a_fault_befalls_those_it_concerns() -> None:
    faults = Faults([Fault("fund.a", "drop", 1.0), Fault("bank", "down", 1.0)], seed=1)
    assert [
        fault and fault.kind
        for fault in (faults.befall(partner, 1) for partner in (FUND, OTHER, BANK))
    ] == [
        "drop",
        None,
        "down",
    ]


def test_the_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    def run(seed: int) -> list[str]:
        faults = Faults([Fault("*", "slow", 0.3), Fault("*", "garbage", 0.3)], seed)
        return [
            fault.kind if (fault := faults.befall(FUND, number)) else "" for number in range(200)
        ]

    assert run(7) == run(7) != run(8)
    assert 30 < run(7).count("slow") < 90


def test_a_loss_befalls_no_call_and_a_fault_of_a_call_loses_nothing() -> None:
    losing = Faults([Fault("*", "lose", 1.0)])
    failing = Faults([Fault("*", "refuse", 1.0)])
    assert losing.loses(FUND, 1)
    assert losing.befall(FUND, 1) is None
    assert failing.befall(FUND, 1) is not None
    assert not failing.loses(FUND, 1)
