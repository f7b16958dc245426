"""Texts of the overview about this moment: today beside earlier days, what waits longest, and what
the process tells of itself.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from exchange.ports.lanes import Cluster
from exchange.statistics.days import FINLAND
from exchange.statistics.table import figure
from exchange.web.figures.process_figures import ProcessFigures
from exchange.web.figures.today import EARLIER, KINDS, TODAY
from exchange.web.pages.figures import RATE_SECONDS, Figures
from exchange.web.pages.layout import moment
from exchange.web.pages.receiver_rows import long_text
from exchange.web.pages.translations import gettext

#: What stands for all channels.
ALL = "all"
MIB = 1 << 20
#: What is told of a day that the ledger does not hold; nought would be a count.
NOT_HELD = "\u2013"


def spans(at: int) -> dict[str, tuple[str, str]]:
    """By the names of the days that are compared at a moment (milliseconds since 1970 UTC), and
    `lately` for rates, the times as RFC 3339 writes them from which and before which is counted;
    empty for today's end.
    """
    moment = datetime.datetime.fromtimestamp(at / 1000, FINLAND)
    minute, told = moment.time().replace(second=0, microsecond=0), {}
    for name, before in {TODAY: 0, **EARLIER}.items():
        day = moment.date() - datetime.timedelta(days=before)
        ends = (datetime.time(), minute) if before else (datetime.time(),)
        since, *until = (datetime.datetime.combine(day, each, FINLAND).isoformat() for each in ends)
        told[name] = (since, until[0] if until else "")
    begun = moment - datetime.timedelta(seconds=RATE_SECONDS)
    since, end = (each.isoformat(timespec="seconds") for each in (begun, moment))
    return {**told, "lately": (since, end)}


def day_texts(figures: Figures, channels: Sequence[str], language: str) -> dict[str, str]:
    """By `<channel>.<kind>.<day>` what was counted so far, of the channels and of all; a dash of a
    day that the ledger does not hold.
    """
    texts = {}
    for name in (TODAY, *EARLIER):
        sums = figures.days.get(name)
        for kind in KINDS:
            for channel in (*channels, ALL):
                texts[f"{channel}.{kind}.{name}"] = (
                    NOT_HELD
                    if sums is None
                    else figure(
                        sum(
                            sums.get((each, kind), 0)
                            for each in (channels if channel == ALL else (channel,))
                        ),
                        language,
                    )
                )
    return texts


def moment_texts(figures: Figures, language: str) -> dict[str, str]:
    """What waits longest, the nodes, the clock, and what the process tells."""
    say, at = gettext(language), figures.oldest_waiting_at
    texts = {
        "oldest": f"{long_text(figures.at - at, language)} ({moment(at, language)})"
        if at
        else say("nothing waits"),
        "nodes": NOT_HELD if figures.cluster is None else _of_nodes(figures.cluster, language),
    }
    if figures.process is not None:
        texts |= _of_process(figures.process, language)
    return texts


def _of_nodes(cluster: Cluster, language: str) -> str:
    """How many there are, and what is the matter with them."""
    say = gettext(language)
    gone = sum(each.state == "gone" for each in cluster.nodes)
    wrong = (
        (gone, f"{say('gone')}: {gone}"),
        (
            not any(each.is_keeper for each in cluster.nodes),
            say("No node is the keeper.").rstrip("."),
        ),
        (cluster.lanes_free, f"{say('Lanes that nobody holds:')} {cluster.lanes_free}"),
        (
            cluster.standby_missing,
            say("Commits wait for a standby that is not there.").rstrip("."),
        ),
    )
    return "; ".join([str(len(cluster.nodes) - gone), *(text for is_so, text in wrong if is_so)])


def _of_process(process: ProcessFigures, language: str) -> dict[str, str]:
    say = gettext(language)

    def told(value: float | None, unit: str = "") -> str:
        return f"{figure(round(value, 1), language)}{unit}" if value is not None else NOT_HELD

    return {
        "process.clock": say("the wall's") if process.is_wall_clock else say("virtual"),
        "process.held": figure(process.held, language),
        "process.commits": told(process.commits_a_second),
        "process.changes": told(process.changes_a_commit),
        "process.milliseconds": told(process.commit_milliseconds, " ms"),
        "process.ledger": told(_mib(process.ledger_bytes), " MiB"),
        "process.free": told(_mib(process.free_bytes), " MiB"),
    }


def _mib(size: int | None) -> float | None:
    return None if size is None else size / MIB
