"""Locust's entry: options, the users of the workload, the shape, and the report and budget at the
end; see docs/load-testing.md.

exchange samples all --calls -n 5 --out samples locust -f loadtests/locustfile.py --headless --host
http://127.0.0.1:8080 --samples samples --shape flat --rate 50 --seconds 60
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from locust import LoadTestShape, events
from locust.runners import MasterRunner, WorkerRunner

from loadtests import budgets, calls, shapes, workload
from loadtests.report import report, table
from loadtests.users import TIMEOUT_SECONDS, Sender, Source, Spacer, kinds

#: Between the end of the arrivals and the end of the test: the workers start a little after the
#: master.
GRACE_SECONDS = 2.0

#: The published mix, or one's own.
WORKLOAD = workload.load(Path(os.environ.get("LOAD_MIX") or workload.PATH))
KINDS = kinds(WORKLOAD.sources, {key: workload.Mix((), ()) for key in WORKLOAD.sources})
#: More are never needed up to 30 workers.
SPACERS: list[Any] = [
    type(f"Spacer{number}", (Spacer,), {"abstract": False}) for number in range(6)
]
globals().update({kind.__name__: kind for kind in [*KINDS, *SPACERS]})

lateness: Counter[int] = Counter()
#: Calls by worker, as the master heard of them.
sent_by: Counter[str] = Counter()
broke_at = ""


@events.init_command_line_parser.add_listener
def options(parser: Any) -> None:
    """The options of a load; each is also a variable LOAD_<NAME>. The master hands them to its
    workers.
    """
    for name, kind, default, text in (
        (
            "samples",
            str,
            "samples",
            "folder that `exchange samples all --calls` wrote (on each worker's machine)",
        ),
        ("shape", str, "flat", f"one of {', '.join(shapes.NAMES)}"),
        (
            "rate",
            float,
            0.0,
            "calls a second on average (step: of the first step); instead of --day and --factor",
        ),
        ("day", float, 1_500_000.0, "calls of a day"),
        ("factor", float, 1.0, "how many times faster than a day"),
        ("seconds", float, 0.0, "length of the load; a whole day by --factor when 0"),
        ("step-seconds", float, 20.0, "length of a step"),
        ("budget", str, "ci", "a budget of budgets.toml"),
        ("sources", int, 1, "users of each kind: the number of workers"),
        ("seed", int, 1, "the same seed and workers make the same arrivals"),
        ("report", str, "", "file for the report as JSON"),
    ):
        variable = f"LOAD_{name.upper().replace('-', '_')}"
        parser.add_argument(
            f"--{name}",
            type=kind,
            default=default,
            help=text,
            env_var=variable,
            include_in_web_ui=True,
        )


def shape_of(given: Any) -> shapes.Shape:
    """The shape that the options ask for."""
    return shapes.make(
        given.shape,
        WORKLOAD,
        given.rate,
        given.seconds,
        given.day,
        given.factor,
        given.step_seconds,
    )


class Load(LoadTestShape):
    """One user of each kind for each worker, from the beginning to the end; what is due when is the
    sources' own matter.
    """

    def tick(self) -> tuple[int, float] | None:
        """How many users; None when the load is over or, with `step`, when it has broken."""
        assert self.runner is not None
        environment = self.runner.environment
        given = environment.parsed_options
        if self.get_run_time() > shape_of(given).seconds + GRACE_SECONDS or (
            given.shape == "step" and broken(environment)
        ):
            return None
        users = sum(kind.fixed_count for kind in environment.user_classes)
        return users, float(users)


def broken(environment: Any) -> bool:
    """Whether the last ten seconds were over the budget of steps."""
    global broke_at
    total = environment.stats.total
    budget = budgets.load(environment.parsed_options.budget)
    p99 = total.get_current_response_time_percentile(0.99)
    slow = p99 is not None and p99 > budget["p99_milliseconds"]
    failing = total.current_fail_per_sec > budget["failures_share"] * max(total.current_rps, 1.0)
    if slow or failing:
        second = time.time() - total.start_time
        shape = shape_of(environment.parsed_options)
        due, kept = shape.at(second), shape.kept_before(second)
        broke_at = f"broke after {second:.0f} s at {due:.0f} calls a second: " + (
            f"p99 {p99} ms" if slow else f"{total.current_fail_per_sec:.1f} failures a second"
        )
        broke_at += f"; the last rate that was kept: {kept:.0f} calls a second"
    return bool(slow or failing)


@events.init.add_listener
def prepare(environment: Any, **_: object) -> None:
    """Fix the numbers of users before anything is spawned."""
    environment.stop_timeout = TIMEOUT_SECONDS + 5
    if isinstance(environment.runner, WorkerRunner):
        return  # the master decides how many of which kind, and a worker must know them all
    count = environment.parsed_options.sources if environment.parsed_options else 1
    for kind in KINDS:
        kind.fixed_count = count
    for spacer in SPACERS:
        spacer.fixed_count = count
    left_out = SPACERS[workload.spacers(len(KINDS), count) :]
    environment.user_classes = [kind for kind in environment.user_classes if kind not in left_out]


@events.test_start.add_listener
def begin(environment: Any, **_: object) -> None:
    """Read the samples and open the sender, in whatever process sends."""
    if isinstance(environment.runner, MasterRunner):
        return
    given = environment.parsed_options
    samples = calls.read(Path(given.samples))
    mixes = {
        key: workload.Mix(
            [flow for flow in WORKLOAD.flows if (flow.channel, flow.sector) == key], samples
        )
        for key in WORKLOAD.sources
    }
    for left_out in (flow for mix in mixes.values() for flow in mix.missing):
        print(
            f"no samples of {left_out.message_type} from {left_out.sector}: left out",
            file=sys.stderr,
        )
    unknown = {
        (each.sector, each.message_type)
        for each in samples
        if not any(flow.takes(each) for flow in WORKLOAD.flows)
    }
    for sector, message_type in sorted(unknown):
        print(f"{message_type} from {sector} is not in the workload: left out", file=sys.stderr)
    worker = environment.runner.worker_index if isinstance(environment.runner, WorkerRunner) else 0
    total = sum(mix.calls for mix in mixes.values())
    Source.sender = Sender(
        host=environment.host,
        worker=worker,
        samples=samples,
        shape=shape_of(given),
        calls_a_year=total,
        sources=given.sources,
        seed=given.seed,
        secret=os.environ.get("EXCHANGE_CALLBACK_SECRET", ""),
    )
    for kind in KINDS:
        kind.mix = mixes[kind.channel, kind.sector]


@events.report_to_master.add_listener
def hand_over(client_id: str, data: dict[str, Any]) -> None:
    """A worker's lateness goes to the master with its statistics."""
    sender: Sender | None = getattr(Source, "sender", None)
    if sender is not None:  # a worker reports before the load begins, too
        data["lateness"], sender.lateness = dict(sender.lateness), Counter()


