"""What stubs answer in the place of their own answers: overrides that are set while they run, by
partner, type, person, ordinal and state; and why a call met none. No server.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from exchange.partners.faults import EVERYBODY, Fault
from exchange.schemas import guard
from exchange.schemas.call import JSON, Call, Reply
from exchange.schemas.directory import SECTORS, Directory, Partner
from exchange.schemas.wrong_fields import nearest, told

#: Overrides that may stand at once.
OVERRIDES_MAX = 200
#: Calls of which it can be asked which override they met, the newest.
CALLS_MAX = 500
#: The longest delay, in seconds: nobody waits longer for a partner.
DELAY_SECONDS_MAX = 600.0
#: The state of a partner that no override has changed.
START = "start"
MESSAGE_TYPE = "X-Message-Type"
ID_CHARACTERS_MAX = 100
#: Headers that say how long a body is: the server's to write.
_OF_THE_SERVER = frozenset({"content-length", "transfer-encoding", "connection"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Kind = Literal["refuse", "down", "twice", "garbage", "drop"]


@dataclass(frozen=True, slots=True)
class Override:
    """Which calls to a partner are answered otherwise, and how.

    A call is met when it is to `partner` (an id, a sector or `*`), carries a message of
    `message_type`, has the personal identity code `person` in it, comes while the partner is in
    `state`, and is the `first`-th that is all that or one of `times` from there on (0: all). Empty
    fields are about every call. Of several overrides the one with the highest `priority` is met; of
    those the one that was set last.

    A call that is met gets `status` with `body`, or the `fault` befalls it; with neither, the
    stub's own answer, after `delay_seconds`. Then the partner is in `then_state`, where one is
    named. What the stub would do by a script of faults it does not do then.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: str
    partner: str = EVERYBODY
    message_type: str = ""
    person: str = ""
    first: int = 1
    times: int = 0
    state: str = ""
    then_state: str = ""
    priority: int = 0
    status: int = 0
    body: str = ""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Kind | None = None
    delay_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.status and self.fault:
            raise ValueError("an override has an answer or a fault, not both")
        if not (self.status or self.fault or self.delay_seconds or self.then_state):
            raise ValueError("an override has a status, a fault, a delay or a state that follows")
        if self.status and not 200 <= self.status <= 599:
            raise ValueError(f"status: 200 to 599, not {self.status}")
        if self.body and not self.status:
            raise ValueError("body: goes with a status")
        if not 0 <= self.delay_seconds <= DELAY_SECONDS_MAX:
            raise ValueError(f"delay_seconds: 0 to {DELAY_SECONDS_MAX:g}")
        if self.first < 1 or self.times < 0:
            raise ValueError("first: 1 or more; times: 0 or more")
        if not 0 < len(self.id) <= ID_CHARACTERS_MAX:
            raise ValueError(f"id: 1 to {ID_CHARACTERS_MAX} characters")
        for name, text in {**self.headers, "Content-Type": self.content_type}.items():
            if not _TOKEN.fullmatch(name) or _CONTROL.search(text):
                raise ValueError(f"headers: {name!r:.40} and its value can't stand in a response")
            if name.lower() in _OF_THE_SERVER:
                raise ValueError(f"headers: {name} is the server's to write")

    @property
    def befalling(self) -> Fault | None:
        """The fault, for the host of the stubs."""
        return Fault(self.partner, self.fault, 1.0) if self.fault else None

    @property
    def reply(self) -> Reply | None:
        """The answer; None where the stub's own is given."""
        if not self.status:
            return None
        return Reply(self.status, self.body.encode(), self.content_type, self.headers)


_ONE = TypeAdapter(Override)
_NAMES = [each.name for each in fields(Override)]


