"""Whom a worker's connections are counted for."""

from __future__ import annotations

from exchange.schemas.call import Reply
from exchange.settings import Limits
from exchange.web.connection_limits import Connections


async def test_a_caller_of_ipv6_has_no_more_connections_than_one_of_ipv4() -> None:
    connections = Connections(Limits(connections_address_max=2), lambda *_: Reply(400))
    taken = [
        (address, connections.admit(address, address))
        for address in ("2001:db8::1", "2001:db8::2:1", "2001:db8::3", "2001:db8:0:1::1")
    ]
    assert [admitted for _, admitted in taken] == [True, True, False, True]
    connections.leave("2001:db8::2:1", "2001:db8::2:1")
    assert connections.admit("again", "2001:db8::ffff")
    others = [f"::ffff:192.0.2.{number}" for number in range(4)]
    assert all(connections.admit(each, each) for each in others)
    for address in (*others, "2001:db8::1", "2001:db8:0:1::1"):
        connections.leave(address, address)
    connections.leave("again", "2001:db8::ffff")
    assert not connections.open
    assert not connections._of_address, "nothing is remembered of who is gone"
