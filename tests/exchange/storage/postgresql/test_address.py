"""What an address of a ledger on a server may say, and what is told of it: TLS by a private
authority, files that are not there, and never a password.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exchange.assembly import ledger_address
from exchange.errors import LedgerError, LedgerUnavailable, SettingsError
from exchange.settings import Settings
from exchange.storage.postgresql.ledger import PostgresLedger
from exchange.storage.postgresql_server.address import Server
from tests.contracts.rows import record
from tests.exchange.storage.postgresql.test_ledger import Proxy
from tests.exchange.web.tls.certificates import Folder, authority
from tests.postgresql import LocalServer, name_of

#: What a client asks first where it wants TLS. Source: PostgreSQL's documentation, 54.7 "Message
#: Formats", SSLRequest.
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


class Encrypting(Proxy):
    """A server with a certificate. (That of the tests is built without TLS.)"""

    def __init__(self, server: LocalServer, certificate: Path, key: Path) -> None:
        super().__init__(server)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate, key)
        #: How many sessions it encrypted.
        self.sessions = 0

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        assert await client.readexactly(8) == _SSL_REQUEST
        answer.write(b"S")
        with contextlib.suppress(OSError):
            await answer.start_tls(self._context)
            self.sessions += 1
            await super()._serve(client, answer)
        answer.close()


@contextlib.asynccontextmanager
async def encrypted(
    postgresql: LocalServer, folder: Folder
) -> AsyncIterator[tuple[Encrypting, str]]:
    """A server with a certificate of the first authority, and the address of a ledger there."""
    where, listener = postgresql.ledger(), folder.listener
    machine = Encrypting(postgresql, listener["certificate"], listener["key"])
    async with machine.before(where) as through:
        port = through.url.rpartition(":")[2].partition("/")[0]
        yield machine, f"postgresql://postgres@localhost:{port}/{name_of(where)}"


async def test_a_private_authority_is_named_in_the_address(
    postgresql: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    async with encrypted(postgresql, folder) as (machine, url):
        verified = f"{url}?sslmode=verify-full&sslrootcert={folder.listener['client_authority']}"
        ledger = PostgresLedger(Server(verified))
        await ledger.open()
        assert (await ledger.record(record("a"))).kind == "new"
        assert await ledger.position() == 1
        await ledger.close()
        assert machine.sessions >= 3, "who migrates, writes and reads"
        other, _ = folder.files(authority(1).issued)
        refused = PostgresLedger(Server(f"{url}?sslmode=verify-full&sslrootcert={other}"))
        with pytest.raises(LedgerUnavailable, match="certificate verify failed"):
            await refused.open()
        with pytest.raises(LedgerError, match=r"root certificate file .* does not exist") as told:
            await PostgresLedger(Server(f"{url}?sslmode=verify-full")).open()
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:se#cret@db/x",
        "postgresql://u:12#cret@db/x",
        "postgresql://u:12/cret@db/x",
        "postgresql://u:12?cret@db/x",
        "postgresql://u:se[cret@db/x",
        "postgresql://u:secret@db:here/x",
        "postgresql://u@/x?host=a,b&port=1,here&password=secret",
        "postgres:u:secret@db/x",
        "mysql://u:secret@db/x",
    ],
)
def test_an_address_that_can_not_be_read_is_not_repeated(address: str) -> None:
    with pytest.raises(SettingsError) as told:
        ledger_address(Settings(), address)
    assert not any(part in str(told.value) for part in ("12", "se#", "se[", "cret", "here"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile"])
def test_a_file_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    address = f"postgresql://u:secret@db/x?{name}={tmp_path / 'file'}"
    with pytest.raises(SettingsError, match=f"the file that {name} names is not there"):
        ledger_address(Settings(), address)
    (tmp_path / "file").touch()
    assert str(ledger_address(Settings(), address)) == "postgresql://u@db/x"
