"""A large delivery of wage reports in one process: reports a second that the exchange takes in
(validated, recorded, counted), beside plain lxml parsing and validating of the same bytes in the
same run, and the memory that it takes; no sockets and no load driver.

Time is processor time of the whole process, all threads together, so that what else the machine
does counts for neither side.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import datetime
import gc
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from exchange.adapters.income_register import generate
from exchange.assembly import Exchange
from exchange.cli.serving.garbage_collection import GARBAGE_OBJECTS_MAX
from exchange.lifetime import ends_with_us
from exchange.ports import Inbound
from exchange.schemas.catalogue import Catalogue
from exchange.settings import Settings

CHANNEL, TYPE, SENDER = "income-register", "income-register.wage-reports", "employer.demo-oy"
_PAGE_BYTES = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the runs: reports a second, and their ratio (with its least and its greatest);
    `peak_mib` is the most memory over idle while a delivery was taken in.
    """

    reports: int
    megabytes: float
    runs: int
    plain_reports_a_second: float
    exchange_reports_a_second: float
    ratio: float
    ratio_min: float
    ratio_max: float
    peak_mib: float


def delivery(reports: int, serial: int, payer: str) -> bytes:
    """A deferred delivery of that many reports, in a SOAP envelope."""
    batch = generate.Batch(
        payer=payer,
        sender=payer,
        day=datetime.datetime.now(datetime.UTC).date(),
        delivery_id=f"bench-{serial}",
        reports=reports,
        real_time=False,
    )
    document = generate.wage_delivery(random.Random(serial), batch)
    head = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    return head + document + b"</s:Body></s:Envelope>"


def plain_seconds(body: bytes) -> float:
    """Parsing and validating alone, as a program would that does nothing else."""
    message_type = Catalogue.load().get(TYPE)
    assert message_type is not None
    schema = etree.XMLSchema(etree.parse(str(message_type.folder / message_type.schema)))
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    started = time.process_time()
    document = etree.fromstring(body, parser)[0][0]
    valid = schema.validate(document)
    seconds = time.process_time() - started
    assert valid, schema.error_log
    return seconds


def resident_bytes() -> int:
    """Memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def give_back() -> None:
    """Return to the system what the allocator keeps of what was freed, where there is a way
    (glibc).
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class Peak:
    """The most memory that this process has while the block runs, sampled every few
    milliseconds.
    """

    def __init__(self, idle: int) -> None:
        self.idle = self.most = idle

    def __enter__(self) -> Peak:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            self.most = max(self.most, resident_bytes())

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.most = max(self.most, resident_bytes())

    @property
    def mib(self) -> float:
        """Above idle, in MiB."""
        return (self.most - self.idle) / (1 << 20)


async def measure(reports: int = 3000, runs: int = 5) -> Figures:
    """Take in `runs` deliveries, each after the same bytes were parsed and validated plainly."""
    with tempfile.TemporaryDirectory() as folder:
        exchange = Exchange(
            Settings(
                storage={"url": f"sqlite:///{folder}/exchange.db"},
                rules={"unsigned_deliveries": "take"},
            )
        )
        await exchange.open(deliver=False)
        try:
            partner = exchange.directory.get(SENDER)
            assert partner is not None
            desk = exchange.desk(exchange.channels[CHANNEL])
            await desk.accept(
                Inbound(partner, delivery(1, 0, partner.business_id), "text/xml", "deferred")
            )
            # As a worker does once it serves.
            gc.collect()
            gc.freeze()
            gc.set_threshold(GARBAGE_OBJECTS_MAX, 20, 20)
            plain, ours, peaks, size = [], [], [], 0
            for serial in range(1, runs + 1):
                body = delivery(reports, serial, partner.business_id)
                size = len(body)
                give_back()
                # The body is of the delivery, not of what the process is when idle.
                with Peak(resident_bytes() - size) as peak:
                    started = time.process_time()
                    outcome = await desk.accept(Inbound(partner, body, "text/xml", "deferred"))
                    ours.append(time.process_time() - started)
                peaks.append(peak.mib)
                plain.append(plain_seconds(body))
                assert outcome.kind == "accepted", outcome.violations[:3]
        finally:
            await exchange.close()
    ratios = [one / other for one, other in zip(plain, ours, strict=True)]
    least, ratio, greatest = (
        round(each, 3) for each in (min(ratios), statistics.median(ratios), max(ratios))
    )
    plain_rate, our_rate = (round(reports / statistics.median(each)) for each in (plain, ours))
    return Figures(
        reports=reports,
        megabytes=size / 1e6,
        runs=runs,
        plain_reports_a_second=plain_rate,
        exchange_reports_a_second=our_rate,
        ratio=ratio,
        ratio_min=least,
        ratio_max=greatest,
        peak_mib=round(max(peaks), 1),
    )


def in_process(reports: int, runs: int) -> dict[str, Any]:
    """`measure` in a process of its own: what else this one does would count."""
    done = subprocess.run(
        [sys.executable, "-m", "exchange.benchmarks.income_delivery", str(reports), str(runs)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=ends_with_us(),
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def told(figures: Mapping[str, Any]) -> str:
    """The figures as a sentence."""
    return (
        f"{figures['reports']:,} wage reports ({figures['megabytes']:.1f} MB) in one delivery, in "
        f"process, {figures['runs']} paired runs: "
        f"plain parsing and validating {figures['plain_reports_a_second']:,} reports/s, the "
        "exchange "
        f"{figures['exchange_reports_a_second']:,}, ratio {figures['ratio']:.2f} "
        f"({figures['ratio_min']:.2f}–{figures['ratio_max']:.2f}), "
        f"{figures['peak_mib']:.0f} MiB above idle"
    )


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(measure(*map(int, sys.argv[1:]))))))
