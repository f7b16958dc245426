"""Files of a listener that can't be used are named at the start, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.errors import SettingsError
from exchange.settings import Listener
from exchange.web.tls.context import ServerContext
from tests.exchange.web.tls.certificates import Folder

FILES = ("certificate", "key", "client_authority")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----"])
def test_a_file_that_is_missing_or_holds_nothing_is_named(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    listener = Listener(**Folder(tmp_path).listener, port=0, channels=("c",))
    assert ServerContext(listener).current()
    path: Path = getattr(listener, name)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=path.name) as refused:
        ServerContext(listener)
    assert ("No such file" in str(refused.value)) == (content is None)


def test_files_are_read_again_when_their_rights_change(tmp_path: Path) -> None:
    """(Root, who may run this, can read whatever has no rights.)"""
    listener = Listener(**Folder(tmp_path).listener, port=0, channels=("c",))
    context = ServerContext(listener)
    first = context.current()
    assert context.current() is first
    listener.key.chmod(0o400)
    assert context.current() is not first
