"""The pytest plugin: `exchange`, a whole exchange of the test's own, and `exchange_partner`, by
which a test plays a partner. Nothing of the product is imported before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from exchange.testing.embedded import Embedded, OwnPartner

MARKER = "exchange"
_RUNNING = pytest.StashKey["Embedded"]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "exchange(faults=(), seed=1, **sections): the exchange of this test: misbehaviour of the "
        "stubs (`kela=down:0.5`), by seed, and sections of its settings",
    )


@pytest.fixture
def exchange(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Embedded]:
    """An exchange on a free port, its ledger in `tmp_path`, with stubs for every partner; see the
    marker `exchange` for faults and settings.
    """
    from exchange.testing.embedded import Embedded

    marker = request.node.get_closest_marker(MARKER)
    given: dict[str, Any] = dict(marker.kwargs) if marker else {}
    with Embedded(tmp_path, **given) as running:
        request.node.stash[_RUNNING] = running
        yield running
        del request.node.stash[_RUNNING]


@pytest.fixture
def exchange_partner(exchange: Embedded) -> Callable[..., OwnPartner]:
    """Plays a partner: `exchange_partner("county.mine")`."""
    return exchange.partner


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what happened in the exchange of a test that failed, or whose other fixtures did."""
    report = yield
    running = item.stash.get(_RUNNING, None)
    if report.when != "teardown" and report.failed and running is not None:
        try:
            told = running.timeline()
        except Exception as error:  # the test's own failure must not be hidden by this one
            told = f"nothing can be told of it: {type(error).__name__}: {error}"
        report.sections.append(("exchange", told))
    return report
