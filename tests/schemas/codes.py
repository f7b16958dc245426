"""Personal identity codes computed at run time for the tests of the vocabulary: such as living
persons could have; none stands in a file.
"""

from __future__ import annotations

import datetime

from hypothesis import strategies as st

from exchange.schemas.identifiers import CENTURIES, CHECK_CHARACTERS


def code_of(born: datetime.date, number: int, separator: str) -> str:
    """The code with that date, individual number (0-999) and character between them."""
    digits = f"{born:%d%m}{born.year % 100:02d}{number:03d}"
    return f"{digits[:6]}{separator}{digits[6:]}{CHECK_CHARACTERS[int(digits) % 31]}"


def codes(numbers: range) -> st.SearchStrategy[str]:
    """Valid codes of every century and character, with individual numbers of that range."""
    return st.sampled_from(sorted(CENTURIES)).flatmap(
        lambda separator: st.builds(
            code_of,
            st.dates(
                datetime.date(CENTURIES[separator], 1, 1),
                datetime.date(CENTURIES[separator] + 99, 12, 31),
            ),
            st.integers(numbers.start, numbers.stop - 1),
            st.just(separator),
        )
    )
