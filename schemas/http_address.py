"""Whether a text is an address that can be called over HTTP; calls nobody."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

#: What must not stand in an address: it would begin another line, or end the address.
_BREAKS = re.compile(r"[\x00-\x20\x7f]")


def is_http_address(text: str) -> bool:
    """Whether it is `http` or `https`, a host, perhaps a port and a path, and nothing else."""
    try:
        parts = urlsplit(text)
        well = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        # (An empty or too long part of a host's name raises as well.)
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    more = parts.query or parts.fragment or parts.username
    return well and not more and not _BREAKS.search(text)
