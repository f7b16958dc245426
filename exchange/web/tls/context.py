"""A listener's certificate, key and trusted clients as an SSL context, read again when a file of
theirs changes.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import structlog

from exchange.errors import SettingsError
from exchange.settings import Listener

log = structlog.get_logger(__name__)

#: What tells that a file is another one than before: its number, size and time of change, which is
#: also that of its rights: one that could not be read may be readable now.
Stamp = tuple[int, int, int]


class ServerContext:
    """The SSL context of a listener.

    A connection gets the context of the files as they are when it begins, so a renewed certificate
    counts from the next connection on. Files that can't be used (one of them is being written, say)
    leave the last good context in place.

    Raises:
        SettingsError: when the files can't be used at the start; names the file and says why.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._stamps = self._looked()
        self._context = _context(listener)

    def current(self) -> ssl.SSLContext:
        """The context for a connection that begins now."""
        stamps = self._looked()
        if stamps != self._stamps:
            self._stamps = stamps
            try:
                self._context = _context(self._listener)
                log.info("certificates renewed", port=self._listener.port)
            except SettingsError as error:
                log.error("certificates not renewed: the last good ones go on", why=str(error))
        return self._context

    def _looked(self) -> tuple[Stamp, ...]:
        listener = self._listener
        return tuple(map(_stamp, (listener.certificate, listener.key, listener.client_authority)))


def _stamp(path: Path) -> Stamp:
    try:
        told = path.stat()
    except OSError:
        return (0, 0, 0)
    return (told.st_ino, told.st_size, told.st_ctime_ns)


def _context(listener: Listener) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A resumed session would not be asked for its certificate again.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED if listener.clients == "demands" else ssl.CERT_OPTIONAL
    _read("certificate", listener.certificate)
    _read("key", listener.key)
    try:
        # (A key with a password would be asked for at the terminal.)
        context.load_cert_chain(listener.certificate, listener.key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(
            f"listeners: {listener.certificate} and {listener.key} are no certificate and its key "
            f"in PEM, without a password ({_why(error)})"
        ) from error
    _read("client_authority", listener.client_authority)
    try:
        context.load_verify_locations(listener.client_authority)
    except ssl.SSLError as error:
        raise SettingsError(
            f"listeners: client_authority: {listener.client_authority} holds no certificates in "
            f"PEM ({_why(error)})"
        ) from error
    return context


def _read(name: str, path: Path) -> None:
    """Raises:
    SettingsError: when a file can't be read; ssl says the same of whichever it was.
    """
    try:
        path.read_bytes()
    except OSError as error:
        raise SettingsError(f"listeners: {name}: {path}: {error.strerror}") from error


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error)
