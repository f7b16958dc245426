"""What a text may hold and no XML document can write, whatever its form (XML 1.0, 2.2)."""

from __future__ import annotations

import re

NO_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
