"""`python -m loadtests` (`make load`): starts the exchange and the stubs, makes samples, runs
locust, verifies; exit code by budget.

With `--host` the exchange is somebody else's: then nothing is started, and nothing verified but
what its counters say.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from exchange.lifetime import end_in_order, ends_with_us
from loadtests import bottleneck, budgets, calls, processes, shapes, workload
from loadtests.partner_load import add_options, towards

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
#: Samples of each sender and type; each call made of one gets ids of its own.
SAMPLES_EACH = 5
#: Calls of each kind to each worker before the measurement.
WARM_CALLS = 3
#: Largest numbers that are taken of the command line.
AMOUNT_MAX, PROCESSES_MAX = 1_000_000_000, 64


def amount(text: str) -> float:
    """A number of calls, seconds or times.

    Raises:
        ArgumentTypeError: for what no load can have.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= AMOUNT_MAX:
        raise argparse.ArgumentTypeError(f"a number from 0 to {AMOUNT_MAX:,}, not {text!r}")
    return number


def processes_of(text: str) -> int:
    """A number of processes.

    Raises:
        ArgumentTypeError: when it is none, or too many.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= PROCESSES_MAX):
        raise argparse.ArgumentTypeError(f"a number from 1 to {PROCESSES_MAX}, not {text!r}")
    return int(text)


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--shape", choices=shapes.NAMES, default="")
    parser.add_argument(
        "--rate",
        type=amount,
        default=0.0,
        help="calls a second on average (step: of the first step)",
    )
    parser.add_argument(
        "--day", type=amount, default=1_500_000.0, help="calls of a day, where no rate is given"
    )
    parser.add_argument(
        "--factor", type=amount, default=1.0, help="how many times faster than a day"
    )
    parser.add_argument(
        "--seconds",
        type=amount,
        default=0.0,
        help="length; the whole compressed day when 0 (soak: an hour)",
    )
    parser.add_argument("--step-seconds", type=amount, default=20.0)
    parser.add_argument(
        "--budget", default="", help="a budget of budgets.toml (ci, or the shape's own)"
    )
    parser.add_argument("--host", default="", help="an exchange that runs already")
    add_options(parser)
    parser.add_argument("--mix", type=Path, help="flows of one's own, in the form of workload.toml")
    parser.add_argument(
        "--ledger",
        type=Path,
        help="a ledger to start on; a new one that is thrown away when left out",
    )
    parser.add_argument("--workers", type=processes_of, default=1, help="workers of the exchange")
    parser.add_argument(
        "--locusts",
        type=processes_of,
        default=1,
        help="locust processes that send; with more than one, a master besides",
    )
    parser.add_argument(
        "--samples",
        type=Path,
        help="calls that `exchange samples all --calls` wrote; new ones when left out",
    )
    parser.add_argument(
        "--cold",
        action="store_true",
        help="measure the first calls of each type too, while schemas are compiled",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--reports", type=Path, default=Path("reports"), help="where HTML, CSV and JSON go"
    )
    given = parser.parse_args(arguments)
    if not given.factor:
        parser.error("--factor: above 0")
    given.shape = given.shape or ("" if given.to else "flat")
    if not given.budget:
        given.budget = given.shape if given.shape in ("step", "soak") else "ci"
    budgets.load(given.budget)
    if given.mix:
        try:
            workload.load(given.mix)
        except (OSError, ValueError) as error:
            parser.error(f"--mix: {error}")
    return given


def main() -> int:
    """Run one load test; 0 when the budget was kept and everything accounted for, 2 when no
    exchange answers at `--host`, else 1.
    """
    given = options()
    given.reports.mkdir(parents=True, exist_ok=True)
    if given.to:
        return towards(given, locust)
    if given.host:
        try:
            processes.wait_ready(given.host.rstrip("/"))
        except processes.NotReady as error:
            print(f"make load: error: --host: {error}", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="load-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        making = stack.enter_context(ThreadPoolExecutor(1)).submit(
            samples_for, given, folder / "samples"
        )
        if given.host:
            run, found = drive(given, given.host.rstrip("/"), making.result())
        else:
            ledger = given.ledger or folder / "exchange.db"
            url, served, played, took = stack.enter_context(
                processes.exchange(folder, ledger, given.workers)
            )
            print(
                f"exchange: {url} after {took:.1f} s, {given.workers} worker(s); ledger {ledger}",
                flush=True,
            )
            run, found = drive(given, url, making.result(), served, played)
            run["start_seconds"] = round(took, 2)
            stack.close()
            if not verified(ledger):
                found.append("exchange verify found differences")
    run["exceeded"] = [*run.get("exceeded", []), *found]
    path = given.reports / f"load-{given.shape}.json"
    path.write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
    print("\n".join(f"not as it must be: {each}" for each in found) or "accounted for")
    print(
        f"reports: {path}, .html, _stats.csv; budget {given.budget}: "
        f"{'exceeded' if run['exceeded'] else 'kept'}"
    )
    return 1 if run["exceeded"] else 0


def samples_for(given: argparse.Namespace, folder: Path) -> Path:
    """The samples given, or calls of every sender made now: senders' times must not be older than a
    day.
    """
    if given.samples:
        return Path(given.samples)
    processes.make_samples(folder, SAMPLES_EACH, given.seed)
    return folder


def drive(
    given: argparse.Namespace,
    url: str,
    samples: Path,
    served: subprocess.Popen[bytes] | None = None,
    played: subprocess.Popen[bytes] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Run locust against the exchange; its report, and what is wrong with memory or the
    accounts.
    """
    found = calls.read(samples)
    if given.mix:
        try:
            found = workload.taken_by(workload.load(given.mix).flows, found)
        except ValueError as error:
            print(f"make load: error: --mix: {error}", file=sys.stderr)
            raise SystemExit(2) from error
    if not given.cold:
        warm_up(url, found, WARM_CALLS * given.workers)
    before = processes.counted(url)
    budget = budgets.load(given.budget)
    report = given.reports / f"load-{given.shape}.json"
    report.unlink(missing_ok=True)
    started = {"exchange": served, "stubs": played}
    processors = bottleneck.Processors({name: each.pid for name, each in started.items() if each})
    measured = processes.metrics(url)
    with processes.Memory(served.pid) if served else contextlib.nullcontext() as memory:
        locust(given, url, samples, report)
    if not report.exists():
        return {"exceeded": []}, ["locust wrote no report"]
    run: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    run["processor_seconds"] = processors.figures()
    # (Of several workers /metrics tells of whichever answers.)
    alone = served is not None and given.workers == 1
    run["commits"] = bottleneck.commits(measured, processes.metrics(url)) if alone else {}
    run["limited_by"] = bottleneck.limits(run, given.locusts)
    print(bottleneck.table(run, run["limited_by"]))
    run["still_waiting"] = processes.drain(url)
    parted = differences(run["accepted"], before, processes.counted(url), run["failures"])
    if memory is not None:
        run["memory"] = memory.figures()
        (given.reports / f"load-{given.shape}_memory.csv").write_text(
            "seconds,mib\n" + "".join(f"{second:.0f},{size:.1f}\n" for second, size in memory.seen),
            encoding="utf-8",
        )
        print(
            "memory of the largest process: "
            + ", ".join(f"{name} {size:.0f}" for name, size in run["memory"].items())
        )
        parted += budgets.exceeded_memory(run["memory"], budget)
    return run, parted


