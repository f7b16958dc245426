"""The workload as data: calls a year by channel, sector, type and endpoint, and how they lie over a
day; no locust and no sending.
"""

from __future__ import annotations

import itertools
import math
import random
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.calls import Sample

PATH = Path(__file__).with_name("workload.toml")
_NEEDED = ("channel", "sector", "type")
_MORE = ("calls", "records", "share", "per_call", "endpoint", "row")


@dataclass(frozen=True, slots=True)
class Flow:
    """What one sector sends of one type through one endpoint (empty: whichever). `calls`
    and `records` are those of a year.
    """

    channel: str
    sector: str
    message_type: str
    endpoint: str
    calls: float
    records: float
    row: str

    def takes(self, sample: Sample) -> bool:
        """Whether a sample is one of this flow."""
        return (self.channel, self.sector, self.message_type) == (
            sample.channel,
            sample.sector,
            sample.message_type,
        ) and (self.endpoint in ("", sample.endpoint))


@dataclass(frozen=True, slots=True)
class PayDay:
    """Which types come `times` as much in which hours."""

    types: tuple[str, ...]
    hours: tuple[int, ...]
    times: float


@dataclass(frozen=True, slots=True)
class Workload:
    """All flows, the parts of a day by hour (they sum to 1), and the pay-day."""

    flows: tuple[Flow, ...]
    hours: tuple[float, ...]
    pay_day: PayDay

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Every (channel, sector) that sends, in order."""
        return sorted({(flow.channel, flow.sector) for flow in self.flows})


def load(path: Path = PATH) -> Workload:
    """Read the file. One's own mix needs the flows alone: the hours of a day and of a pay-day are
    the published ones where it has none.

    Raises:
        ValueError: when there is no flow, one stands twice, lacks something or has a key that there
            isn't, or the day has not 24 hours.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    if path != PATH:
        data = {**tomllib.loads(PATH.read_text(encoding="utf-8")), "flow": [], **data}
    if not data["flow"]:
        raise ValueError(f"{path}: no tables [[flow]]")
    flows = []
    for number, entry in enumerate(data["flow"], 1):
        _check(f"{path.name}: flow {number}", entry)
        records = entry.get("records", entry.get("calls", 0.0)) * entry.get("share", 1.0)
        calls = entry.get("calls", records / entry.get("per_call", 1.0))
        flows.append(
            Flow(
                channel=entry["channel"],
                sector=entry["sector"],
                message_type=entry["type"],
                endpoint=entry.get("endpoint", ""),
                calls=calls,
                records=records,
                row=entry.get("row", "one's own"),
            )
        )
    keys = [(flow.channel, flow.sector, flow.message_type, flow.endpoint) for flow in flows]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise ValueError(f"{path.name}: stands twice: {sorted(twice)}")
    hours = data["day"]["hours"]
    if len(hours) != 24:
        raise ValueError(f"{path.name}: a day has 24 hours, not {len(hours)}")
    special = data["pay-day"]
    pay_day = PayDay(tuple(special["types"]), tuple(special["hours"]), float(special["times"]))
    return Workload(tuple(flows), tuple(part / sum(hours) for part in hours), pay_day)


def _check(place: str, entry: Mapping[str, object]) -> None:
    """Raises:
    ValueError: when a flow lacks something, or has a key that there isn't.
    """
    if missing := [key for key in _NEEDED if key not in entry]:
        raise ValueError(f"{place}: {', '.join(missing)} missing")
    if unknown := sorted(set(entry) - {*_NEEDED, *_MORE}):
        raise ValueError(
            f"{place}: there is no {', '.join(unknown)}; there are: {', '.join((*_NEEDED, *_MORE))}"
        )
    if not {"calls", "records"} & set(entry):
        raise ValueError(f"{place}: calls (or records) of a year are missing")


def taken_by(flows: Sequence[Flow], samples: Sequence[Sample]) -> list[Sample]:
    """The samples that a mix of one's own sends.

    Raises:
        ValueError: when a flow has none: a name is written otherwise, say.
    """
    for flow in flows:
        if not any(flow.takes(sample) for sample in samples):
            types = {each.message_type for each in samples if each.sector == flow.sector}
            sectors = {each.sector for each in samples}
            raise ValueError(
                f"no samples of {flow.message_type} from {flow.sector} over {flow.channel}; there "
                f"are from {flow.sector}: {', '.join(sorted(types))}"
                if types
                else f"nobody of {flow.sector} sends; there are: {', '.join(sorted(sectors))}"
            )
    return [each for each in samples if any(flow.takes(each) for flow in flows)]


class Mix:
    """The flows of one source with their samples: draws samples as the flows' calls have it, evenly
    among a flow's own.
    """

    def __init__(self, flows: Iterable[Flow], samples: Sequence[Sample]) -> None:
        found = [(flow, [sample for sample in samples if flow.takes(sample)]) for flow in flows]
        self.flows = [(flow, own) for flow, own in found if own]
        self.missing = [flow for flow, own in found if not own]

    @property
    def calls(self) -> float:
        """Calls a year of what can be sent."""
        return sum(flow.calls for flow, _ in self.flows)

    @property
    def records(self) -> float:
        """Records a year of what can be sent; a Kelmu query or a SED is one."""
        return sum(flow.records for flow, _ in self.flows)

    def draw(self, rng: random.Random, times: Sequence[float]) -> Sample:
        """A sample; `times` says how much more than usual of each flow comes now."""
        weights = list(
            itertools.accumulate(
                flow.calls * more for (flow, _), more in zip(self.flows, times, strict=True)
            )
        )
        _, own = rng.choices(self.flows, cum_weights=weights)[0]
        return rng.choice(own)


def spacers(kinds: int, workers: int) -> int:
    """How many spacers `kinds` of users need: locust deals them to the workers in turn, kind by
    kind, round by round.
    """
    return next(more for more in range(2 * workers + 1) if math.gcd(kinds + more, workers) == 1)
