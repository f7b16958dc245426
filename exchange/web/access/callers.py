"""Which partner calls an endpoint: by its key at the plain listener, by its certificate at one with
TLS.
"""

from __future__ import annotations

import time

from aiohttp import web

from exchange.ports import Channel, Refusal
from exchange.ports.channel import Credentials
from exchange.schemas.directory import Directory, Partner
from exchange.settings import Listener
from exchange.web.caller_connection import Connection
from exchange.web.client_certificate import ClientCertificate

UNKNOWN_KEY = Refusal("unauthorized", 401, "the key in X-API-Key belongs to no partner")
NO_KEY = Refusal("unauthorized", 401, "a partner's key is wanted in the header X-API-Key")
NO_CERTIFICATE = Refusal(
    "certificate-missing", 401, "a client certificate is wanted here, and the call came without one"
)
ENDED = Refusal("certificate-ended", 401, "the client certificate has ended since the handshake")
NOT_REGISTERED = Refusal(
    "certificate-unknown",
    401,
    "the client certificate is registered for no partner (certificate_sha256 in the directory)",
)
NO_PARTNER = Refusal(
    "certificate-unknown",
    401,
    "the common name in the client certificate's subject is no partner's: its business id is "
    "wanted there or, where it has none, its id",
)
ANOTHERS = Refusal(
    "certificate-of-another",
    403,
    "the client certificate is another partner's than the key or the user name",
)
NOT_HERE = Refusal("not-found", 404, "at this address only the channels of its listener are served")


def listener_of(request: web.BaseRequest) -> Listener | None:
    """The listener with TLS that a request came by; None: the plain one."""
    return request.protocol.listener if isinstance(request.protocol, Connection) else None


def caller(request: web.BaseRequest, channel: Channel, directory: Directory) -> Partner | Refusal:
    """Who calls, or why nobody may call so."""
    refusal = not_here(request, channel.name)
    return refusal or caller_of(request, channel.credentials(request.headers), directory)


def caller_of(
    request: web.BaseRequest, given: Credentials, directory: Directory
) -> Partner | Refusal:
    """Who calls with these credentials, whatever is called, or why that can't be told."""
    listener = listener_of(request)
    if listener is None:
        return _by_key(given, directory)
    assert isinstance(request.protocol, Connection), "it has a listener"
    partner = _by_certificate(request.protocol.certificate, listener, directory)
    if isinstance(partner, Refusal):
        return partner
    # A key is not needed here; one that is somebody else's is a mistake.
    if given.user not in ("", partner.id):
        return ANOTHERS
    if given.key and ((known := directory.by_key(given.key)) is None or known.id != partner.id):
        return ANOTHERS
    return partner


def not_here(request: web.BaseRequest, channel: str) -> Refusal | None:
    """Why a channel of that name is not served where the request came."""
    listener = listener_of(request)
    return NOT_HERE if listener is not None and channel not in listener.channels else None


def _by_key(given: Credentials, directory: Directory) -> Partner | Refusal:
    """By key and, where the channel has them, by user name."""
    if not given.key:
        return NO_KEY
    partner = directory.by_key(given.key)
    if partner is None or given.user not in ("", partner.id):
        return UNKNOWN_KEY
    return partner


def _by_certificate(
    certificate: ClientCertificate | None, listener: Listener, directory: Directory
) -> Partner | Refusal:
    """By the whole certificate or, where certificates are demanded, by its subject."""
    if certificate is None:
        return NO_CERTIFICATE
    # (The handshake looked at its dates; a connection may stay open longer.)
    if time.time() > certificate.holds_until:
        return ENDED
    if partner := directory.by_certificate(certificate.sha256):
        return partner
    if listener.clients == "asks":
        return NOT_REGISTERED
    return directory.by_common_name(certificate.common_name) or NO_PARTNER
