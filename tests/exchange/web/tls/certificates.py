"""Certificates of a test: an authority, a server's, partners', and clients that show them; no test."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from functools import cache
from pathlib import Path

from exchange.web.access.new_certificates import Authority, Issued

NOW = datetime.datetime.now(datetime.UTC)


@cache
def _authority(number: int) -> Authority:
    return Authority.new(NOW)


def authority(number: int = 0) -> Authority:
    """One of several authorities."""
    return _authority(number)


@cache
def server() -> Issued:
    """The server's, by the first authority."""
    return authority().server(["localhost", "127.0.0.1"], NOW, 30)


@cache
def client(common_name: str, days: int = 30, by: int = 0) -> Issued:
    """A client's, by one of the authorities; ended where `days` is less than 0."""
    return authority(by).client(common_name, NOW, days)


class Folder:
    """A folder with the files of a listener."""

    def __init__(self, path: Path) -> None:
        self.path = path
        authority().issued.write(path / "authority.pem", path / "authority.key")
        server().write(path / "server.pem", path / "server.key")
        self.listener = {
            "certificate": path / "server.pem",
            "key": path / "server.key",
            "client_authority": path / "authority.pem",
        }

    def files(self, issued: Issued) -> tuple[str, str]:
        """The names of the files of a certificate and its key."""
        at = self.path / issued.sha256
        issued.write(at.with_suffix(".pem"), at.with_suffix(".key"))
        return str(at.with_suffix(".pem")), str(at.with_suffix(".key"))

    def shows(
        self, issued: Issued | None, change: Callable[[ssl.SSLContext], None] | None = None
    ) -> ssl.SSLContext:
        """A client's context: it trusts the authority, and shows the certificate."""
        context = ssl.create_default_context(cafile=str(self.path / "authority.pem"))
        if issued is not None:
            context.load_cert_chain(*self.files(issued))
        if change is not None:
            change(context)
        return context