def warm_up(url: str, samples: list[calls.Sample], times: int) -> None:
    """Send so many calls of each kind one after the other, before anything is measured or counted.

    Each goes over a connection of its own, so that every worker of the exchange gets some. Raises
    what urllib does on a failure.
    """
    kinds = {
        (each.message_type, each.endpoint, each.headers.get("SOAPAction", "")): each
        for each in samples
    }
    numbers = calls.Numbers(calls.WORKERS_MAX - 1)
    for sample in kinds.values():
        for _ in range(times):
            prepared = sample.prepare(numbers.next())
            asked = urllib.request.Request(
                url + prepared.path,
                prepared.body or None,
                dict(prepared.headers),
                method=prepared.method,
            )
            urllib.request.urlopen(asked, timeout=60).close()


def locust(given: argparse.Namespace, url: str, samples: Path, report: Path) -> int:
    """One locust, or a master with so many workers; its exit code."""
    stem = report.with_suffix("")
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE)]
    run = [
        "--headless",
        "--host",
        url,
        "--only-summary",
        "--html",
        f"{stem}.html",
        "--csv",
        str(stem),
        "--report",
        str(report),
    ]
    for name in ("shape", "rate", "day", "factor", "seconds", "budget", "seed"):
        run += [f"--{name}", str(getattr(given, name))]
    run += [
        "--step-seconds",
        str(given.step_seconds),
        "--samples",
        str(samples),
        "--loglevel",
        "WARNING",
    ]
    mix = {"LOAD_MIX": str(given.mix.absolute())} if given.mix else {}
    if given.locusts == 1:
        return subprocess.run(
            [*command, *run],
            env=processes.environment(**mix),
            cwd=processes.ROOT,
            check=False,
            preexec_fn=ends_with_us(),
        ).returncode
    port = processes.free_port()
    distributed = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port)]
    distributed += ["--expect-workers", str(given.locusts), "--sources", str(given.locusts)]
    with contextlib.ExitStack() as stack:
        for number in range(given.locusts):
            worker = [
                "locust",
                "-f",
                str(LOCUSTFILE),
                "--worker",
                "--master-host",
                "127.0.0.1",
                "--master-port",
                str(port),
            ]
            log = Path(f"{stem}-worker-{number}.log")
            stack.enter_context(processes.process(worker, log, **mix))
        return subprocess.run(
            [*command, *run, *distributed],
            env=processes.environment(**mix),
            cwd=processes.ROOT,
            check=False,
            preexec_fn=ends_with_us(),
        ).returncode


