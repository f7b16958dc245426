"""An envelope is read before anybody knows who sent it: a large one beside the event loop, each by
the limits of the settings.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from exchange.schemas.x_road import soap
from exchange.settings import Limits
from tests.journeys.running import running


async def test_a_large_envelope_is_read_beside_the_loop_and_each_by_the_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, threads = soap.read, []

    def noting(*given: Any) -> soap.SoapRequest:
        threads.append(threading.current_thread())
        return read(*given)

    monkeypatch.setattr(soap, "read", noting)
    large = b"<a>" + b"<b/>" * (Limits().loop_bytes_max // 4)
    async with running(tmp_path, limits={"depth_max": 8}) as served:
        for body, told in ((b"<a>" * 9 + b"</a>" * 9, b"deep"), (large, b"Premature end")):
            status, _, text = await served.post("/x-road", body, Content_Type="text/xml")
            assert (status, b"invalid_soap" in text, told in text) == (200, True, True), text
    assert threads[0] is threading.main_thread()
    assert threads[1] is not threading.main_thread()
