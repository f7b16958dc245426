"""`make growth`: throughput, latency and start-up with ever more messages in the ledger; prints a
table and writes JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import uvloop

from exchange.benchmarks.cases import CASES
from exchange.benchmarks.driver import drive
from exchange.benchmarks.grown_ledger import grow
from exchange.lifetime import end_in_order, ends_with_us
from exchange.schemas import directory
from exchange.storage.connection import connect
from loadtests import processes
from loadtests.replies import leased

SIZES = (0, 1_000_000, 10_000_000)
CONNECTIONS = 64
REST_SECONDS = 1.0
#: Statements on the way of a message whose cost could depend on what lies in the ledger already.
HOT = {
    "record: is the sender's id new (unique index)": (
        "SELECT id FROM message WHERE channel=? AND sender=? AND sender_message_id=? AND "
        "state='accepted'"
    ),
    "settle: the delivery": "UPDATE delivery SET state='delivered' WHERE id=? AND state='waiting'",
    "poll: what is due": (
        "SELECT id FROM delivery WHERE state='waiting' AND mode='push' AND ordered=0 AND "
        "next_at<=? AND lane IN (0,1) ORDER BY next_at,id LIMIT 10"
    ),
    "start: what a crash left half asked": (
        "SELECT id FROM delivery WHERE state='waiting' AND mode='ask' AND next_at<=? AND lane IN "
        "(0,1) ORDER BY next_at,id LIMIT 10"
    ),
    "mailbox: the oldest deliveries": (
        "SELECT delivery.id FROM delivery JOIN message ON message.id=delivery.message_id WHERE "
        "delivery.receiver=? AND "
        "delivery.mode='mailbox' AND (delivery.state='waiting' OR (delivery.state='dead' AND "
        "delivery.ordered=1)) "
        "ORDER BY delivery.position,delivery.id"
    ),
    "memory": "SELECT key,value,version FROM memory WHERE channel=? AND key IN (?)",
    "counters of a glance": "SELECT channel,kind,SUM(count) FROM day_counter WHERE period>=? AND "
    "period<? GROUP BY channel,kind",
    "retention: bodies": (
        "SELECT body.message_id FROM body WHERE body.message_id<? AND NOT EXISTS (SELECT 1 FROM "
        "delivery WHERE "
        "delivery.message_id=body.message_id AND delivery.state='waiting') ORDER BY "
        "body.message_id LIMIT ?"
    ),
}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="make growth", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, help="messages in the ledger")
    parser.add_argument(
        "--rounds", type=int, default=5, help="closed-loop runs of each case and size"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one")
    parser.add_argument(
        "--case",
        action="append",
        choices=[case.name for case in CASES],
        help="luova-json and wage-report",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=50.0,
        help="calls a second of the open-model load of the published mix",
    )
    parser.add_argument("--load-seconds", type=float, default=60.0, help="length of it")
    parser.add_argument(
        "--small-seconds", type=float, default=60.0, help="length of the traffic that is copied"
    )
    parser.add_argument(
        "--folder", type=Path, help="where the ledgers go and stay; thrown away when left out"
    )
    parser.add_argument(
        "--verify", action="store_true", help="run `exchange verify` on the largest afterwards"
    )
    parser.add_argument("--out", type=Path, default=Path("reports/growth.json"))
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="growth-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        results = measure(given, folder)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))


def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Grow the ledgers, start an exchange on each, and let them take turns, so that a drift of the
    machine meets all alike.
    """
    results: dict[str, Any] = {str(size): {} for size in given.sizes}
    paths = {size: folder / f"{size}" / "exchange.db" for size in given.sizes}
    for size, path in paths.items():
        path.parent.mkdir(exist_ok=True)
        if size and not path.exists():
            small = small_ledger(folder, given.rate, given.small_seconds)
            begun = time.monotonic()
            results[str(size)]["messages"] = grow(small, path, size)
            results[str(size)]["grow_seconds"] = round(time.monotonic() - begun, 1)
            print(
                f"{size}: grown in {time.monotonic() - begun:.0f} s, "
                f"{path.stat().st_size / 2**30:.2f} GiB",
                flush=True,
            )
        results[str(size)]["ledger_mib"] = (
            round(path.stat().st_size / 2**20, 1) if path.exists() else 0
        )
    with ExitStack() as stack:
        urls = {}
        for size, path in paths.items():
            url, served, _, took = stack.enter_context(processes.exchange(path.parent, path, 1))
            memory = stack.enter_context(processes.Memory(served.pid))
            urls[size] = (url, memory)
            results[str(size)]["start_seconds"] = round(took, 2)
            # What an earlier run in the same folder left in mailboxes would hold up every wait for
            # what is on its way.
            empty_mailboxes(url)
        closed_loops(given, urls, results)
        for size, (url, memory) in urls.items():
            results[str(size)]["load"] = load(given, url, folder / f"{size}")
            results[str(size)]["memory_mib"] = round(memory.figures()["most_mib"])
    for size, path in paths.items():
        results[str(size)]["plans"] = plans(path)
    if given.verify:
        largest = paths[max(given.sizes)]
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "exchange", "verify", "--ledger", f"sqlite:///{largest}"],
            env=processes.environment(), capture_output=True, text=True, check=False,
            preexec_fn=ends_with_us(),
        )  # fmt: skip
        results["verify"] = {
            "clean": done.returncode == 0,
            "seconds": round(time.monotonic() - begun, 1),
            "said": done.stdout,
        }
    return results