def differences(
    accepted: dict[str, int],
    before: dict[tuple[str, str], int],
    after: dict[tuple[str, str], int],
    failures: int,
) -> list[str]:
    """Where the client's count of accepted calls and the exchange's counters part, by message type.

    With failed calls (a timeout, say) the exchange may have accepted more than the client knows of,
    never less. Types that the exchange counts none of before and after (the readings of a mailbox)
    are no messages.
    """
    found = []
    for message_type, count in sorted(accepted.items()):
        grown = {
            kind: after.get((message_type, kind), 0) - before.get((message_type, kind), 0)
            for kind in KINDS
        }
        if message_type in NO_MESSAGES:
            continue
        if grown["accepted"] < count or (not failures and grown["accepted"] != count):
            found.append(
                f"{message_type}: the client has {count} receipts, the exchange counted "
                f"{grown['accepted']}"
            )
        if grown["duplicate"] and not failures:
            found.append(
                f"{message_type}: {grown['duplicate']} duplicates, though every call has ids of "
                "its own"
            )
    return found


KINDS = ("accepted", "duplicate")
#: Calls that bring no message: a mailbox is read under the type that is fetched from it, and
#: acknowledged.
NO_MESSAGES = frozenset({"unemployment.benefit-data", "mailbox"})


def verified(ledger: Path) -> bool:
    """Whether `exchange verify` finds the ledger clean; says what it says."""
    command = [sys.executable, "-m", "exchange", "verify", "--ledger", f"sqlite:///{ledger}"]
    done = subprocess.run(
        command,
        env=processes.environment(),
        cwd=processes.ROOT,
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=ends_with_us(),
    )
    print(done.stdout.strip() or done.stderr.strip())
    return done.returncode == 0


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
