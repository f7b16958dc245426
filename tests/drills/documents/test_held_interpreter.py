"""No document of the largest size that is read, of whichever message type, holds the interpreter for
long: some hostile shapes of some types each day.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator
from functools import cache

import pytest

from exchange import discovery
from exchange.assembly import checking
from exchange.cli.serving.garbage_collection import collect_seldom
from exchange.journey.check import Checking
from exchange.schemas.catalogue import Catalogue
from exchange.settings import load
from tests.drills.hostile_shapes import Shape, shapes
from tests.drills.test_hostile_shapes import ALL, SAMPLES, SEED, types_of
from tests.held_interpreter import longest_hold

#: Of processor time, in one go; taken again while it is more, for noise only adds.
HELD_SECONDS_MAX = 0.1
ROUNDS_MAX = 4
#: On each of so many days in a row other types have their turn, with so many of their shapes each.
TYPES_TURNS, SHAPES = 8, 2
#: What is counted against `limits.markup_max` and `limits.json_members_max`.
SIGNS = {"xml": (b"<", b"=", b"<!", b"<?"), "json": (b"[", b"{", b'":')}
TODAY = types_of(SEED, 1 if ALL else TYPES_TURNS)


@cache
def sizes_of(message_type: str) -> tuple[str, int, int]:
    """Format, bytes and signs that a document of the type has at most, at the endpoint of its
    channel that takes the largest.
    """
    found = Catalogue.load().get(message_type)
    assert found is not None
    limits = load().limits
    if found.format == "xml":
        return "xml", limits.body_bytes_max, limits.markup_max
    larger = (
        most
        for channel in discovery.channels().values()
        if found.folder.name in channel.families
        for most in channel.large_json_bytes_max.values()
    )
    return "json", max((limits.json_body_bytes_max, *larger)), limits.json_members_max


def judge_of(message_type: str) -> Checking:
    """What judges a document of the type as that endpoint does."""
    kind, most, _ = sizes_of(message_type)
    return checking(load(limits={"json_body_bytes_max": most} if kind == "json" else {}))


def largest(shape: Shape, kind: str, most: int, signs_max: int) -> bytes:
    """The document of a shape that has about as many bytes, or signs, as are read at most."""
    size, over = most, 2.0
    while over > 1:
        body = shape.make(size)
        signs = sum(map(body.count, SIGNS[kind]))
        over = max(len(body) / most, signs / signs_max)
        size = int(size / over * 0.98)
    return body


def held(judge: Checking, message_type: str, made: list[Shape]) -> Iterator[tuple[float, str]]:
    """How long each shape holds the interpreter, in seconds."""
    judge.check(SAMPLES[message_type].read_bytes(), message_type)
    for shape in made:
        body, longest = largest(shape, *sizes_of(message_type)), HELD_SECONDS_MAX + 1
        for _ in range(ROUNDS_MAX):
            now, _ = longest_hold(lambda body=body: judge.check(body, message_type))  # type: ignore[misc]
            longest = min(longest, now)
            if longest <= HELD_SECONDS_MAX:
                break
        yield longest, shape.name


def test_each_type_has_the_sizes_of_the_endpoint_that_takes_the_largest() -> None:
    assert sizes_of("income-register.echo") == ("xml", 52_428_800, 5_000_000)
    assert sizes_of("kelmu.document") == ("json", 2_097_152, 500_000)
    assert sizes_of("population.changes") == ("json", 4_194_304, 500_000)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("population.changes", "empty objects for the last value"),
        ("population.changes", "dots in the last string"),
        ("income-register.echo", "elements in the last value"),
        ("income-register.echo", "dots in the last value"),
    ],
)
def test_the_largest_is_as_large_as_is_read(name: str, what: str) -> None:
    kind, most, signs_max = sizes_of(name)[0], 200_000, 20_000
    made = {shape.name: shape for shape in shapes(SAMPLES[name].read_bytes())}
    body = largest(made[what], kind, most, signs_max)
    signs = sum(map(body.count, SIGNS[kind]))
    assert 0.9 < max(len(body) / most, signs / signs_max) <= 1


@pytest.fixture
def collected_seldom() -> Iterator[None]:
    """The collector of garbage as a worker has it: it holds the interpreter as well."""
    before = gc.get_threshold()
    collect_seldom()
    yield
    gc.set_threshold(*before)


@pytest.mark.drill
@pytest.mark.usefixtures("collected_seldom")
@pytest.mark.parametrize("message_type", TODAY)
def test_the_largest_documents_hold_the_interpreter_for_a_moment_only(message_type: str) -> None:
    made = list(shapes(SAMPLES[message_type].read_bytes()))
    drawn = random.Random(TODAY[message_type]).sample(made, SHAPES)
    long = [
        f"{name}: {seconds:.3f} s"
        for seconds, name in held(judge_of(message_type), message_type, drawn)
        if seconds > HELD_SECONDS_MAX
    ]
    assert long == [], f"with DRILLS_SEED={SEED}"
