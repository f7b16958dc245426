"""The caches of one channel by which it recognises reports and headers that it has judged before,
and the one question that reading a delivery asks of them.
"""

from __future__ import annotations

from exchange.adapters.income_register.recognition.abridgement import Abridgement, abridge
from exchange.adapters.income_register.recognition.forms import FormCache
from exchange.adapters.income_register.recognition.header import HeaderCache


class RecognitionCache:
    """Forms of wage reports (True) and of benefit reports (False), and headers; shared by every
    thread of a process.
    """

    def __init__(self) -> None:
        self.reports = {True: FormCache(), False: FormCache()}
        self.headers = HeaderCache()

    def abridged(self, body: bytes) -> Abridgement | None:
        """The delivery without the reports that are known; None when it is small, not written
        plainly enough, or little of it is known.
        """
        return abridge(body, self.reports)
