"""Whom an address belongs to, where callers are counted."""

from __future__ import annotations

import ipaddress


def network_of(address: str) -> str:
    """An address, or of IPv6 the 64 bits that one caller commonly has to choose from."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:50]
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(found)
