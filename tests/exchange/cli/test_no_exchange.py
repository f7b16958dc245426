"""Commands that call an exchange, where something else answers: one line, exit code 2, no traceback."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exchange import cli
from exchange.cli.api import is_of_an_exchange

HEAD = "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n"


def answer(status: str, media_type: str, body: str, more: str = "") -> bytes:
    return (HEAD.format(status, media_type, len(body), more) + body).encode()


ANSWERS = {
    "a page": answer("200 OK", "text/html", "<html></html>"),
    "a redirect": answer(
        "302 Found", "application/json", "[]", "Location: http://127.0.0.1:1/\r\n"
    ),
    "no exchange's object": answer("200 OK", "application/json", "{}"),
    "no exchange's list": answer("200 OK", "application/json", "[1]"),
    "no exchange's depth": answer("200 OK", "application/json", "[" * 100_000),
}
COMMANDS = (
    "partners list",
    "partners add x.mine --sector bank",
    "partners show x.mine",
    "partners --clock 60x --port 0",
    "stubs list",
    "stubs calls",
    "stubs set --status 503",
    "dead-letters list",
    "samples population.births --from x.mine",
    "send message.json --channel luova --type population.births",
)
Serve = Callable[[bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that answers each call with these bytes; its address."""
    servers = []

    def start(raw: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(raw)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_no_exchange_is_told(
    name: str,
    serve: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "message.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    address = serve(ANSWERS[name])
    for command in COMMANDS:
        if command.startswith("send") and name.startswith("no exchange's"):
            continue  # (Its answer is shown as it comes: receipts have many forms.)
        monkeypatch.setattr(sys, "argv", ["exchange", *command.split(), "--exchange", address])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr().err.splitlines()
        assert ended.value.code == 2, (command, told)
        assert "no exchange" in told[-1], (command, told)
        assert "Traceback" not in "".join(told), command
    assert [each.name for each in tmp_path.iterdir()] == ["message.json"]


@pytest.mark.parametrize(
    ("status", "content_type", "is_one"),
    [
        (202, "application/json", True),
        (400, "application/problem+json", True),
        (500, "text/xml; charset=utf-8", True),
        (200, "text/html; charset=utf-8", False),
        (200, "", False),
        (302, "application/json", False),
    ],
)
def test_an_answer_of_an_exchange_is_json_or_xml_and_leads_nowhere(
    status: int, content_type: str, is_one: bool
) -> None:
    assert is_of_an_exchange(status, content_type) is is_one
