"""A simulated year's folder is one run's; the stubs that send are those that are named."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import typer

from exchange.cli.partners.stubs import _senders
from exchange.cli.simulating.shards import Run
from exchange.cli.simulating.simulate import _claim
from exchange.errors import SettingsError
from exchange.schemas.directory import load
from exchange.simulation.what_if import Scenario


def test_a_folder_is_one_runs(tmp_path: Path) -> None:
    run = Run(2024, Fraction(1, 1000), 1, Scenario())
    for _ in range(2):
        _claim(run, tmp_path / "year")
    with pytest.raises(typer.BadParameter, match="holds another run"):
        _claim(replace(run, seed=2), tmp_path / "year")


def test_who_sends_is_chosen_by_channel_and_sector() -> None:
    everybody = load()
    every = {stub.channel for stub in _senders(set(), set(), everybody)}
    assert {stub.channel for stub in _senders(set(), {"luova"}, everybody)} == {"luova"} < every
    assert _senders({"employer"}, every, everybody) != []
    with pytest.raises(SettingsError, match="nobody of these sectors"):
        _senders({"employer"}, {"kelmu"}, everybody)