def override_of(data: Any, directory: Directory) -> Override:
    """An override from values such as a file's or a call's, named as the fields.

    Raises:
        ValueError: what is wrong, and what would be right.
    """
    try:
        override = _ONE.validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(told(first, first["loc"], "override", _NAMES)) from error
    names = [EVERYBODY, *SECTORS, *(partner.id for partner in directory)]
    if override.partner not in names:
        near = nearest(override.partner, names)
        raise ValueError(f"{override.partner!r:.80} is no partner, no sector and not *{near}")
    if guard.in_text("\n".join((override.body, override.person, *override.headers.values()))):
        raise ValueError(
            "a personal identity code that could be a living person's is never taken in: "
            "artificial ones have individual numbers from 900 to 999"
        )
    return override


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of a call: the override that it met (empty: none), and of those that were looked
    at before it why each was not met.
    """

    number: int
    partner: str
    path: str
    message_type: str
    state: str
    met: str
    not_met: Mapping[str, str]


class Overrides:
    """The overrides that stand, the partners' states, and what became of the latest calls."""

    def __init__(self, overrides: Iterable[Override] = ()) -> None:
        self._standing: dict[str, Override] = {}
        self._alike: Counter[str] = Counter()
        self._states: dict[str, str] = {}
        self._number = 0
        self._latest: deque[Looked] = deque(maxlen=CALLS_MAX)
        for each in overrides:
            self.set(each)

    def set(self, override: Override) -> None:
        """Let an override stand, in the place of one with its id; it counts calls from now on.

        Raises:
            ValueError: when too many stand.
        """
        if len(self._standing) >= OVERRIDES_MAX and override.id not in self._standing:
            raise ValueError(f"{OVERRIDES_MAX} overrides stand: remove some")
        self._standing.pop(override.id, None)
        self._standing[override.id] = override
        del self._alike[override.id]

    def remove(self, override_id: str) -> bool:
        """Let an override stand no more; False when there is none of that id."""
        del self._alike[override_id]
        return self._standing.pop(override_id, None) is not None

    def clear(self) -> int:
        """Remove all, and put every partner back into its first state; how many there were."""
        count = len(self._standing)
        self._standing.clear()
        self._alike.clear()
        self._states.clear()
        return count

    def standing(self) -> list[dict[str, Any]]:
        """What stands, in the order in which calls are looked at, with how many calls were like
        each so far.
        """
        return [{**asdict(each), "alike": self._alike[each.id]} for each in self._in_order()]

    def latest(self, partner: str = "") -> list[dict[str, Any]]:
        """The latest calls (to one partner), the newest first."""
        found = (each for each in reversed(self._latest) if partner in ("", each.partner))
        return [asdict(each) for each in found]

    def meet(self, partner: Partner, call: Call) -> Override | None:
        """The override that a call meets; None: the stub answers as always."""
        if not self._standing:
            return None
        state, message_type = self._states.get(partner.id, START), type_of(call)
        not_met: dict[str, str] = {}
        met: Override | None = None
        for each in self._in_order():
            why = _unlike(each, partner, message_type, state, call.body) or self._out_of_turn(each)
            if not why:
                met = each
                break
            not_met[each.id] = why
        if met is not None and met.then_state:
            self._states[partner.id] = met.then_state
        self._number += 1
        self._latest.append(
            Looked(
                number=self._number,
                partner=partner.id,
                path=call.path,
                message_type=message_type,
                state=state,
                met=met.id if met else "",
                not_met=not_met,
            )
        )
        return met

    def _in_order(self) -> Sequence[Override]:
        newest_first = [*self._standing.values()][::-1]
        return sorted(newest_first, key=lambda each: -each.priority)

    def _out_of_turn(self, override: Override) -> str:
        """Count a call that is like what the override wants; why it is not met all the same."""
        self._alike[override.id] += 1
        number = self._alike[override.id]
        if number < override.first:
            return (
                f"it is call {number} of its kind, and the override is from call {override.first}"
            )
        if override.times and number >= override.first + override.times:
            return (
                f"it is call {number} of its kind, and the override was met {override.times} times"
            )
        return ""


def type_of(call: Call) -> str:
    """The message type that a call of the exchange carries."""
    return call.headers.get(MESSAGE_TYPE, "").partition(";")[0]


def _unlike(
    override: Override, partner: Partner, message_type: str, state: str, body: bytes
) -> str:
    if override.partner not in (EVERYBODY, partner.id, partner.sector):
        return f"the call is to {partner.id} ({partner.sector}), not to {override.partner}"
    if override.message_type not in ("", message_type):
        return f"the message is of type {message_type or 'unknown'}, not {override.message_type}"
    if override.person and override.person.encode() not in body:
        return "the person is not in the message"
    if override.state not in ("", state):
        return f"the partner is in the state {state}, not {override.state}"
    return ""
