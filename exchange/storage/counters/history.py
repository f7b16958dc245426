"""What a ledger keeps for the statistics besides counters: partners as they were, and the days on
which it was kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exchange.schemas.directory import Partner
from exchange.statistics.history import Kept
from exchange.storage.connection import Connection


def begin(connection: Connection, day: int, partners: Iterable[Partner]) -> None:
    """An exchange opens the ledger on that day, with these partners."""
    connection.execute(
        "INSERT INTO held(since,until) VALUES (?,?) ON CONFLICT DO NOTHING", (day, day)
    )
    keep(connection, day, partners)


def keep(connection: Connection, day: int, partners: Iterable[Partner]) -> None:
    """Keep partners as they are on that day.

    A partner that is another one than before is so from that day on or, where something of that day
    or a later one was counted for it already (the clock may have been set back), from the day after
    the last of them, so that no count changes afterwards.
    """
    last = {
        partner: (since, tuple(was))
        for partner, since, *was in connection.execute(
            "SELECT partner,since,name,sector,country FROM partner_history WHERE (partner,since) "
            "IN (SELECT partner,MAX(since) FROM partner_history GROUP BY partner)"
        )
    }
    changed = [
        each
        for each in partners
        if each.id not in last or last[each.id][1] != (each.name, each.sector, each.country)
    ]
    counted = _counted(connection, day) if any(each.id in last for each in changed) else {}
    connection.executemany(
        "INSERT INTO partner_history(partner,since,name,sector,country) VALUES (?,?,?,?,?) "
        "ON CONFLICT(partner,since) DO UPDATE SET "
        "name=excluded.name,sector=excluded.sector,country=excluded.country",
        [
            (
                each.id,
                max(day, counted.get(each.id, 0) + 1, last[each.id][0]) if each.id in last else day,
                each.name,
                each.sector,
                each.country,
            )
            for each in changed
        ],
    )


def end(connection: Connection, since: int, day: int) -> None:
    """The exchange that opened the ledger on the day `since` closes it on that day."""
    connection.execute("UPDATE held SET until=? WHERE since=? AND until<?", (day, since, day))


def kept(connection: Connection) -> list[Kept]:
    """Each partner as it was, by the day since when."""
    return connection.execute(
        "SELECT partner,since,name,sector,country FROM partner_history ORDER BY partner,since"
    ).fetchall()


def held(connection: Connection) -> list[tuple[int, int]]:
    """The stretches of days [first, last] that are held: those on which the ledger was kept, as
    far as the last counter where nobody closed it. None is told of a ledger without any.
    """
    stretches: Sequence[tuple[int, int]] = connection.execute(
        "SELECT since,until FROM held ORDER BY since"
    ).fetchall()
    found = []
    for index, (since, until) in enumerate(stretches):
        before = stretches[index + 1][0] if index + 1 < len(stretches) else 1 << 62
        (last,) = connection.execute(
            "SELECT MAX(period) FROM day_counter WHERE period>=? AND period<?", (since, before)
        ).fetchone()
        found.append((since, max(until, last or until)))
    return found


def _counted(connection: Connection, day: int) -> dict[str, int]:
    """The last day on which something was counted for a partner, from that day on."""
    rows = connection.execute(
        "SELECT sender,receiver,MAX(period) FROM day_counter WHERE period>=? GROUP BY 1,2", (day,)
    )
    found: dict[str, int] = {}
    for *ends, last in rows:
        for partner in ends:
            found[partner] = max(last, found.get(partner, 0))
    return found
