"""The workload model as `workload.toml` writes it: streams, totals, profiles, readings; what a
scale makes of it lies in `quantities`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from exchange.simulation.calendar import DayProfile, Hours, profile_of

DEFAULT_PATH = Path(__file__).with_name("workload.toml")
Basis = Literal["published", "assumed"]
Counts = Literal["messages", "items"]
#: A figure by year.
Yearly = Mapping[int, Fraction]


@dataclass(frozen=True, slots=True)
class Answering:
    """What the receivers send because of a stream's messages: so many messages (or items) of a type
    in a year.
    """

    message_type: str
    year: Yearly
    counts: Counts = "messages"
    adds: Mapping[str, int] = field(default_factory=dict)
    joint: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """Flows that come to a figure a year together. `sizes` is the fewest and the most items of a
    delivery; `holding` the items in all messages; the rest is explained at the head of the file.
    """

    id: str
    flows: Sequence[str]
    profile: str
    hours: str
    year: Yearly
    counts: Counts = "messages"
    sizes: tuple[int, int] = (1, 1)
    holding: Yearly = field(default_factory=dict)
    part_of: str = ""
    fills: str = ""
    joint: str = ""
    joint_count: int = 1
    adds: Mapping[str, int] = field(default_factory=dict)
    answers: Sequence[Answering] = ()
    effort: float = 1000
    basis: Basis = "published"
    ground: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """A figure that several streams make up: given, or the sum of its parts."""

    id: str
    part_of: str = ""
    year: Yearly = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """Times of the day (seconds) at which partners fetch what waits for them."""

    flows: Sequence[str]
    at_seconds: Sequence[int]


@dataclass(frozen=True, slots=True)
class Workload:
    """The whole model."""

    streams: Sequence[Stream]
    totals: Mapping[str, Total]
    profiles: Mapping[str, DayProfile]
    hours: Mapping[str, Hours]
    readings: Sequence[Reading] = ()

    def stream(self, name: str) -> Stream:
        """The stream of that id.

        Raises:
            ValueError: when there is none; the text says which there are.
        """
        for each in self.streams:
            if each.id == name:
                return each
        raise ValueError(
            f"no stream {name!r}; there are: {', '.join(sorted(each.id for each in self.streams))}"
        )


def figure(yearly: Yearly, year: int) -> Fraction:
    """The figure of a year: its own, else that of the nearest year given (the later of two); 0 when
    there is none.
    """
    if not yearly:
        return Fraction(0)
    return yearly[min(yearly, key=lambda each: (abs(each - year), -each))]


def added(streams: Sequence[Stream], total: str, year: int) -> Fraction:
    """What these streams add to a total in a year, answers included."""
    messages = sum(
        (figure(each.year, year) * each.adds.get(total, 0) for each in streams), Fraction(0)
    )
    answers = [answer for each in streams for answer in each.answers]
    return messages + sum(
        (figure(each.year, year) * each.adds.get(total, 0) for each in answers), Fraction(0)
    )


def load(path: Path = DEFAULT_PATH) -> Workload:
    """Read a workload file.

    Raises:
        ValueError: when a stream stands twice, or names a profile or total that is not there, or
        has a key too many.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    profiles = {name: profile_of(each) for name, each in data["profile"].items()}
    hours = {name: Hours(each["weights"]) for name, each in data["hours"].items()}
    totals = {
        each["id"]: Total(each["id"], each.get("part_of", ""), _yearly(each.get("year", {})))
        for each in data["total"]
    }
    streams = [_stream(each) for each in data["stream"]]
    readings = [
        Reading(each["flows"], [_second(time) for time in each["at"]])
        for each in data.get("reading", ())
    ]
    known = set(totals)
    for stream in streams:
        if sum(each.id == stream.id for each in streams) > 1:
            raise ValueError(f"{path.name}: {stream.id} stands twice; remove or rename one")
        if stream.profile not in profiles or stream.hours not in hours:
            raise ValueError(
                f"{path.name}: {stream.id}: profile {stream.profile!r} is one of "
                f"{', '.join(sorted(profiles))}, hours {stream.hours!r} one of "
                f"{', '.join(sorted(hours))}"
            )
        named = {stream.part_of, stream.fills, *stream.adds} - {""}
        if named - known:
            raise ValueError(
                f"{path.name}: {stream.id} names an unknown total: "
                f"{', '.join(sorted(named - known))}; there are: {', '.join(sorted(known))}"
            )
        if not (stream.year or stream.fills):
            raise ValueError(f"{path.name}: {stream.id} has no figure; give it `year`, or `fills`")
    if bad := sorted(
        each.part_of for each in totals.values() if each.part_of and each.part_of not in known
    ):
        raise ValueError(
            f"{path.name}: unknown totals: {', '.join(bad)}; there are: {', '.join(sorted(known))}"
        )
    return Workload(
        streams=streams, totals=totals, profiles=profiles, hours=hours, readings=readings
    )


def _stream(entry: Mapping[str, Any]) -> Stream:
    values = dict(entry)
    values["year"] = _yearly(entry.get("year", {}))
    values["holding"] = _yearly(entry.get("holding", {}))
    values["sizes"] = tuple(entry.get("sizes", (1, 1)))
    values["answers"] = [
        Answering(
            message_type=answer["type"],
            year=_yearly(answer["year"]),
            counts=answer.get("counts", "messages"),
            adds=answer.get("adds", {}),
            joint=answer.get("joint", ""),
        )
        for answer in entry.get("answers", ())
    ]
    try:
        return Stream(**values)
    except TypeError as error:
        raise ValueError(f"stream {entry.get('id', '?')}: {error}") from error


def _yearly(entry: Mapping[str, int]) -> dict[int, Fraction]:
    return {int(year): Fraction(value) for year, value in entry.items()}


def _second(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 3600 + int(minute) * 60
