"""What lies in mailboxes: fetched under leases, waited for, and past its deadline dead; and dead
letters, sent again or skipped.
"""

from exchange.journey.mailbox.arrivals import Arrivals
from exchange.journey.mailbox.dead_letter_job import (
    DONE,
    PER_SECOND_MAX,
    Action,
    LetterJob,
    LetterJobs,
)
from exchange.journey.mailbox.expire import Expiring
from exchange.journey.mailbox.fetch import NO_LETTER, Mailboxes

__all__ = [
    "DONE",
    "NO_LETTER",
    "PER_SECOND_MAX",
    "Action",
    "Arrivals",
    "Expiring",
    "LetterJob",
    "LetterJobs",
    "Mailboxes",
]
