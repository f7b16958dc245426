"""What every test has: loopback only, files in memory, a browser when there is one, tests left out
where what they need is missing, and processes that end with the run; no data.
"""

from __future__ import annotations

import gc
import hashlib
import ipaddress
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.ending import end_children_with_us

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from tests.postgresql import LocalServer

# The same examples in every run of `make test`, so that its outcome is a function of the code;
# `make drills` draws new ones (`--hypothesis-profile drawn`). Under a planted fault it is enough
# that an example fails, and the smallest that does is not looked for (`planted`).
settings.register_profile("house", deadline=None, print_blob=True, derandomize=True, database=None)
settings.register_profile(
    "planted", settings.get_profile("house"), phases=[Phase.explicit, Phase.generate]
)
settings.register_profile("drawn", deadline=None, print_blob=True, max_examples=500)
settings.load_profile("house")

#: Files here are in memory, on Linux.
MEMORY = Path("/dev/shm")
#: Several times what all tests write at once.
MEMORY_BYTES_MIN = 4 * 1024**3
#: Whoever names pytest's folder by this variable has the files there.
CHOSEN = "PYTEST_DEBUG_TEMPROOT"

#: How a fixture or a loop is written that the tests of a module share.
SHARED = 'scope="module"'
#: Folders and modules whose tests share what takes long to make in another way: all parsed sources
#: are a quarter of a gigabyte, which each worker would make, and look through for garbage.
TOGETHER = ("tests/architecture", "tests/journeys/pages/test_tasks.py")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """The path of a Chromium on this machine."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def keep_files_in_memory() -> None:
    """Make the folders of tests, and those of the servers and programs that they start, in memory,
    where there is room: a new ledger waits for the disk ten times, a message twice, a new database
    is 300 files, and thousands of tests begin with one. A process that is killed leaves the same
    files as on a disk. The drills at full length use the disk.
    """
    if "DRILLS" in os.environ or CHOSEN in os.environ or not os.access(MEMORY, os.W_OK):
        return
    if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN:
        tempfile.tempdir = os.environ["TMPDIR"] = str(MEMORY)


class NetworkForbidden(BaseException):
    """A test reached for another machine; not an Exception, so that no handler of the product
    swallows it.
    """


def is_loopback(address: Any) -> bool:
    """Whether a socket address (a Unix path, or host and port) is on this machine."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: no test connects to anything but loopback."""
    if event == "socket.connect" and not is_loopback(arguments[1]):
        raise NetworkForbidden(f"a test tried to reach {arguments[1]!r}; tests use loopback only")


# Imported by jsonschema, it makes a grammar of IRIs, which takes each worker more than a second; no
# schema here has one.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
# Tests trust no public authority, and reading the system's takes each process 50 ms.
os.environ.setdefault("SSL_CERT_FILE", os.devnull)
keep_files_in_memory()
sys.addaudithook(refuse_network)
end_children_with_us()


class ByModule(LoadScopeScheduling):
    """Hands out tests one by one, but whole modules whose tests share something: it is made by one
    worker. These come first. (pytest-xdist 3.8 does not see its own groups under pytest 9.2.)
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self._whole = cache(lambda module: SHARED in (config.rootpath / module).read_text("utf-8"))

    def mark_test_complete(
        self, node: WorkerController, item_index: int, duration: float = 0
    ) -> None:
        """Forget what a worker is through with: after each test all that it ever got is counted."""
        super().mark_test_complete(node, item_index, duration)
        assigned = self.assigned_work[node]
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(assigned[scope].values()):
            del assigned[scope]

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        if together := next((each for each in TOGETHER if module.startswith(each)), ""):
            return together
        return module if self._whole(module) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByModule:
    """How the workers of `make test` share the tests."""
    if gone := [each for each in TOGETHER if not (config.rootpath / each).exists()]:
        raise pytest.UsageError(f"tests/conftest.py names what is not there: {gone}")
    return ByModule(config, log)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[LocalServer]:
    """A PostgreSQL server of this process of pytest's own."""
    from tests.postgresql import local_server

    server = local_server()
    yield server
    server.remove()


def part_of(nodeid: str, parts: int) -> int:
    """To which of so many parts of `make drills`, of which each day has one, a test's module
    belongs. (Of three, by this digest, none takes much longer than another.)
    """
    module = nodeid.partition("::")[0].encode()
    return hashlib.md5(module, usedforsecurity=False).digest()[0] % parts


def pytest_collection() -> None:
    """What is imported and collected stays until the run ends: no garbage is looked for in it."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on garbage is collected, but not in what was there before the first test."""
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose reference material or browser is not here (CI must have the
    browser), and those of other days' parts.
    """
    missing = set()
    if not os.environ.get("EXCHANGE_REFERENCE"):
        missing.add("reference")
    if find_browser() is None:
        if os.environ.get("CI") and any(item.get_closest_marker("browser") for item in items):
            raise pytest.UsageError("CI needs Chromium: run .ci/browser")
        missing.add("browser")
    parts, day = (int(os.environ.get(name, 0)) for name in ("DRILLS_PARTS", "DRILLS_SEED"))
    left_out = [
        item
        for item in items
        if any(item.get_closest_marker(name) for name in missing)
        or (parts and part_of(item.nodeid, parts) != day % parts)
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The path of Chromium; only tests marked `browser` may ask for it."""
    path = find_browser()
    assert path is not None, "mark the test with pytest.mark.browser"
    return path
