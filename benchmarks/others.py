"""The mock servers that people use today, answering the same bytes: MockServer, WireMock and
mountebank; run only, never a dependency.

They come from npm into a folder of their own (`reports/mocks`), where Node and Java are present;
each is started by its own program and told over its own interface what to answer.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.benchmarks.processes import free_port, program

#: The versions that were measured; npm packages that bring the servers' own programs.
PACKAGES = ("mockserver-node@8.0.0", "wiremock@3.13.2", "mountebank@2.9.1")
INSTALL_SECONDS = 300
FOLDER = Path("reports/mocks")
ANSWER = "<ok/>"


@dataclass(frozen=True, slots=True)
class Other:
    """A mock server: how it is started, and what it must be told."""

    name: str
    command: Sequence[str]
    url: str
    method: str
    instructions: dict[str, Any]
    #: A schema that it reads what is included from, in the folder where it is started.
    schema: Path | None = None


def installed() -> Path | None:
    """The folder of the servers' programs, installed on first use; None where Node or Java is
    missing or npm can't reach its registry.
    """
    if not all(shutil.which(name) for name in ("node", "npm", "java")):
        return None
    modules = FOLDER / "node_modules"
    if not all((modules / package.partition("@")[0]).exists() for package in PACKAGES):
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "package.json").write_text('{"private":true}\n')
        command = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--silent",
            "--prefix",
            str(FOLDER),
            *PACKAGES,
        ]
        try:
            subprocess.run(command, check=True, timeout=INSTALL_SECONDS, capture_output=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
    return modules.resolve()


def start(modules: Path, schema: Path | None, stack: ExitStack, cores: set[int]) -> dict[str, int]:
    """Start all of them on these cores until the stack closes: name to port. With a schema,
    MockServer judges by it as well.
    """
    ports: dict[str, int] = {}
    for make in (_mockserver, _wiremock):
        port = free_port()
        other = make(modules, port)
        _run(other, port, stack, cores)
        ports[other.name] = port
    control, port = free_port(), free_port()
    _run(_mountebank(modules, control, port), control, stack, cores)
    ports["mountebank"] = port
    if schema is not None:
        port = free_port()
        other = _mockserver(modules, port, schema)
        _run(other, port, stack, cores)
        ports[other.name] = port
    return ports


def _run(other: Other, port: int, stack: ExitStack, cores: set[int]) -> None:
    # They leave files where they are started.
    home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    if other.schema is not None:
        for path in other.schema.parent.glob("*.xsd"):
            shutil.copy(path, home)
    stack.enter_context(program(other.command, port, cores, folder=home))
    request = urllib.request.Request(
        other.url,
        json.dumps(other.instructions).encode(),
        {"Content-Type": "application/json"},
        method=other.method,
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        response.read()


def _mockserver(modules: Path, port: int, schema: Path | None = None) -> Other:
    jar = next((modules / "mockserver-node").glob("mockserver-netty-*.jar"))
    request: dict[str, Any] = {"method": "POST", "path": "/.*"}
    if schema is not None:
        request["body"] = {"type": "XML_SCHEMA", "xmlSchema": schema.read_text(encoding="utf-8")}
    return Other(
        name="MockServer" + (", XSD match" if schema is not None else ""),
        command=["java", "-jar", str(jar), "-serverPort", str(port), "-logLevel", "ERROR"],
        url=f"http://127.0.0.1:{port}/mockserver/expectation",
        method="PUT",
        instructions={"httpRequest": request, "httpResponse": {"statusCode": 200, "body": ANSWER}},
        schema=schema,
    )


def _wiremock(modules: Path, port: int) -> Other:
    jar = next((modules / "wiremock" / "build").glob("wiremock-standalone-*.jar"))
    options = [
        "--port",
        str(port),
        "--bind-address",
        "127.0.0.1",
        "--no-request-journal",
        "--disable-banner",
    ]
    options += ["--use-chunked-encoding", "never"]
    return Other(
        name="WireMock",
        command=["java", "-jar", str(jar), *options],
        url=f"http://127.0.0.1:{port}/__admin/mappings",
        method="POST",
        instructions={
            "request": {"method": "POST", "urlPathPattern": "/.*"},
            "response": {"status": 200, "body": ANSWER},
        },
    )


def _mountebank(modules: Path, control: int, port: int) -> Other:
    options = ["--port", str(control), "--localOnly", "--nologfile", "--loglevel", "error"]
    return Other(
        name="mountebank",
        command=["node", str(modules / "mountebank" / "bin" / "mb"), "start", *options],
        url=f"http://127.0.0.1:{control}/imposters",
        method="POST",
        instructions={
            "port": port,
            "protocol": "http",
            "host": "127.0.0.1",
            "stubs": [{"responses": [{"is": {"statusCode": 200, "body": ANSWER}}]}],
        },
    )
