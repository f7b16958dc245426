"""An exchange of its own for the tests of the client, and messages that it takes."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterator

import pytest

from exchange import discovery
from exchange.schemas.generated import Generated
from exchange.testing.embedded import Embedded

Make = Callable[[str], Generated]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with Embedded(tmp_path_factory.mktemp("client")) as running:
        yield running


@pytest.fixture(scope="module")
def make() -> Make:
    """A valid message of a type, another one each time; of yesterday, since it may be of any time
    of its day.
    """
    generators, rng = discovery.generators(), random.Random(7)
    numbers, day = iter(range(1, 1_000)), datetime.date.today() - datetime.timedelta(days=1)
    return lambda name: generators[name](rng, day, next(numbers))
