"""The mix of traffic, read from `workload.toml`: flows with their yearly calls, what each channel's yes looks like; no sending."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: What the names of calls begin with that send no message.
READING = "reading"
DEFAULT_PATH = Path(__file__).with_name("workload.toml")


@dataclass(frozen=True, slots=True)
class Flow:
    """Calls of one type by the partners of one sector through one door. `yearly` counts calls, not the records in them;
    `reads` says that the calls fetch messages of that type instead of sending them."""

    channel: str
    message_type: str
    sector: str
    door: str
    yearly: float
    source: str
    reads: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What its samples are found by."""
        return self.message_type, self.sector, self.door

    @property
    def name(self) -> str:
        """Its name in reports, the message type first; calls that send no message begin with `READING`."""
        return f"{READING if self.reads else self.message_type} {self.sector} {self.door}"


@dataclass(frozen=True, slots=True)
class Yes:
    """A reply that says that the message was accepted: the status, and what its body must contain (empty: anything)."""

    status: int
    says: bytes = b""


@dataclass(frozen=True, slots=True)
class Workload:
    """Flows, replies that count as accepted by channel, and the shares of the hours of a working day."""

    flows: Sequence[Flow]
    accepted: Mapping[str, Sequence[Yes]]
    hours: Sequence[float]

    @property
    def message_types(self) -> list[str]:
        """Every type that is sent."""
        return sorted({flow.message_type for flow in self.flows})

    def only(self, channels: Sequence[str], sectors: Sequence[str]) -> Workload:
        """The flows of these channels and sectors (all when none is named)."""
        flows = [
            flow for flow in self.flows if (not channels or flow.channel in channels) and (not sectors or flow.sector in sectors)
        ]
        return Workload(flows, self.accepted, self.hours)

    def judge(self, channel: str, status: int, body: bytes) -> str:
        """Empty when the reply is a yes of that channel; otherwise what it was, short enough to be counted by."""
        for yes in self.accepted[channel]:
            if yes.status == status and yes.says in body:
                return ""
        return f"{status} {_reason(body)}".strip()


def _reason(body: bytes) -> str:
    found = re.search(rb'"title":"([^"]{1,60})|<ErrorCode>([^<]{1,40})|<DeliveryDataStatus>(\d)|<faultstring>([^<]{1,60})', body)
    return next((group.decode(errors="replace") for group in found.groups() if group), "") if found else ""


def class_name(channel: str, sector: str) -> str:
    """The name of the class of users of a channel and sector: `KelmuWellbeingCountyUser`."""
    return "".join(word.capitalize() for word in f"{channel}-{sector}".split("-")) + "User"


def load(path: Path = DEFAULT_PATH) -> Workload:
    """Read a workload file.

    Raises:
        ValueError: when a flow stands twice, its channel has no `accepted`, or the hours are not 24.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    flows = [Flow(**entry) for entry in table["flow"]]
    accepted = {
        name: [Yes(yes["status"], yes.get("says", "").encode()) for yes in entry["accepted"]]
        for name, entry in table["channel"].items()
    }
    keys = [flow.key for flow in flows]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise ValueError(f"{path.name}: stands twice: {sorted(twice)}")
    if unknown := {flow.channel for flow in flows} - set(accepted):
        raise ValueError(f"{path.name}: no `accepted` for {', '.join(sorted(unknown))}")
    if len(table["hours"]["shares"]) != 24:
        raise ValueError(f"{path.name}: a day has 24 hours")
    return Workload(flows, accepted, table["hours"]["shares"])
