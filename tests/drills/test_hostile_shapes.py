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
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from exchange import adapters
from exchange.assembly import checking
from exchange.journey.check import Checking
from exchange.schemas.catalogue import Catalogue
from tests.drills.hostile_shapes import Shape, shapes

#: The sizes of the drill, each twice the one before, in bytes.
SIZES = tuple(1 << power for power in range(16, 21))
GROWTH_MAX = 2.6
#: What grows by less over the last two doublings needs no closer look.
QUICK_GROWTH_MAX = 2.3
#: Processor time below which a figure is noise, in seconds.
FLOOR_SECONDS = 0.03
ROUNDS_MAX = 5
#: `/health/live` answers within this while a document of the largest size is judged, by the clock or
#: by the processor time that the exchange spends until then: a busy machine gives it little of it.
LIVE_SECONDS = 0.25
#: Each was more than linear, or ended in an error, before it was mended.
KNOWN = (
    ("population.changes", "combining marks in the last string"),
    ("income-register.invalidations", "references in the last value"),
    ("eessi.p2000", "declarations of the root"),
    ("kelmu.benefit-query", "a long key of many parts for the last value"),
)


def _samples() -> dict[str, Path]:
    """The first valid sample of every message type that has one."""
    found: dict[str, Path] = {}
    for path in sorted(Path(adapters.__file__).parent.glob("**/samples/valid/*")):
        if path.suffix in (".xml", ".json"):
            found.setdefault(path.name.partition("--")[0], path)
    return found


SAMPLES = _samples()


@pytest.fixture(scope="module")
def judge() -> Checking:
    """What the interface for validation judges with."""
    return checking()


def seconds_of(work: Callable[[], object]) -> float:
    """Processor time, without the collector's: when it runs is decided by what was there before."""
    gc.collect()
    gc.disable()
    try:
        started = time.process_time()
        work()
        return time.process_time() - started
    finally:
        gc.enable()


def growth_of(judge: Checking, message_type: str, shape: Shape, sizes: tuple[int, ...]) -> float:
    """The largest growth from one size to the next, of the best times; taken again while it looks
    too large, for noise only adds.
    """
    best: dict[int, float] = {}

    def measure(size: int) -> float:
        body = shape.make(size)
        spent = seconds_of(lambda: judge.check(body, message_type))
        best[size] = min(spent, best.get(size, spent))
        return best[size]

    if measure(sizes[-1]) < FLOOR_SECONDS:
        return 0.0
    # Most are well below the bound over two doublings at once: the others are looked at closely.
    if len(sizes) > 2 and measure(sizes[-3]) * QUICK_GROWTH_MAX**2 >= best[sizes[-1]]:
        return (best[sizes[-1]] / best[sizes[-3]]) ** 0.5
    growth = 0.0
    for _ in range(ROUNDS_MAX):
        for size in sizes:
            measure(size)
        growth = max(
            (
                (best[size] / best[half]) ** (1 / math.log2(size / half))
                for half, size in itertools.pairwise(sizes)
                if best[size] >= FLOOR_SECONDS
            ),
            default=0.0,
        )
        if growth <= GROWTH_MAX:
            break
    return growth


def test_every_message_type_has_a_sample_to_make_shapes_of() -> None:
    without = {each.name for each in Catalogue.load()} - set(SAMPLES)
    for name in sorted(without):
        family = name.partition(".")[0]
        assert any(sample.startswith(f"{family}.") for sample in SAMPLES), name


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_shape_has_its_size(name: str) -> None:
    made = list(shapes(SAMPLES[name].read_bytes()))
    assert len(made) == len({shape.name for shape in made}) > 100
    for shape in made[::7]:
        assert 0.3 < len(shape.make(1 << 17)) / (1 << 17) < 3, shape.name


@pytest.mark.parametrize(("message_type", "name"), KNOWN)
def test_what_was_more_than_linear_is_linear(message_type: str, name: str, judge: Checking) -> None:
    made = {shape.name: shape for shape in shapes(SAMPLES[message_type].read_bytes())}
    # Four times the size at once: what grows by the square stands out from any noise.
    growth = growth_of(judge, message_type, made[name], (1 << 17, 1 << 19))
    assert growth <= GROWTH_MAX


@asynccontextmanager
async def _served(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """The address of an exchange in a process of its own, and the process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "exchange", "serve", "--port", "0"),
        *("--ledger", f"sqlite:///{folder / 'exchange.db'}"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None, "its output is read"
    try:
        async with asyncio.timeout(60):
            while b"http://" not in (line := await process.stdout.readline()):
                assert line, "the exchange ended"
        yield (
            "http://" + line.decode().partition("http://")[2].split()[0].rstrip("/.,"),
            process.pid,
        )
    finally:
        process.terminate()
        await process.wait()


def _spent_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _slowest_sign_of_life(
    url: str, pid: int, message_type: str, bodies: list[Shape]
) -> list[str]:
    """The shapes during whose judging `/health/live` took too long, or judging failed."""
    wrong = []
    async with aiohttp.ClientSession(url) as session:
        for shape in bodies:
            body, slowest = shape.make(SIZES[-1]), 0.0
            for _ in range(3):
                judging = asyncio.create_task(
                    session.post(
                        "/api/v1/validate", params={"type": message_type}, data=io.BytesIO(body)
                    )
                )
                slowest = 0.0
                while not judging.done():
                    asked, spent = time.perf_counter(), _spent_seconds(pid)
                    async with session.get("/health/live") as alive:
                        assert alive.status == 200
                    passed = time.perf_counter() - asked, _spent_seconds(pid) - spent
                    slowest = max(slowest, min(passed))
                    await asyncio.sleep(0.005)
                if (status := (await judging).status) != 200:
                    wrong.append(f"{shape.name}: status {status}")
                if slowest <= LIVE_SECONDS:
                    break
            else:
                wrong.append(f"{shape.name}: no sign of life for {slowest:.2f} s")
    return wrong


async def test_a_large_hostile_body_stops_nobody(tmp_path: Path) -> None:
    made = {shape.name: shape for shape in shapes(SAMPLES["population.changes"].read_bytes())}
    names = ("combining marks in the last string", "empty objects for the last value")
    async with _served(tmp_path) as (url, pid):
        wrong = await _slowest_sign_of_life(
            url, pid, "population.changes", [made[name] for name in names]
        )
    assert wrong == []


@pytest.mark.drill
@pytest.mark.parametrize("message_type", sorted(SAMPLES))
def test_every_shape_takes_time_by_its_size(message_type: str, judge: Checking) -> None:
    wrong = []
    for shape in shapes(SAMPLES[message_type].read_bytes()):
        growth = growth_of(judge, message_type, shape, SIZES)
        if growth > GROWTH_MAX:
            wrong.append(f"{shape.name}: x{growth:.1f}")
    assert wrong == []


@pytest.mark.drill
@pytest.mark.parametrize("message_type", sorted(SAMPLES))
async def test_the_exchange_says_meanwhile_that_it_lives(message_type: str, tmp_path: Path) -> None:
    made = list(shapes(SAMPLES[message_type].read_bytes()))
    async with _served(tmp_path) as (url, pid):
        assert await _slowest_sign_of_life(url, pid, message_type, made) == []