def small_ledger(folder: Path, rate: float, seconds: float) -> Path:
    """A ledger of real traffic of the published mix with nothing left on its way; made once a
    folder.
    """
    done, path = folder / "small.done", folder / "small" / "exchange.db"
    if done.exists():
        return path
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    with processes.exchange(path.parent, path, 1) as (url, _, _, _):
        load_once(url, rate, seconds, path.parent)
        processes.drain(url)
        empty_mailboxes(url)
    done.touch()
    return path


def load_once(url: str, rate: float, seconds: float, reports: Path) -> dict[str, Any]:
    """The published mix in an open model, by the load test's own command; its report. Latencies are
    reported, not judged.
    """
    command = [
        sys.executable,
        "-m",
        "loadtests",
        "--host",
        url,
        "--rate",
        str(rate),
        "--seconds",
        str(seconds),
    ]
    subprocess.run(
        [*command, "--reports", str(reports)],
        env=processes.environment(),
        cwd=processes.ROOT,
        check=False,
        stdout=subprocess.DEVNULL,
        preexec_fn=ends_with_us(),
    )
    run: dict[str, Any] = json.loads((reports / "load-flat.json").read_text())
    return run


def empty_mailboxes(url: str) -> None:
    """Fetch and acknowledge everything that lies in mailboxes, as their owners would."""
    for partner in directory.load():
        headers = {"X-API-Key": partner.key, "Content-Type": "application/json"}
        while partner.delivery == "mailbox":
            asked = urllib.request.Request(f"{url}/luova/v1/mailbox?most=100", headers=headers)
            with urllib.request.urlopen(asked, timeout=30) as response:
                held = leased(response.read())
            if not held:
                break
            body = json.dumps({"deliveries": held}).encode()
            acknowledged = urllib.request.Request(
                f"{url}/luova/v1/mailbox/acknowledgements", body, headers
            )
            urllib.request.urlopen(acknowledged, timeout=30).close()


def closed_loops(
    given: argparse.Namespace, urls: dict[int, tuple[str, Any]], results: dict[str, Any]
) -> None:
    """Throughput: as much as goes over some connections, round by round, the sizes in turn; the
    first round warms up.
    """
    serials = itertools.count(1)
    for case in (
        case for case in CASES if case.name in (given.case or ("luova-json", "wage-report"))
    ):
        rates: dict[int, list[float]] = {size: [] for size in urls}
        slow: dict[int, list[float]] = {size: [] for size in urls}
        for number in range(given.rounds + 1):
            for size, (url, _) in urls.items():
                now, serial = (
                    time.time_ns() // 1_000_000,
                    time.time_ns() // 1_000_000_000 * 100 + next(serials),
                )
                requests = case.requests(
                    int(given.seconds * case.requests_per_second_max / 2), now, serial, serial << 16
                )
                port = int(url.rpartition(":")[2])
                took = uvloop.run(
                    drive("127.0.0.1", port, iter(requests), CONNECTIONS, given.seconds)
                )
                if took.unexpected:
                    raise SystemExit(
                        f"{case.name} with {size}: {took.first_unexpected.decode(errors='replace')}"
                    )
                processes.drain(url, still_seconds=60)
                if number:
                    rates[size].append(took.rate)
                    slow[size].append(took.percentile(0.99))
                time.sleep(REST_SECONDS)
        first = next(iter(rates.values()))
        for size, measured in rates.items():
            ratios = [one / other for one, other in zip(measured, first, strict=True)]
            results[str(size)][case.name] = {
                "rate": round(statistics.median(measured), 1),
                "rates": [round(rate, 1) for rate in measured],
                "p99_milliseconds": round(statistics.median(slow[size]), 1),
                "ratio": round(statistics.median(ratios), 3),
                "ratio_min": round(min(ratios), 3),
                "ratio_max": round(max(ratios), 3),
            }


def load(given: argparse.Namespace, url: str, reports: Path) -> dict[str, Any]:
    """Latencies by channel under the open-model load."""
    run = load_once(url, given.rate, given.load_seconds, reports)
    names = ("calls", "failures", "p50_milliseconds", "p99_milliseconds", "max_milliseconds")
    return {
        **{name: run[name] for name in names},
        "exceeded": run["exceeded"],
        "channels": {
            channel: {name: row[name] for name in names} for channel, row in run["channels"].items()
        },
    }


def plans(path: Path) -> dict[str, list[str]]:
    """How SQLite makes the hot statements."""
    with closing(connect(path, read_only=True)) as connection:
        return {
            name: [
                row[3]
                for row in connection.execute(
                    f"EXPLAIN QUERY PLAN {statement}", (0,) * statement.count("?")
                )
            ]
            for name, statement in HOT.items()
        }


def table(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    sizes = [name for name in results if name.isdigit()]
    cases = [
        name
        for name in results[sizes[0]]
        if isinstance(results[sizes[0]][name], dict) and "ratio" in results[sizes[0]][name]
    ]
    heads = ["messages", "ledger MiB", "start s"]
    heads += [head for case in cases for head in (f"{case}/s", "ratio (min–max)", "p99 ms")]
    heads += ["mix: p50 ms", "p99 ms", "memory MiB"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for size in sizes:
        row = results[size]
        cells = [f"{int(size):,}", f"{row['ledger_mib']:,.0f}", f"{row['start_seconds']:.1f}"]
        for case in cases:
            figures = row[case]
            spread = (
                f"{figures['ratio']:.2f} ({figures['ratio_min']:.2f}–{figures['ratio_max']:.2f})"
            )
            cells += [f"{figures['rate']:,.0f}", spread, f"{figures['p99_milliseconds']:.0f}"]
        cells += [
            f"{row['load']['p50_milliseconds']}",
            f"{row['load']['p99_milliseconds']}",
            f"{row['memory_mib']}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    end_in_order()
    main()
