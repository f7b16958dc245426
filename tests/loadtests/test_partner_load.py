"""A load on a partner's own endpoint: each push is another one, rightly signed, and comes where the
partner is called.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from exchange.client import Pushes, verify
from exchange.partners.recorded import as_line
from exchange.schemas.call import Call
from exchange.testing.onboarding.recording import line_of
from loadtests import calls, partner_load, processes, workload
from loadtests.__main__ import options
from tests.journeys.shell import free_port

SECRET = "a-secret-of-the-tests"
DELIVERY = "0" * 14 + "6fe1b2c3d4e5f60718"
PUSH = Call(
    "POST",
    f"/luova/deliveries/{DELIVERY}",
    {
        "X-Delivery-Id": DELIVERY,
        "X-Message-Id": "short-1",
        "X-Timestamp": "1",
        "X-Signature": "v1=0",
    },
    f"<Message id='{DELIVERY}'/>".encode(),
)


def written(folder: Path, call: Call) -> Path:
    """A file with the push as a line."""
    line = line_of(call, "luova", "a.b", 2.0, "http://127.0.0.1:9000/base/")
    assert line is not None
    path = folder / partner_load.FILE
    path.write_text(as_line({**line, "sender": "kela", "sector": "kela"}), encoding="utf-8")
    return path


def test_each_push_made_of_one_is_another_and_rightly_signed(tmp_path: Path) -> None:
    written(tmp_path, PUSH)
    (sample,) = calls.read(tmp_path)
    numbers = calls.Numbers(1)
    seen = set()
    for _ in range(3):
        push = calls.signed(sample.prepare(numbers.next()), SECRET, time.time())
        verify(SECRET, push.headers, push.body)
        delivery = push.headers["X-Delivery-Id"]
        assert push.path == f"/base/luova/deliveries/{delivery}"
        assert push.body == f"<Message id='{delivery}'/>".encode()
        seen.add(delivery)
    assert len(seen) == 3
    assert sample.headers["X-Message-Id"] == "short-1"
    assert not {"X-Signature", "X-Timestamp"} & set(sample.headers)


def test_the_mix_is_what_the_lines_say(tmp_path: Path) -> None:
    host, mix = partner_load.read(written(tmp_path, PUSH))
    assert host == "http://127.0.0.1:9000"
    (tmp_path / "mix.toml").write_text(mix, encoding="utf-8")
    (flow,) = workload.load(tmp_path / "mix.toml").flows
    assert (flow.channel, flow.sector, flow.message_type, flow.calls) == ("luova", "kela", "a.b", 2)
    (sample,) = calls.read(tmp_path)
    assert flow.takes(sample)


def test_what_is_no_text_is_no_line() -> None:
    assert (
        line_of(Call("POST", "/", PUSH.headers, b"\xff\xd8"), "kelmu", "a.b", 1, "http://h") is None
    )


def test_it_runs_at_the_mean_ten_times_that_and_on_a_pay_day(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = options(["--to", "fund.mine"])
    assert partner_load.runs(given) == partner_load.RUNS
    assert partner_load.runs(options(["--to", "fund.mine", "--shape", "step"])) == {
        "step": ("step", 1.0)
    }
    monkeypatch.delenv(partner_load.SECRET, raising=False)
    assert partner_load.towards(given, lambda *_: 0) == 2
    assert "give the partner's secret as EXCHANGE_CALLBACK_SECRET" in capsys.readouterr().err


def test_a_partner_who_does_not_listen_is_told_of() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        processes.reach(address)
    with pytest.raises(processes.NotReady, match=f"nobody answers at {address}"):
        processes.reach(address)


@pytest.mark.drill
def test_a_partner_that_takes_all_keeps_the_budget(tmp_path: Path) -> None:
    page = (processes.ROOT / "docs" / "load-testing.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^make load TO=.*$", page, re.MULTILINE)
    port = free_port()
    short = line.replace("9000", str(port)).replace("RATE=17", "RATE=4").replace("=60", "=3")
    assert short != line
    with Pushes(SECRET, port=port) as pushes:
        done = subprocess.run(
            ["bash", "-c", f"{short} ARGS='--reports {tmp_path}'"],
            cwd=processes.ROOT,
            env=processes.environment(**{partner_load.SECRET: SECRET}),
            capture_output=True,
            text=True,
            check=False,
        )
        taken = pushes.received()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "budget ci kept" in done.stdout
    runs = [
        json.loads((tmp_path / f"load-fund.mine-{run}.json").read_text())
        for run in partner_load.RUNS
    ]
    assert sum(run["calls"] for run in runs) == len(taken)
    assert len({push.delivery_id for push in taken}) == len(taken) > 20
