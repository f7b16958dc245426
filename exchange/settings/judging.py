"""By whose schemas and how strictly messages are judged, and what is recognised of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from exchange.settings.section import Section

_OFFICIAL = "official_"


class Schemas(Section):
    """Whose schema files messages are judged by. `official_<family> = FOLDER` is the same as
    `official = {<family> = FOLDER}`.
    """

    official: dict[str, Path] = Field(
        default_factory=dict,
        description="Folders with publishers' own schema packages, by family; a family without "
        "one is judged by the product's.",
    )

    @model_validator(mode="before")
    @classmethod
    def _gather_official(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        named = {
            key.removeprefix(_OFFICIAL): value
            for key, value in given.items()
            if key.startswith(_OFFICIAL)
        }
        rest = {key: value for key, value in given.items() if not key.startswith(_OFFICIAL)}
        return {**rest, "official": {**rest.get("official", {}), **named}} if named else given


class Recognition(Section):
    """What a channel recognises instead of judging it again. Verdicts are the same either way."""

    enabled: bool = Field(
        True,
        description="Channels recognise what they have judged before (most reports of a payer are "
        "written alike). False judges every message in full: verdicts are the same, "
        "large deliveries cost several times as much.",
    )


class Processing(Section):
    """When the outcome of what is processed later (the Incomes Register's deferred deliveries) is
    told. It is judged at once, whatever stands here.
    """

    seconds: float = Field(
        0.0,
        ge=0,
        description="How long a status request is told that the processing goes on (status 2).",
    )
    status_lost_one_in: int = Field(
        0,
        ge=0,
        description="One status request in so many fails by chance (status 0); 0: none.",
    )
    feedback_language: Literal["en", "fi", "sv"] = Field(
        "en",
        description="The language of the texts of errors (the Incomes Register's ErrorMessage) in "
        "what is told of a delivery.",
    )


class Rules(Section):
    """How strict the rules of channels are."""

    unasked_answers: Literal["refuse", "warn", "off"] = Field(
        "warn",
        description="An answer to a question that nobody asked (of Luova: its X-Conversation-Id "
        "names no accepted question of its receiver): refused, taken in with a warning, or not "
        "looked at.",
    )
    newer_codes: Literal["refuse", "warn"] = Field(
        "warn",
        description="An unknown code of a list that has grown since the product knows it (the Incomes "
        "Register's income types, earner types, claims, pension institutions, collective "
        "agreements): refused, or taken in with a warning.",
    )
    unsigned_deliveries: Literal["refuse", "take"] = Field(
        "refuse",
        description="A delivery to the Incomes Register's web services without a signature: refused, "
        "as the register does, or taken (files are, unless their sender must sign).",
    )
