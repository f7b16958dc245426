"""Who is told to have a port already; that it is refused is tried in `journeys/test_one_owner`."""

from __future__ import annotations

import os
import re
from datetime import datetime

import psutil

from exchange.cli.serving.port import bind, listener


def test_who_listens_is_told_with_its_number_and_since_when_it_runs() -> None:
    lower = os.open(os.devnull, os.O_RDONLY)
    with bind("127.0.0.1", 0) as bound:
        # The descriptors are listed by one of that number, which is closed when they are looked at.
        os.close(lower)
        told = re.fullmatch(r"process (\d+) \(.+\) since (\S+)", listener(bound.getsockname()[1]))
    assert told is not None
    own = psutil.Process()
    assert int(told[1]) == own.pid
    # The system tells when it was started in whole seconds.
    assert abs(datetime.fromisoformat(told[2]).timestamp() - own.create_time()) < 2
