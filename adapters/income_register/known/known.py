"""What a channel has learned of the deliveries that it judged, and the one question that reading a
delivery asks of it.
"""

from __future__ import annotations

from exchange.adapters.income_register.known.abridgement import Abridgement, abridge
from exchange.adapters.income_register.known.forms import Memory
from exchange.adapters.income_register.known.header import Standing


class Known:
    """Forms of wage reports (True) and of benefit reports (False), and headers; for every thread of
    a process alike.
    """

    def __init__(self) -> None:
        self.reports = {True: Memory(), False: Memory()}
        self.headers = Standing()

    def abridged(self, body: bytes) -> Abridgement | None:
        """The delivery without the reports that are known; None when it is small, not written
        plainly enough, or little of it is known.
        """
        return abridge(body, self.reports)
