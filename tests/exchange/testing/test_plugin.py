"""The pytest plugin as a partner's developer uses it: a folder with tests of one's own, run by
pytest in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = '''
import pytest
from exchange.client import Rejected, luova

BIRTHS = "population.births"


@pytest.mark.parametrize("number", range(COUNT))
def test_alone(exchange, exchange_partner, number):
    """Each test has an exchange of its own: the same ids, and nothing of another's messages."""
    mine = exchange_partner("county.mine")
    assert exchange.directory.get("county.mine").sector == "wellbeing-county"
    dvv = exchange.client(exchange.key_of("dvv"))
    with pytest.raises(Rejected):
        dvv.call(luova.submit, BIRTHS, b"{}", message_id="same")
    (came,) = exchange.await_received(1, where=lambda each: each.message_id == "same")
    assert (came.state, len(came.violations)) == ("rejected", 3)
    assert mine.pushes.received() == []


def test_stub_is_told(exchange, births):
    exchange.override(partner="kela.core-data", message_type=BIRTHS, status=503, times=1)
    exchange.client(exchange.key_of("dvv")).call(luova.submit, BIRTHS, births)
    exchange.settle()
    again, first = exchange.stub_calls("kela.core-data")
    assert first["met"] and "call 2 of its kind" in again["not_met"][first["met"]]


@pytest.mark.exchange(faults=["kela.core-data=down:1"], limits={"body_bytes_max": 20_000})
def test_fails(exchange, births):
    dvv = exchange.client(exchange.key_of("dvv"))
    with pytest.raises(Rejected) as large:
        dvv.call(luova.submit, BIRTHS, b" " * 20_001)
    assert large.value.status == 413
    dvv.call(luova.submit, BIRTHS, births)
    with pytest.raises(Rejected):
        dvv.call(luova.submit, BIRTHS, b"{}")
    exchange.settle(timeout_seconds=0.5)


def test_fixture_fails(refused):
    pass
'''
CONFTEST = """
import datetime
import random

import pytest
from exchange import discovery
from exchange.client import luova


@pytest.fixture
def births():
    make = discovery.generators()["population.births"]
    return make(random.Random(1), datetime.date.today(), 1).body


@pytest.fixture
def refused(exchange):
    exchange.client(exchange.key_of("dvv")).call(luova.submit, "tax.request", b"{}")
"""


def run(folder: Path, count: int, *arguments: str) -> str:
    """What pytest says of the tests, of which one fails, another's fixture does, and `count` are
    alike.
    """
    (folder / "test_mine.py").write_text(TESTS.replace("COUNT", str(count)), encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    # (Each process would import every other plugin that there is.)
    plugins = ("--disable-plugin-autoload", "-p", "exchange", "-p", "xdist")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugins, *arguments]
    environment = {name: each for name, each in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert f"1 failed, {count + 1} passed, 1 error" in done.stdout, done.stdout + done.stderr
    return done.stdout


def test_each_test_has_an_exchange_of_its_own_and_a_failure_tells_what_happened(
    tmp_path: Path,
) -> None:
    said = run(tmp_path, 2, "-n", "2")
    of_fixture, report = said.split("-- exchange --")[1:]
    assert "luova tax.request" in of_fixture
    assert "luova population.births" in report
    assert "attempt-failed to kela.core-data: http-503" in report
    assert "/muutokset: muutokset is missing (json.missing" in report
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.drill
def test_ten_workers_have_ten_exchanges(tmp_path: Path) -> None:
    run(tmp_path, 20, "-n", "10")


def test_nothing_of_the_product_is_imported_before_a_test_asks_for_it() -> None:
    script = (
        "import sys, exchange.testing.plugin; "
        "print([name for name in sys.modules if name.startswith('exchange.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['exchange.testing', 'exchange.testing.plugin']"
