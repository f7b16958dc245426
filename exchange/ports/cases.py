"""A case as an operator reads it: a sequence of documents, and what each participant may send next;
how a channel remembers its cases is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.schemas.directory import Directory
from exchange.schemas.value import value

#: A title by language.
Title = Mapping[str, str]


@value
class NextDocument:
    """What a participant may send: a new document or, with `is_update`, a new version of one.
    `about` is the number of the document that it answers or updates (0: none), `not_before` when at
    the earliest (milliseconds; 0: at once).
    """

    type: str
    title: Title
    about: int = 0
    not_before: int = 0
    is_update: bool = False


@value
class Participant:
    """An institution in the case: its id in the protocol, name and role, and what it may send."""

    id: str
    name: str
    role: str
    next: Sequence[NextDocument]


@value
class CaseDocument:
    """A document by its number in the sequence, from 1. `about` is the number of the one that it
    answers or is about (0: none); `messages` are its versions' ids as their sender gave them;
    `sent_at` is in milliseconds.
    """

    number: int
    type: str
    title: Title
    sender: str
    receivers: Sequence[str]
    about: int
    sent_at: int
    status: str
    messages: Sequence[str]


@value
class ShownCase:
    """A case; times in milliseconds."""

    id: str
    process: str
    title: Title
    status: str
    opened_at: int
    updated_at: int
    documents: Sequence[CaseDocument]
    participants: Sequence[Participant]


@dataclass(frozen=True, slots=True)
class Cases:
    """How a channel's cases are looked up and shown: the key under which it remembers the case of
    a conversation, and what its value says at a time (milliseconds).
    """

    key: Callable[[str], str]
    shown: Callable[[Any, int, Directory], ShownCase]
