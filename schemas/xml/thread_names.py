"""Empties libxml2's dictionary of names: lxml keeps every name of every document that a thread
reads in one dictionary of the thread, for as long as the thread lives.

lxml has no call for it. The dictionary is held by an entry in the thread's own dict, which is taken
out here (`_ParserDictionaryContext`, lxml 6; a test fails when it is otherwise), and by each
parser, which takes over the thread's at its next document. So a new parser must be the first to
read.
"""

from __future__ import annotations

import ctypes

_ENTRY = "_ParserDictionaryContext"
_thread_dict = ctypes.pythonapi.PyThreadState_GetDict
# (A borrowed reference: taken for a new one, it would be freed.)
_thread_dict.restype = ctypes.c_void_p


def forget() -> None:
    """Have the next new parser of this thread begin with no names. Documents keep those that they
    have.
    """
    address = _thread_dict()
    if address:
        ctypes.cast(address, ctypes.py_object).value.pop(_ENTRY, None)
