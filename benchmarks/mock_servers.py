"""The mock servers that people use today, answering the same messages: MockServer, WireMock and
mountebank; run only, never a dependency.

They come from npm into a folder of their own (`reports/mocks`), where Node and Java are present;
each is started by its own program, with its journal and log as it ships, and told over its own
interface what to match: the message's schema where it can, else what comes nearest.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from exchange.benchmarks.driver import Measured
from exchange.benchmarks.processes import free_port, program
from exchange.lifetime import ends_with_us

#: Runs the server of a name for so many seconds.
Run = Callable[[str, float], Measured]
#: An XSD or a model by which a message is matched.
Match = Path | type[BaseModel]

#: The versions that are measured; npm packages that bring the servers' own programs.
PACKAGES = ("mockserver-node@8.0.0", "wiremock@3.13.2", "mountebank@2.9.1")
INSTALL_SECONDS = 300
FOLDER = Path("reports/mocks")
ANSWER = "<ok/>"
DID_NOT = "signatures, rules, anything on the disk, a delivery"


@dataclass(frozen=True, slots=True)
class MockServer:
    """A mock server: how it is started, where it answers, what it must be told where, and what it
    does for a message.
    """

    name: str
    did: str
    command: Sequence[str]
    port: int
    url: str
    method: str
    instructions: dict[str, Any]
    #: Where it is told, if not where it answers.
    control: int | None = None


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
        options = ["--no-audit", "--no-fund", "--silent", "--prefix", str(FOLDER)]
        try:
            subprocess.run(
                ["npm", "install", *options, *PACKAGES],
                check=True,
                timeout=INSTALL_SECONDS,
                capture_output=True,
                preexec_fn=ends_with_us(),
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
    return modules.resolve()


def start(modules: Path, match: Match, stack: ExitStack, cores: set[int]) -> list[MockServer]:
    """Start all of them on these cores until the stack closes."""
    started = []
    for make in (_mockserver, _wiremock, _wiremock_without_journal, _mountebank):
        other = make(modules, match)
        # They leave files where they are started, and read there what a schema includes.
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if isinstance(match, Path):
            for path in match.parent.glob("*.xsd"):
                shutil.copy(path, home)
        stack.enter_context(program(other.command, other.control or other.port, cores, folder=home))
        request = urllib.request.Request(
            other.url,
            json.dumps(other.instructions).encode(),
            {"Content-Type": "application/json"},
            method=other.method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                response.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{other.name}: {error}: {error.read()[:500]!r}") from error
        started.append(other)
    return started


def _json_schema(model: type[BaseModel]) -> str:
    """The model as JSON Schema. Which of several shapes an object has, a model tells by a field of
    it; a schema can only say that it has one of them, or more.
    """
    return json.dumps(model.model_json_schema()).replace('"oneOf"', '"anyOf"')


def _mockserver(modules: Path, match: Match) -> MockServer:
    port = free_port()
    jar = next((modules / "mockserver-node").glob("mockserver-netty-*.jar"))
    if isinstance(match, Path):
        body = {"type": "XML_SCHEMA", "xmlSchema": match.read_text(encoding="utf-8")}
    else:
        body = {"type": "JSON_SCHEMA", "jsonSchema": _json_schema(match)}
    return MockServer(
        name="MockServer",
        did="schema matched; log as shipped",
        command=["java", "-jar", str(jar), "-serverPort", str(port)],
        port=port,
        url=f"http://127.0.0.1:{port}/mockserver/expectation",
        method="PUT",
        instructions={
            "httpRequest": {"method": "POST", "path": "/.*", "body": body},
            "httpResponse": {"statusCode": 200, "body": ANSWER},
        },
    )


def _wiremock(modules: Path, match: Match, name: str = "WireMock", *options: str) -> MockServer:
    port = free_port()
    jar = next((modules / "wiremock" / "build").glob("wiremock-standalone-*.jar"))
    if isinstance(match, Path):
        did, pattern = "XML parsed, XPath matched (it knows no XSD)", {"matchesXPath": "/*"}
    else:
        schema = _json_schema(match)
        did = "schema matched"
        pattern = {"matchesJsonSchema": schema, "schemaVersion": "V202012"}
    command = ["java", "-jar", str(jar), "--port", str(port), "--bind-address", "127.0.0.1"]
    # Its answers are to say their length, since that is what the driver reads.
    command += ["--use-chunked-encoding", "never", *options]
    return MockServer(
        name=name,
        did=did + ("; no journal" if options else "; journal as shipped"),
        command=command,
        port=port,
        url=f"http://127.0.0.1:{port}/__admin/mappings",
        method="POST",
        instructions={
            "request": {"method": "POST", "urlPathPattern": "/.*", "bodyPatterns": [pattern]},
            "response": {"status": 200, "body": ANSWER},
        },
    )


def _wiremock_without_journal(modules: Path, match: Match) -> MockServer:
    return _wiremock(modules, match, "WireMock without its journal", "--no-request-journal")


def _mountebank(modules: Path, match: Match) -> MockServer:
    control, port = free_port(), free_port()
    predicate: dict[str, Any] = {"exists": {"body": True}}
    if isinstance(match, Path):
        did, predicate["xpath"] = "XML parsed, XPath matched (it knows no XSD)", {"selector": "/*"}
    else:
        required = next(name for name, each in match.model_fields.items() if each.is_required())
        did, predicate = (
            "JSON parsed, one key matched (it knows no schema)",
            {"exists": {"body": {required: True}}},
        )
    return MockServer(
        name="mountebank",
        did=did + "; log as shipped",
        command=[
            "node",
            str(modules / "mountebank" / "bin" / "mb"),
            "--port",
            str(control),
            "--localOnly",
        ],
        port=port,
        url=f"http://127.0.0.1:{control}/imposters",
        method="POST",
        instructions={
            "port": port,
            "protocol": "http",
            "host": "127.0.0.1",
            # A message that does not match gets a 400, which the benchmark takes for a fault.
            "defaultResponse": {"statusCode": 400},
            "stubs": [
                {
                    "predicates": [predicate],
                    "responses": [{"is": {"statusCode": 200, "body": ANSWER}}],
                }
            ],
        },
        control=control,
    )
