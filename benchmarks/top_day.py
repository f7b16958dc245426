"""`python -m exchange.benchmarks.top_day` (`make top-day`): a top day's messages, in the published
mix, as fast as the exchange takes them.

The exchange and the stubs are the real ones, as two more processes; this one sends prepared calls
over connections that each wait for their receipt. Afterwards every receipt must be a message that
the exchange counted, everything delivered, and the ledger proved. Latencies under a given load are
`make load`'s matter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from exchange.benchmarks.driver import Measured, drive
from exchange.benchmarks.mailboxes import fetch_mailboxes
from exchange.benchmarks.report import machine
from exchange.lifetime import end_in_order
from loadtests import calls, processes, workload
from loadtests.__main__ import differences, verified, warm_up
from loadtests.replies import complaint

MESSAGES = 1_500_000
SAMPLES_EACH = 12
LONGEST_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Stream:
    """The calls of one flow: the samples that they are made of, and how many there are."""

    flow: workload.Flow
    samples: Sequence[calls.Sample]
    count: int


def streams_of(
    flows: Sequence[workload.Flow], samples: Sequence[calls.Sample], messages: float, each: bool
) -> list[Stream]:
    """So many messages (records) in the published mix as calls; with `each`, every record is a call
    of its own.
    """
    total = sum(flow.records for flow in flows)
    streams = []
    for flow in flows:
        own = [
            sample
            for sample in samples
            if flow.takes(sample) and sample.method == "POST" and (sample.items == 1 or not each)
        ]
        if not own:
            continue
        yearly = (
            flow.records
            if each
            else flow.records / (sum(sample.items for sample in own) / len(own))
        )
        streams.append(Stream(flow, own, round(yearly * messages / total)))
    return streams


def order_of(streams: Sequence[Stream], seed: int) -> list[int]:
    """The numbers of the streams, each as often as it has calls, mixed."""
    numbers = [number for number, stream in enumerate(streams) for _ in range(stream.count)]
    random.Random(seed).shuffle(numbers)
    return numbers


def requests_of(
    streams: Sequence[Stream], seed: int, accepted: Counter[str], records: Counter[str]
) -> Iterator[bytes]:
    """Every call as bytes, each with ids of its own, made when it is asked for."""
    numbers = calls.Numbers(0)
    turns = [0] * len(streams)
    for number in order_of(streams, seed):
        stream = streams[number]
        sample = stream.samples[turns[number] % len(stream.samples)]
        turns[number] += 1
        accepted[sample.message_type] += 1
        records[sample.message_type] += sample.items
        yield wire(sample.prepare(numbers.next()))


def wire(prepared: calls.Prepared) -> bytes:
    """A call as it goes over the wire."""
    lines = [
        f"{prepared.method} {prepared.path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(prepared.body)}",
    ]
    lines += [f"{name}: {value}" for name, value in prepared.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + prepared.body


def is_refused(answer: bytes) -> bool:
    """Whether an answer of status 2xx says no: a fault, or a delivery that was not taken."""
    return bool(complaint(200, answer.partition(b"\r\n\r\n")[2]))


async def live(
    url: str, streams: Sequence[Stream], mailboxes: Sequence[calls.Sample], options: Any
) -> dict[str, Any]:
    """Send everything, fetch what lies in mailboxes meanwhile, wait until all is delivered; what
    came of it.
    """
    accepted: Counter[str] = Counter()
    records: Counter[str] = Counter()
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    loop = asyncio.get_running_loop()
    begun = loop.time()
    fetching = asyncio.create_task(fetch_mailboxes(url, mailboxes))
    requests = requests_of(streams, options.seed, accepted, records)
    measured: Measured = await drive(
        host, port, requests, options.connections, LONGEST_SECONDS, is_refused
    )
    waiting = await asyncio.to_thread(processes.drain, url)
    whole = loop.time() - begun
    fetching.cancel()
    fetched = await asyncio.gather(fetching, return_exceptions=True)
    if isinstance(fetched[0], Exception):
        raise fetched[0]
    return {
        "calls": measured.answered,
        "refused": measured.unexpected,
        "first_refused": measured.first_unexpected.decode("utf-8", "replace")[:1000],
        "records": sum(records.values()),
        "seconds": round(measured.seconds, 1),
        "seconds_until_delivered": round(whole, 1),
        "calls_a_second": round(measured.rate),
        "records_a_second": round(sum(records.values()) / measured.seconds),
        "p50_milliseconds": round(measured.percentile(0.5), 1),
        "p99_milliseconds": round(measured.percentile(0.99), 1),
        "waiting": waiting,
        "accepted": accepted,
    }


def main() -> int:
    """Live the day; 0 when nothing was refused, lost or miscounted."""
    parser = argparse.ArgumentParser(prog="make top-day", description=__doc__)
    parser.add_argument(
        "--messages", type=int, default=MESSAGES, help="records in the published mix"
    )
    parser.add_argument(
        "--each", action="store_true", help="every message an HTTP request of its own"
    )
    parser.add_argument("--workers", type=int, default=2, help="workers of the exchange")
    parser.add_argument("--connections", type=int, default=48, help="calls under way at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("reports/top-day.json"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="top-day-") as name:
        folder = Path(name)
        samples = samples_in(folder / "samples", options)
        streams = streams_of(workload.load().flows, samples, options.messages, options.each)
        mailboxes = [sample for sample in samples if sample.method == "GET"]
        ledger = folder / "exchange.db"
        with processes.exchange(folder, ledger, options.workers) as (url, served, _, _):
            warm_up(url, samples, 3 * options.workers)
            before = processes.counted(url)
            with processes.Memory(served.pid) as memory:
                report = uvloop.run(live(url, streams, mailboxes, options))
            found = differences(
                report["accepted"], before, processes.counted(url), report["refused"]
            )
        if report["refused"]:
            found.append(
                f"{report['refused']} calls were refused, the first: {report['first_refused']}"
            )
        if not verified(ledger):
            found.append("exchange verify found differences")
        report |= {
            "memory": memory.figures(),
            "machine": machine(),
            "workers": options.workers,
            "wrong": found,
        }
        report["ledger_mib"] = round(
            sum(path.stat().st_size for path in folder.glob("exchange.db*")) / 2**20
        )
    options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(
        json.dumps(
            {
                key: value
                for key, value in report.items()
                if key not in ("accepted", "first_refused")
            },
            indent=2,
        )
    )
    return 1 if found else 0


def samples_in(folder: Path, options: Any) -> list[calls.Sample]:
    """Calls of every sender, made now."""
    items = ["--items", "1"] if options.each else []
    processes.make_samples(folder, SAMPLES_EACH, options.seed, *items)
    return calls.read(folder)


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
