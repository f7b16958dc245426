"""What locust loads: one class of users for each channel and sector, the shape, and the events; each does little but call others.

    locust -f loadtests/locustfile.py --headless --host http://127.0.0.1:8080 --calls samples --shape flat --rate 50

`make load` does all of it: samples, exchange, stubs, report. Here gevent rules, so nothing of the exchange is imported.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from locust import LoadTestShape, events

from loadtests import calls, outcome, shapes, workload
from loadtests.budgets import load as load_budgets
from loadtests.schedule import Schedule
from loadtests.sending import PartnerUser, Post, kinds_of_users

#: One class of users for each channel and sector, by name; locust finds them among this module's names.
USERS: dict[str, type[PartnerUser]] = {
    name: type(
        name, (PartnerUser,), {"channel": channel, "sector": sector, "workload": part, "share": share, "__module__": __name__}
    )
    for name, channel, sector, part, share in kinds_of_users(workload.load())
}
globals().update(USERS)

#: How late this process (or, at the master, every worker) was in starting calls: milliseconds -> calls.
LATE: Counter[int] = Counter()

#: Users started a second: all at once.
AT_ONCE = 10_000.0
#: How often a worker tells the master its figures.
REPORT_SECONDS = 3.0


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """Our options; a master hands them to its workers."""
    group = parser.add_argument_group("exchange")
    group.add_argument("--calls", type=str, default="samples", help="folder with calls.jsonl (exchange samples TYPE... --calls)")
    group.add_argument("--shape", dest="load_shape", default="flat", choices=sorted(shapes.SHAPES), help="how the rate goes")
    group.add_argument("--rate", type=float, default=0.0, help="calls a second, all senders together (0: the shape's own)")
    group.add_argument("--seconds", type=float, default=0.0, help="how long (0: the shape's own)")
    group.add_argument("--times", type=float, default=1.0, help="multiplies the rate")
    group.add_argument("--compress", type=float, default=1440.0, help="seconds of a working day that go into one")
    group.add_argument("--peak", type=float, default=5.0, help="the pay-day spike over the ordinary rate")
    group.add_argument("--steps", type=int, default=shapes.STEPS, help="steps of the shape `step`")
    group.add_argument("--even", action="store_true", help="calls at equal distances instead of independent ones")
    group.add_argument("--senders", type=int, default=1, help="processes that send: workers, or 1 without a master")
    group.add_argument("--budget", default="default", help="which budget of budgets.toml the run must keep")
    group.add_argument("--budgets", type=str, default="", help="another file of budgets")
    group.add_argument("--report", type=str, default="", help="where the result goes as JSON")


def wished(options: Any, hours: Any) -> Schedule:
    """The schedule that the options ask for."""
    wish = shapes.Wish(options.rate, options.seconds, options.times, options.compress, options.peak, options.steps)
    return shapes.schedule_of(options.load_shape, wish, hours)


class Profile(LoadTestShape):
    """Starts one user of every class on every sender, and ends the run when the schedule is over or a step breaks."""

    steps: ClassVar[outcome.Steps | None] = None
    schedule: Schedule | None = None

    def tick(self) -> tuple[int, float] | None:
        """How many users there should be; None ends the run."""
        environment = self.runner.environment
        options = environment.parsed_options
        if self.schedule is None:
            self.schedule = wished(options, workload.load().hours)
            for user in environment.user_classes:
                user.fixed_count = options.senders
            if options.load_shape == "step":
                Profile.steps = outcome.Steps(self.schedule, load_budgets(options.budget, options.budgets))
        ran = self.get_run_time()
        heard_after = REPORT_SECONDS if options.senders > 1 else 0.0
        broken = Profile.steps is not None and Profile.steps.look(ran - heard_after, environment.stats)
        if broken or ran > self.schedule.seconds:
            return None
        users = len(environment.user_classes) * options.senders
        return users, AT_ONCE


@events.test_start.add_listener
def prepare(environment: Any, **_: Any) -> None:
    """In each process that sends: read samples, open connections, hand every class its part."""
    options, runner = environment.parsed_options, environment.runner
    if type(runner).__name__ == "MasterRunner":
        return
    plan = workload.load()
    samples = calls.by_flow(calls.read(Path(options.calls)))
    post = Post(environment.host, max(getattr(runner, "worker_index", 0), 0))
    whole = sum(user.share for user in environment.user_classes)
    for user in environment.user_classes:
        missing = [flow.key for flow in user.workload.flows if flow.key not in samples]
        if missing:
            logging.error("no samples of %s: those flows are left out", ", ".join(map(str, missing)))
            kept = [flow for flow in user.workload.flows if flow.key in samples]
            user.workload = workload.Workload(kept, plan.accepted, plan.hours)
        user.schedule, user.even, user.samples, user.post = wished(options, plan.hours), options.even, samples, post
        user.share = user.share / whole / options.senders
    environment.exchange_post = post


@events.report_to_master.add_listener
def tell_master(client_id: str, data: dict[str, Any]) -> None:
    """A worker's notes go with its figures."""
    post = next((user.post for user in USERS.values() if hasattr(user, "post")), None)
    data["late"] = post.take_notes() if post is not None else {}


@events.worker_report.add_listener
def hear_worker(client_id: str, data: dict[str, Any]) -> None:
    """The master adds up the workers' notes."""
    LATE.update({int(milliseconds): count for milliseconds, count in data.get("late", {}).items()})


@events.quitting.add_listener
def judge(environment: Any, **_: Any) -> None:
    """Where the figures are, judge them by the budget, write the result and set the exit code."""
    if type(environment.runner).__name__ == "WorkerRunner":
        return
    options = environment.parsed_options
    if (post := getattr(environment, "exchange_post", None)) is not None:
        LATE.update({int(milliseconds): count for milliseconds, count in post.take_notes().items()})
    schedule = wished(options, workload.load().hours)
    steps = Profile.steps.rows if Profile.steps is not None else []
    result = outcome.result_of(environment.stats, LATE, schedule, steps)
    broken = outcome.broken(result, load_budgets(options.budget, options.budgets))
    result["budget"], result["broken"] = options.budget, broken
    print(outcome.text(result), flush=True)
    if options.report:
        Path(options.report).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    environment.process_exit_code = 1 if broken else 0
