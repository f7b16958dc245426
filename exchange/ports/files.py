"""What a channel says of files that partners leave and fetch; the folders are
`journey.files.drop`'s.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from exchange.ports.desk import Desk, Leased
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Violation


@dataclass(frozen=True, slots=True)
class FileDrop:
    """A channel's files. A file is taken when `names` matches the whole of its name; `form` says
    in words which names those are, and `rule` is the violation of one that does not.

    `take` puts the content of a file (by its name) in by the desk and gives the bytes of its
    feedback; it raises `Full` when nothing was kept and the file is to wait. `refuse` gives the
    feedback on a file that is not read, by the desk's time and settings. `letter` gives the bytes
    of what lay in the partner's mailbox. The suffixes end the names of feedback, after the whole
    name of the file, and of letters. `feedback_name` makes the name of feedback of the file's and
    of what the feedback says, where that is not the file's own with the suffix.
    """

    endpoint: str
    rule: str
    names: re.Pattern[str]
    form: str
    take: Callable[[str, bytes, Partner, Desk], Awaitable[bytes]]
    refuse: Callable[[Violation, Desk], bytes]
    letter: Callable[[Leased], bytes]
    letter_suffix: str
    feedback_suffix: str = ""
    feedback_name: Callable[[str, bytes], str] | None = None
