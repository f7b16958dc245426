"""The decorator `value`: a dataclass that is frozen for the type checker alone, for values of which
every message makes several.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Class = TypeVar("Class")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[Class]) -> type[Class]:
    """A dataclass with slots that may be a key, and whose fields nobody may set: the type checker
    says so, and nothing else.

    A frozen dataclass is made four times as slowly, for it sets each field past a guard of its own.
    The checker reads all of this project, so that what it forbids is nowhere done.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
