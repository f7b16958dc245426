"""Hostile shapes of every message type: judging one that is twice as large takes twice as long, and
the served exchange says meanwhile that it lives.
"""

from __future__ import annotations

import asyncio
import gc
import io
import itertools
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import aiohttp
import pytest

from exchange import adapters
from exchange.assembly import checking
from exchange.journey.check import Checking
from exchange.schemas.catalogue import Catalogue
from tests.drills.conftest import RecordShapes
from tests.drills.hostile_shapes import TURNS, Shape, at_full_size, drawn, shapes
from tests.drills.server import process_seconds

#: The sizes of the drill, each twice the one before, in bytes.
SIZES = tuple(1 << power for power in range(16, 21))
#: What every document is judged at, by the first of which is known what each costs at any size.
QUICK_SIZES = (1 << 12, SIZES[0], SIZES[2])
GROWTH_MAX = 2.6
#: What grows by less a doubling from each second size to the next needs no closer look.
QUICK_GROWTH_MAX = 2.3
#: Processor time below which a figure is noise, in seconds.
FLOOR_SECONDS = 0.03
ROUNDS_MAX = 5
#: `/health/live` answers within this while a document of the largest size is judged, by the clock
#: or by the processor time that the exchange spends until then: a busy machine gives it little of
#: it.
LIVE_SECONDS = 0.25
LIVE_ROUNDS = 3
ASK_EVERY_SECONDS = 0.02
#: Each day has its own, so that what is not drawn today is drawn another day.
SEED = int(os.environ.get("DRILLS_SEED", time.time() // 86_400))
#: On each of so many days in a row other message types have their turn.
TYPES_TURNS = 6
#: `make drills-shapes`: every document that there is, each at full size.
ALL = "DRILLS_ALL_SHAPES" in os.environ
#: Each was more than linear, or ended in an error, before it was mended.
KNOWN = (
    ("population.changes", "combining marks in the last string"),
    ("income-register.invalidations", "references in the last value"),
    ("income-register.acknowledgement", "attributes of the root"),
    ("eessi.p2000", "declarations of the root"),
    ("kelmu.benefit-query", "a long key of many parts for the last value"),
    ("income-register.echo", "elements of many names in every value"),
)


def _samples() -> dict[str, Path]:
    """The first valid sample of every message type that has one."""
    found: dict[str, Path] = {}
    for path in sorted(Path(adapters.__file__).parent.glob("**/samples/valid/*")):
        if path.suffix in (".xml", ".json"):
            found.setdefault(path.name.partition("--")[0], path)
    return found


SAMPLES = _samples()


def types_of(day: int, turns: int) -> dict[str, int]:
    """The message types whose turn it is, each with its seed: when its turn comes again, the next
    one; and not all of a day draw the same places.
    """
    names = sorted(SAMPLES)
    return {names[at]: day // turns + at for at in range(day % turns, len(names), turns)}


TODAY = dict.fromkeys(SAMPLES, 0) if ALL else types_of(SEED, TYPES_TURNS)


@pytest.fixture(scope="module")
def judge() -> Checking:
    """What the interface for validation judges with."""
    return checking()


def seconds_of(work: Callable[[], object]) -> float:
    """Processor time, without the collector's: when it runs is decided by what was there before.
    (Collecting first would take longer than the work: all that the product imported is looked at.)
    """
    gc.disable()
    try:
        started = time.process_time()
        work()
        return time.process_time() - started
    finally:
        gc.enable()


def growths(seconds: dict[int, float]) -> list[float]:
    """By a doubling, from each size to the next."""
    return [
        (seconds[size] / seconds[less]) ** (1 / math.log2(size / less))
        for less, size in itertools.pairwise(sorted(seconds))
    ]


def lasting_growth(seconds: dict[int, float]) -> float:
    """The largest of two doublings in a row, or of the last; of times that are no noise. A step,
    where work begins that smaller documents don't need, is in one doubling and not in the next.
    """
    found = growths({size: each for size, each in seconds.items() if each >= FLOOR_SECONDS / 4})
    return max((min(pair) for pair in itertools.pairwise([*found, math.inf])), default=0.0)


def growth_of(judge: Checking, message_type: str, shape: Shape, sizes: tuple[int, ...]) -> float:
    """The lasting growth of the best times; taken again while it looks too large, for noise only
    adds.
    """
    best: dict[int, float] = {}
    for _ in range(ROUNDS_MAX):
        for size in sizes:
            body = shape.make(size)
            spent = seconds_of(lambda body=body: judge.check(body, message_type))  # type: ignore[misc]
            best[size] = min(spent, best.get(size, spent))
        if (growth := lasting_growth(best)) <= GROWTH_MAX:
            break
    return growth


def quick_growth(judge: Checking, message_type: str, shape: Shape) -> float:
    """The growth by a doubling from 64 to 256 KB of what it costs beyond a document of 4 KB: what
    is paid at any size would hide the rest. 0 for what takes no time.

    The largest is judged first, so that what is done once makes the growth look larger and not
    smaller.
    """
    seconds = []
    for size in reversed(QUICK_SIZES):
        body = shape.make(size)
        seconds.append(seconds_of(lambda body=body: judge.check(body, message_type)))  # type: ignore[misc]
    large, small, fixed = seconds
    if large - fixed < FLOOR_SECONDS / 4:
        return 0.0
    return math.sqrt((large - fixed) / max(small - fixed, 1e-9))


def test_every_message_type_has_a_sample_to_make_shapes_of() -> None:
    assert {each.name for each in Catalogue.load()} == set(SAMPLES)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_shape_has_its_size(name: str) -> None:
    made = list(shapes(SAMPLES[name].read_bytes()))
    assert len(made) == len({shape.name for shape in made}) > 100
    for shape in made[::7]:
        assert 0.3 < len(shape.make(1 << 17)) / (1 << 17) < 3, shape.name


@pytest.mark.parametrize("name", sorted(SAMPLES)[::5])
def test_each_seed_draws_every_shape_and_seeds_in_a_row_draw_every_place(name: str) -> None:
    made = list(shapes(SAMPLES[name].read_bytes()))
    every, seen, full = {shape.name for shape in made}, set(), set()
    for seed in range(5, 5 + TURNS * TURNS):
        chosen = drawn(made, seed)
        assert {shape.what for shape in chosen} == {shape.what for shape in made}
        assert len(chosen) < len(made) / 2
        seen |= {shape.name for shape in chosen}
        full |= {shape.name for shape in at_full_size(chosen, seed)}
        assert seed < 4 + TURNS or seen == every
    assert full == every


@pytest.mark.parametrize(("message_type", "name"), KNOWN)
def test_what_was_more_than_linear_is_linear(message_type: str, name: str, judge: Checking) -> None:
    made = {shape.name: shape for shape in shapes(SAMPLES[message_type].read_bytes())}
    # Four times the size at once: what grows by the square stands out from any noise.
    growth = growth_of(judge, message_type, made[name], (1 << 17, 1 << 19))
    assert growth <= GROWTH_MAX


class Served:
    """An exchange in a process of its own, asked to judge documents and how it is meanwhile."""

    def __init__(self, url: str, pid: int) -> None:
        self._url = url
        self._pid = pid
        #: The longest that a sign of life took, by the shape that was judged.
        self.slowest: dict[str, float] = {}

    async def judged(
        self, session: aiohttp.ClientSession, message_type: str, body: bytes
    ) -> tuple[float, float]:
        """Processor seconds that the exchange spent until its verdict, and the slowest sign of
        life.
        """
        began, slowest = process_seconds(self._pid), 0.0
        judging = asyncio.create_task(self._judge(session, message_type, body))
        while not judging.done():
            asked, spent = time.perf_counter(), process_seconds(self._pid)
            async with session.get("/health/live") as alive:
                assert alive.status == 200
            passed = time.perf_counter() - asked, process_seconds(self._pid) - spent
            slowest = max(slowest, min(passed))
            await asyncio.sleep(ASK_EVERY_SECONDS)
        await judging
        return process_seconds(self._pid) - began, slowest

    async def _judge(self, session: aiohttp.ClientSession, message_type: str, body: bytes) -> None:
        async with session.post(
            "/api/v1/validate", params={"type": message_type}, data=io.BytesIO(body)
        ) as response:
            await response.read()
            assert response.status == 200, f"status {response.status}"

    async def growth(
        self, session: aiohttp.ClientSession, message_type: str, shape: Shape
    ) -> float:
        """The growth by a doubling, roughly; 0 for what takes no time. The largest is judged first,
        so that what is done once makes the growth look larger and not smaller.
        """
        body, spent = shape.make(SIZES[-1]), math.inf
        for _ in range(LIVE_ROUNDS):
            seconds, slowest = await self.judged(session, message_type, body)
            spent = min(spent, seconds)
            self.slowest[shape.name] = min(slowest, self.slowest.get(shape.name, slowest))
            if slowest <= LIVE_SECONDS:
                break
        if spent < FLOOR_SECONDS:
            return 0.0
        by_size = {SIZES[-1]: spent}
        for size in SIZES[-3::-2]:
            by_size[size], _ = await self.judged(session, message_type, shape.make(size))
        return max(growths(by_size))

    async def faults(
        self, judge: Checking, message_type: str, made: list[Shape], full: Collection[Shape]
    ) -> tuple[list[str], float, str]:
        """What is wrong with judging these shapes, and the largest growth with its shape. Those of
        `full` are judged here at full size, the others by the drill alone; what grows by more than
        most is looked at closely, in the drill's process and at every size.
        """
        wrong, largest = [], (0.0, "")
        sample = SAMPLES[message_type].read_bytes()
        judge.check(sample, message_type)
        async with aiohttp.ClientSession(self._url) as session:
            await self.judged(session, message_type, sample)
            for shape in made:
                if shape in full:
                    growth = await self.growth(session, message_type, shape)
                else:
                    growth = quick_growth(judge, message_type, shape)
                if growth > QUICK_GROWTH_MAX:
                    growth = growth_of(judge, message_type, shape, SIZES)
                largest = max(largest, (growth, shape.name))
                if growth > GROWTH_MAX:
                    wrong.append(f"{shape.name}: x{growth:.1f}")
                if (slowest := self.slowest.get(shape.name, 0.0)) > LIVE_SECONDS:
                    wrong.append(f"{shape.name}: no sign of life for {slowest:.2f} s")
        return wrong, *largest


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One exchange for all message types."""
    ledger = tmp_path_factory.mktemp("served") / "exchange.db"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "exchange",
            "serve",
            "--port",
            "0",
            "--ledger",
            f"sqlite:///{ledger}",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with process:
        try:
            assert process.stdout is not None, "its output is read"
            said = next(line for line in process.stdout if "http://" in line)
            yield Served(
                "http://" + said.partition("http://")[2].split()[0].rstrip("/.,"), process.pid
            )
        finally:
            process.terminate()


async def test_a_large_hostile_body_stops_nobody(judge: Checking, served: Served) -> None:
    name = "population.changes"
    made = {shape.name: shape for shape in shapes(SAMPLES[name].read_bytes())}
    chosen = ("combining marks in the last string", "empty objects for the last value")
    large = [made[shape] for shape in chosen]
    wrong, _, _ = await served.faults(judge, name, large, large)
    assert wrong == []


@pytest.mark.parametrize(("cost", "grows"), [(lambda n: n, 2), (lambda n: n * n, 4)])
def test_what_a_document_costs_at_any_size_hides_no_growth(
    cost: Callable[[float], float], grows: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = iter([0.2 + 0.1 * cost(size / QUICK_SIZES[-1]) for size in reversed(QUICK_SIZES)])
    monkeypatch.setattr("tests.drills.test_hostile_shapes.seconds_of", lambda work: next(spent))
    shape = Shape("any", "", lambda size: b"")
    assert quick_growth(checking(), "any", shape) == pytest.approx(grows, rel=0.03)


def test_each_type_has_its_turn_with_seeds_in_a_row() -> None:
    seeds: dict[str, list[int]] = {name: [] for name in SAMPLES}
    for day in range(100, 100 + 4 * TYPES_TURNS):
        today = types_of(day, TYPES_TURNS)
        assert len(today) <= math.ceil(len(SAMPLES) / TYPES_TURNS)
        for name, seed in today.items():
            seeds[name].append(seed)
    assert all(found == list(range(found[0], found[0] + 4)) for found in seeds.values())


@pytest.mark.drill
@pytest.mark.parametrize("message_type", TODAY)
async def test_every_shape_takes_time_by_its_size_and_stops_nobody(
    message_type: str, judge: Checking, served: Served, record_shapes: RecordShapes
) -> None:
    made = list(shapes(SAMPLES[message_type].read_bytes()))
    seed = TODAY[message_type]
    chosen = made if ALL else drawn(made, seed)
    full = made if ALL else at_full_size(chosen, seed)
    served.slowest.clear()
    wrong, growth, name = await served.faults(judge, message_type, chosen, full)
    assert wrong == [], f"with DRILLS_SEED={SEED}"
    record_shapes(
        (message_type, len(chosen), len(full), growth, name, max(served.slowest.values()))
    )
