"""The log: bounded, without a byte of what came in, and never in the way of a reply; real pipes,
real processes.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import structlog

from exchange.cli.serving.logs import LineWriter, told_by_place
from exchange.cli.serving.serve import tell_heads
from exchange.schemas import directory
from exchange.storage.proof.heads_file import head_path

SECRET = "secret-of-a-caller"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A small pipe: what is read from, what is written to."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    yield reading, writing
    for each in (reading, writing):
        with contextlib.suppress(OSError):  # the test closed it
            os.close(each)


def test_lines_are_written_whole_and_the_rest_of_a_second_is_counted(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, lines_second_max=5)
    for number in range(50):
        writer.write(f"line {number}")
        writer.write("\n")
    time.sleep(1.1)
    writer.write("later\n")
    writer.close()
    lines = os.read(reading, 4096).decode().splitlines()
    said = [line for line in lines if line.startswith("line ")]
    assert 5 <= len(said) <= 10, "of 50 within a second, or over the edge of one"
    assert said == [f"line {number}" for number in range(len(said))]
    assert any("left out" in line for line in lines)
    assert lines[-1] == "later"


def test_a_log_that_nobody_reads_or_that_is_gone_is_no_hindrance(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    for each in (writing, os.open("/dev/full", os.O_WRONLY)):
        writer = LineWriter(each, lines_second_max=1_000_000)
        for _ in range(10_000):
            writer.write("x" * 100 + "\n")
    os.close(reading)
    writer = LineWriter(writing, lines_second_max=1_000_000)
    for _ in range(10_000):
        writer.write("x" * 100 + "\n")
    writer.close()


def test_an_error_is_told_by_kind_and_place_and_never_by_its_text() -> None:
    try:
        int(SECRET)
    except ValueError:
        event = told_by_place(None, "error", {"event": "call failed", "exc_info": True})
    assert event["error"] == "ValueError"
    assert event["at"].startswith("test_logs.py:")
    assert SECRET not in json.dumps(event)


class Service:
    """A real `exchange serve` whose standard error is what the test makes it."""

    def __init__(self, folder: Path, stderr: int, **settings: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exchange", "serve", "--port", "0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={
                **os.environ,
                "EXCHANGE_STORAGE__URL": f"sqlite:///{folder / 'exchange.db'}",
                "EXCHANGE_PARTNERS__ADDRESS": "http://127.0.0.1:1",
                **settings,
            },
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().decode().split()[1].rstrip("/")

    def stop(self) -> int:
        """End it; its exit code."""
        self.process.terminate()
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def get(self, path: str) -> int:
        """The status of a GET."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def garbage(self, times: int) -> list[bytes]:
        """What is answered to chunks whose size is none, with a secret in them."""
        host = self.address.removeprefix("http://")
        key = next(iter(directory.load())).key
        bodies = []
        for number in range(times):
            connection = HTTPConnection(host, timeout=10)
            connection.putrequest("POST", "/luova/v1/messages")
            connection.putheader("Transfer-Encoding", "chunked")
            connection.putheader("X-API-Key", key)
            connection.endheaders(f"{SECRET}-{number}\r\n".encode())
            bodies.append(connection.getresponse().read())
            connection.close()
        return bodies


@pytest.mark.parametrize("kind", ["full", "unread"])
def test_a_log_that_cannot_be_written_costs_no_reply(
    kind: str, tmp_path: Path, pipe: tuple[int, int]
) -> None:
    stderr = os.open("/dev/full", os.O_WRONLY) if kind == "full" else pipe[1]
    service = Service(tmp_path, stderr, EXCHANGE_LIMITS__LOG_LINES_SECOND_MAX="100000")
    try:
        assert service.get("/health/ready") == 200
        assert all(b'"status":400' in body for body in service.garbage(40))
        assert service.get("/health/ready") == 200
    finally:
        code = service.stop()
        if kind == "full":
            os.close(stderr)
    assert code == 0


def test_the_log_is_short_and_repeats_nothing_of_requests(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    reading, writing = pipe
    service = Service(tmp_path, writing, EXCHANGE_LIMITS__LOG_LINES_SECOND_MAX="5")
    os.close(writing)
    written: list[bytes] = []

    def read() -> None:
        while part := os.read(reading, 65_536):
            written.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    begun = time.monotonic()
    bodies = service.garbage(40)
    seconds = int(time.monotonic() - begun) + 2
    assert service.stop() == 0
    reader.join(10)
    log = b"".join(written).decode()
    assert SECRET not in log + b"".join(bodies).decode()
    assert "request refused" in log, "it is told that something was wrong"
    assert len(log.splitlines()) <= 6 * seconds


def test_what_libraries_log_is_told_without_what_they_put_into_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    from exchange.cli.serving import logs

    handler = logs._Templates()
    record = logging.LogRecord("aiohttp", 40, "", 1, "wrong: %s", (SECRET,), None)
    with structlog.testing.capture_logs() as told:
        handler.emit(record)
        handler.emit(logging.LogRecord("aiohttp", 40, "", 1, f"wrong: {SECRET}", (), None))
    assert [each["event"] for each in told] == ["wrong: %s", "aiohttp"]


def test_a_line_has_its_time_as_rfc_3339_in_utc() -> None:
    script = (
        "import structlog; from exchange.cli.serving.logs import configure_log; "
        "writer = configure_log(100); structlog.get_logger().info('done', message_id=1); "
        "writer.close()"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    (line,) = run.stderr.splitlines()
    written = re.search(r"timestamp=(\S+)", line)
    assert written is not None, line
    at = datetime.datetime.fromisoformat(written[1])
    assert at.utcoffset() == datetime.timedelta(0)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", written[1])


def test_heads_that_nobody_can_read_cost_no_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left in the buffer of the output is written at the end of the process, or fails it."""
    ledger = tmp_path / "ledger.db"
    head_path(ledger).write_text(f"0 1 1 {'0' * 32}\n")
    full = Path("/dev/full").open("w")  # noqa: SIM115 - closing it fails
    monkeypatch.setattr(sys, "stdout", full)
    tell_heads(ledger)
    sys.stdout.flush()
    with pytest.raises(OSError, match="No space"):
        full.close()
