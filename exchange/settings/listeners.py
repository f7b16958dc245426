"""Addresses at which channels are served over TLS, beside the plain one (`server`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from exchange.settings.section import Section


class Listener(Section):
    """One address with TLS: what it shows, whose certificates it takes, and for which channels."""

    host: str = Field(
        "127.0.0.1", description="Address to bind; loopback unless you say otherwise."
    )
    port: int = Field(ge=0, le=65535, description="Port to bind; 0 picks a free one.")
    certificate: Path = Field(
        description="The server's certificate and the chain above it, in PEM. It is read again "
        "when the file changes, as the other two are."
    )
    key: Path = Field(description="The certificate's private key, in PEM, without a password.")
    client_authority: Path = Field(
        description="Certificates, in PEM, by which clients' certificates are trusted: of "
        "authorities, or of clients themselves."
    )
    clients: Literal["demands", "asks"] = Field(
        "demands",
        description="`demands`: the handshake refuses a client without a certificate; whose it is, "
        "its subject tells. `asks`: a call without one is refused in its channel's own form; whose "
        "it is, the directory tells by the whole certificate (`certificate_sha256`).",
    )
    channels: tuple[str, ...] = Field(
        min_length=1,
        description="The channels served here, as `exchange catalogue` names them, or `x-road`.",
    )
