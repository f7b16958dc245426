"""The rows of the page's table of receivers: a condition as texts in a language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from exchange.schemas.violation import visible
from exchange.statistics.table import figure
from exchange.web.figures.receiver_conditions import Condition
from exchange.web.pages.layout import moment
from exchange.web.pages.translations import gettext

#: Rows on the page; the others are counted below it, and the API lists all.
ROWS_MAX = 50


@dataclass(frozen=True, slots=True)
class ReceiverRow:
    """Texts, in the order of the table's columns. `kind` is the worst of what is the matter."""

    name: str
    receiver: str
    kind: str
    states: str
    lasts: str
    since: str
    why: str
    probe: str
    waiting: str
    held_up: str

    def as_dict(self) -> dict[str, str]:
        """As JSON."""
        return asdict(self)


def receiver_rows(conditions: Iterable[Condition], now: int, language: str) -> list[ReceiverRow]:
    """Of those that need attention, failing ones first; `now` in milliseconds."""
    order = {"failing": 0, "paused": 1, "up": 2}
    some = [each for each in conditions if each.needs_attention]
    some.sort(key=lambda each: (order[each.state], not each.full, each.receiver))
    return [_row(each, now, language) for each in some]


def _row(each: Condition, now: int, language: str) -> ReceiverRow:
    say = gettext(language)
    stopped = each.state != "up"
    kinds: list[str] = [each.state] if stopped else []
    kinds += ["full"] if each.full else []
    kinds += ["held up"] if each.held_up else []
    held_up = ""
    if each.held_up:
        age = long_text(now - each.held_up_oldest_at, language)
        held_up = f"{figure(each.held_up, language)} ({say('the oldest')} {age})"
    probe = ""
    if each.state == "failing":
        probe = f"{each.failures} {say('failed')}, {say('next in')} " + long_text(
            max(0, each.next_probe_at - now), language
        )
    return ReceiverRow(
        name=visible(each.name),
        receiver=each.receiver,
        kind=kinds[0].replace(" ", "-"),
        states=", ".join(say(kind) for kind in kinds),
        lasts=long_text(now - each.since, language) if stopped else "",
        since=moment(each.since, language) if stopped else "",
        why=visible(each.reason) if stopped else "",
        probe=probe,
        waiting=figure(each.waiting, language),
        held_up=held_up,
    )


def long_text(milliseconds: int, language: str) -> str:
    """How long, in the two largest units: `2 d 4 h`, `3 h 5 min`, `40 s`."""
    seconds = max(0, milliseconds) // 1000
    for unit, smaller, length, part in (("d", "h", 86_400, 3600), ("h", "min", 3600, 60)):
        if seconds >= length:
            count, rest = seconds // length, seconds % length // part
            say = gettext(language)
            return f"{count} {say(unit)} {rest} {say(smaller)}"
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"