@events.worker_report.add_listener
def take_over(client_id: str, data: dict[str, Any]) -> None:
    """The master adds up."""
    sent_by[client_id] += data["stats_total"]["num_requests"]
    lateness.update({int(key): count for key, count in data.get("lateness", {}).items()})


@events.quitting.add_listener
def end(environment: Any, **_: object) -> None:
    """Print and write the report; the exit code says whether the budget was kept. Workers leave
    that to the master.
    """
    if isinstance(environment.runner, WorkerRunner) or not hasattr(environment.stats, "total"):
        return
    given = environment.parsed_options
    late = (
        lateness
        if isinstance(environment.runner, MasterRunner)
        else getattr(Source, "sender", None) and Source.sender.lateness
    )
    run = report(
        environment.stats,
        late or {},
        shape_of(given).seconds if given.shape != "step" else run_seconds(environment),
    )
    found = [] if given.shape == "step" else budgets.exceeded(run, budgets.load(given.budget))
    run |= {
        "shape": given.shape,
        "budget": given.budget,
        "exceeded": found,
        "broke_at": broke_at,
        "sent_by": sorted(sent_by.values()),
    }
    print(table(run))
    print(
        "\n".join([*([broke_at] if broke_at else []), *(f"over budget: {each}" for each in found)])
        or "within budget"
    )
    if given.report:
        Path(given.report).write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
    environment.process_exit_code = 1 if found else 0


def run_seconds(environment: Any) -> float:
    """From the first call to the last."""
    total = environment.stats.total
    return float((total.last_request_timestamp or 0) - total.start_time)
