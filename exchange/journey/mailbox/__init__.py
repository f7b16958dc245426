"""What lies in mailboxes: fetched under leases, waited for, and past its deadline dead; and dead
letters, sent again or skipped.
"""

from exchange.journey.mailbox.arrivals import Arrivals
from exchange.journey.mailbox.dead_letter_job import (
    DONE,
    JOB_EVERY_SECONDS,
    PER_SECOND_MAX,
    Action,
    LetterJob,
    LetterJobs,
)
from exchange.journey.mailbox.fetch import EXPIRE_EVERY_SECONDS, NO_LETTER, Mailboxes

__all__ = [
    "DONE",
    "EXPIRE_EVERY_SECONDS",
    "JOB_EVERY_SECONDS",
    "NO_LETTER",
    "PER_SECOND_MAX",
    "Action",
    "Arrivals",
    "LetterJob",
    "LetterJobs",
    "Mailboxes",
]
