"""A command imports no library that it does not use, for whoever starts it waits for each."""

from __future__ import annotations

import subprocess
import sys

import pytest

SERVER = {"jinja2", "prometheus_client", "exchange.web.app", "exchange.assembly.exchange"}
LIBRARIES = {"exchange.assembly", "aiohttp", "lxml", "rich", "sqlite3"}


@pytest.mark.parametrize(
    ("arguments", "used", "unused"),
    [
        (["--version"], "exchange.cli.commands", {*SERVER, *LIBRARIES, "pydantic.main"}),
        (["servee"], "exchange.cli.commands", {*SERVER, *LIBRARIES}),
        (["validate", "--help"], "exchange.assembly", SERVER),
        (["partners", "--help"], "exchange.partners.server", SERVER),
        (["verify", "--help"], "exchange.storage.proof.verify", SERVER),
        (["dead-letters", "--help"], "aiohttp", {*SERVER, "exchange.assembly", "lxml", "sqlite3"}),
    ],
)
def test_a_command_imports_what_it_uses_alone(
    arguments: list[str], used: str, unused: set[str]
) -> None:
    code = (
        "import sys\nfrom exchange.cli import main\n"
        f"sys.argv = ['exchange', *{arguments}]\n"
        "try: main()\n"
        f"finally: print(sorted({unused | {used}} & sys.modules.keys()))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == str([used]), ended.stderr
