"""New keys and secrets; opens nothing with them."""

from __future__ import annotations

import secrets


def new_key(whose: str) -> str:
    """A key or a secret of 256 random bits; what stands before them tells whose it is."""
    return f"exchange-{whose}-{secrets.token_urlsafe(32)}"
