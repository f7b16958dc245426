"""New keys and secrets, and files that only their owner may read; opens nothing with them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def new_key(whose: str) -> str:
    """A key or a secret of 256 random bits; what stands before them tells whose it is."""
    return f"exchange-{whose}-{secrets.token_urlsafe(32)}"


def write_private(path: Path, content: bytes) -> None:
    """Write what only its owner may read, whole or not at all."""
    unfinished = path.with_name(path.name + ".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
