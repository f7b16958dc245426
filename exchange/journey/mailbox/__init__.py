"""What lies in mailboxes: fetched under leases, waited for, and past its deadline dead."""

from exchange.journey.mailbox.arrivals import Arrivals
from exchange.journey.mailbox.expire import Expiring
from exchange.journey.mailbox.fetch import NOBODY_WAITS, Mailboxes

__all__ = ["NOBODY_WAITS", "Arrivals", "Expiring", "Mailboxes"]
