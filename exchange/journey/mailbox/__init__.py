"""What lies in mailboxes: fetched under leases, waited for, and past its deadline dead."""

from exchange.journey.mailbox.arrivals import Arrivals
from exchange.journey.mailbox.expire import Expiring
from exchange.journey.mailbox.fetch import Mailboxes

__all__ = ["Arrivals", "Expiring", "Mailboxes"]
