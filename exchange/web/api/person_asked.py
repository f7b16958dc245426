"""Reads a question about a person, who stands in the body of a call and never in its address."""

from __future__ import annotations

from collections.abc import Iterable

from exchange.schemas import guard
from exchange.schemas import json as documents
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.violation import Malformed

FORM = '{"person": an artificial personal identity code, "before": where to go on}'
LIVING = "the code could be a living person's: use an artificial one"


def person_asked(body: bytes, others: Iterable[str]) -> dict[str, str]:
    """The members of the body: `person`, and those of the others that are given, all texts.

    Raises:
        ValueError: saying what would be right; it repeats nothing.
    """
    if guard.real_person_in(body):
        raise ValueError(LIVING)
    try:
        asked = documents.parse(body)
    except Malformed:
        asked = None
    if not isinstance(asked, dict) or not set(asked) <= {"person", *others}:
        raise ValueError(f"a JSON object is expected: {FORM}")
    texts = {name: text for name, text in asked.items() if isinstance(text, str)}
    if len(texts) < len(asked):
        raise ValueError("each member is a text")
    try:
        checked_person(texts.get("person", ""))
    except ValueError as error:
        raise ValueError(f"{error}: {FORM}") from None
    return texts


def checked_person(text: str) -> str:
    """The identity code.

    Raises:
        ValueError: when it is none, or could be a living person's.
    """
    if guard.in_text(text):
        raise ValueError(LIVING)
    if not is_personal_identity_code(text):
        raise ValueError("no personal identity code")
    return text
