"""What a document may be at most, by the settings in force where it is read; the parsers
hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Sizes in bytes, of any document and of one in JSON; the depth of elements, or of arrays and
    objects; namespace declarations in force at any element; the attachments of a message, and the
    size of each in bytes.

    JSON has a size of its own because a reader of JSON holds the interpreter from the first byte to
    the last. Namespaces have one because libxml2 looks at all of them for each that it meets.
    """

    body_bytes_max: int = 52_428_800
    json_body_bytes_max: int = 2_097_152
    depth_max: int = 64
    namespaces_max: int = 256
    attachments_max: int = 20
    attachment_bytes_max: int = 20_971_520


_IN_FORCE: ContextVar[DocumentLimits] = ContextVar("_IN_FORCE", default=DocumentLimits())  # noqa: B039


def in_force() -> DocumentLimits:
    """The limits by which documents are read here and now; those above where nobody set any."""
    return _IN_FORCE.get()


@contextmanager
def within(limits: DocumentLimits) -> Iterator[None]:
    """Read by these limits inside the block."""
    token = _IN_FORCE.set(limits)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)
