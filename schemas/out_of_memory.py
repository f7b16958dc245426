"""Out of memory, as libraries in C and Rust tell it, each in its own way: told as Python tells it."""

from __future__ import annotations

from xml.parsers.expat import ExpatError, errors

from lxml import etree

#: libxml2's number of it, whichever part of it has none left (xmlerror.h, `XML_ERR_NO_MEMORY`).
XML_NO_MEMORY = int(etree.ErrorTypes.ERR_NO_MEMORY)
EXPAT_NO_MEMORY = errors.codes[errors.XML_ERROR_NO_MEMORY]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether that is what the error says. lxml says it in its log alone, and calls the document
    wrong; what is in Rust panics with no `Exception`, whose class nobody can import. A path (XPath)
    tells nothing: those here are our own and right, so that nothing else can fail in them.
    """
    if isinstance(error, etree.XPathEvalError):
        return True
    if isinstance(error, etree.LxmlError):
        return told_in(error.error_log)
    if isinstance(error, ExpatError):
        return error.code == EXPAT_NO_MEMORY
    return isinstance(error, MemoryError) or type(error).__name__ == "PanicException"


def told_in(log: object) -> bool:
    """Whether one of lxml's logs of errors says so."""
    return any(entry.type == XML_NO_MEMORY for entry in log or ())  # type: ignore[attr-defined]


def raise_if_out_of_memory(error: BaseException) -> None:
    """Raise what the error means.

    Raises:
        MemoryError: instead of it.
    """
    if is_out_of_memory(error):
        raise MemoryError from error
