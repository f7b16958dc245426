"""What lies in mailboxes: fetched under leases, waited for, and past its deadline dead; and dead
letters, sent again or skipped.
"""

from exchange.journey.mailbox.arrivals import Arrivals
from exchange.journey.mailbox.expire import Expiring
from exchange.journey.mailbox.fetch import NO_LETTER, Mailboxes
from exchange.journey.mailbox.resend_job import PER_SECOND_MAX, ResendJob, ResendJobs

__all__ = [
    "NO_LETTER",
    "PER_SECOND_MAX",
    "Arrivals",
    "Expiring",
    "Mailboxes",
    "ResendJob",
    "ResendJobs",
]
