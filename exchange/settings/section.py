"""What a part of the settings is: frozen, and strict about names."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the settings: frozen, and strict about names; a number is a finite one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
