"""What a document may be at most, by the settings in force where it is read, and how much work may
be put into telling what is wrong with it; the parsers hold both.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")


class DocumentLimits(NamedTuple):
    """Sizes in bytes, of any document and of one in JSON; arrays, objects and keys of one in JSON;
    the depth of elements, or of arrays and objects; tags and attributes of one in XML, and
    namespace declarations in force at any element, and attributes of one; the attachments of a
    message, and the size of each in bytes.

    JSON has a size of its own because a reader of JSON holds the interpreter from the first byte to
    the last. Tags have a limit because each takes a hundred bytes, however short it is,
    namespaces because libxml2 looks at all of them for each that it meets, and the attributes of an
    element because each that is wrong is told at once with all others.
    """

    body_bytes_max: int = 52_428_800
    json_body_bytes_max: int = 2_097_152
    json_members_max: int = 500_000
    depth_max: int = 64
    markup_max: int = 5_000_000
    namespaces_max: int = 256
    attributes_max: int = 256
    attachments_max: int = 20
    attachment_bytes_max: int = 20_971_520


class NotAtOnce(Exception):
    """What was asked for takes long the first time, and whoever asked can't wait (`at_once`)."""


class Effort:
    """Elements that the thorough explanation may still look at, for all documents of a call."""

    def __init__(self, elements_max: int) -> None:
        self._left = elements_max

    @property
    def left(self) -> int:
        """How many there are still."""
        return self._left

    def spend(self, elements: int) -> bool:
        """Whether there is room for so many; they are spent then."""
        if elements > self._left:
            return False
        self._left -= elements
        return True


#: Elements that are explained thoroughly, of one document, and of all documents of a call: 20 to
#: 100 microseconds each.
EXPLAINED_ELEMENTS_MAX = 50_000
EXPLAINED_CALL_ELEMENTS_MAX = 20_000

_IN_FORCE: ContextVar[DocumentLimits] = ContextVar("_IN_FORCE", default=DocumentLimits())  # noqa: B039
_EFFORT: ContextVar[Effort | None] = ContextVar("_EFFORT", default=None)
_AT_ONCE: ContextVar[bool] = ContextVar("_AT_ONCE", default=False)


def in_force() -> DocumentLimits:
    """The limits by which documents are read here and now; those above where nobody set any."""
    return _IN_FORCE.get()


class Setting(AbstractContextManager[None], Generic[Value]):
    """A context variable has a value inside the block. Two or three are set for each message, where
    a generator's context manager would cost ten microseconds in all.
    """

    __slots__ = ("_token", "_value", "_variable")

    def __init__(self, variable: ContextVar[Value], value: Value) -> None:
        self._variable = variable
        self._value = value

    def __enter__(self) -> None:
        self._token: Token[Value] = self._variable.set(self._value)

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._token)


def within(limits: DocumentLimits) -> Setting[DocumentLimits]:
    """Read by these limits inside the block."""
    return Setting(_IN_FORCE, limits)


def shared_effort() -> Setting[Effort | None]:
    """All documents read inside the block, and by tasks begun there, are one call's."""
    return Setting(_EFFORT, Effort(EXPLAINED_CALL_ELEMENTS_MAX))


def effort() -> Effort:
    """What may be spent here and now; a document that is read by itself has all of it."""
    return _EFFORT.get() or Effort(EXPLAINED_ELEMENTS_MAX)


def at_once() -> Setting[bool]:
    """Whoever asks inside the block can't wait: what takes long the first time raises `NotAtOnce`,
    and is to be asked for again by somebody who can.
    """
    return Setting(_AT_ONCE, True)


def can_wait() -> bool:
    """Whether whoever asks here and now can wait."""
    return not _AT_ONCE.get()
