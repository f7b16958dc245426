"""Open-model users for locust: calls start when they are due whatever became of earlier ones; what is sent lives in `calls`.

Locust's own users wait for an answer before they call again (a closed model), so a server that stalls is called less, and the
calls that it held up are never measured. Here a user only keeps the time: it starts a greenlet for each call when the call is
due, and a call's latency counts from that moment, waiting for the client itself and for a connection included.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import gevent
from gevent.pool import Pool
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError
from locust import User, constant, task
from locust.user.task import LOCUST_STATE_STOPPING

from loadtests.calls import Recorded, now, numbers_from
from loadtests.schedule import Schedule
from loadtests.workload import Workload, class_name

#: Calls of one process that may be under way; with more, calls start late and their latency shows it.
IN_FLIGHT_MAX = 5000
#: Connections of one process.
CONNECTIONS_MAX = 1000
CONNECT_SECONDS = 10.0
#: How long a reply is waited for.
REPLY_SECONDS = 60.0
NO_REPLY = "no reply"
#: The run's end comes a little before that of a user who was started a little late: only an earlier one ends the calls.
EARLY_SECONDS = 3.0
#: What a mailbox reader does with what it was given: this door, under the mailbox's own, takes the ids.
ACKNOWLEDGEMENTS = "/acknowledgements"


class Post:
    """One process's connections, numbers and notes: shared by all its users. `late` counts calls by the milliseconds that
    the process itself was late in starting them: where that is much, the machine of the sender was too slow."""

    def __init__(self, host: str, sender: int) -> None:
        self.client = HTTPClient.from_url(
            host,
            concurrency=CONNECTIONS_MAX,
            connection_timeout=CONNECT_SECONDS,
            network_timeout=REPLY_SECONDS,
            headers={"User-Agent": "exchange-loadtests"},
        )
        self.under_way = Pool(IN_FLIGHT_MAX)
        self.late: Counter[int] = Counter()
        self._number = numbers_from(time.time(), sender)

    def number(self) -> int:
        """A number that no other call has."""
        self._number += 1
        return self._number

    def exchange(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of the reply.

        Raises:
            OSError, HTTPParseError: when there is none.
        """
        response = self.client.request(method, path, body=body, headers=headers)
        return response.status_code, bytes(response.read())

    def take_notes(self) -> dict[str, int]:
        """How late calls were since the last time that somebody asked."""
        notes = {str(milliseconds): count for milliseconds, count in self.late.items()}
        self.late.clear()
        return notes


class OpenUser(User):  # type: ignore[misc]
    """A source of calls: so much of a schedule as `share` says, in one task that ends when the last reply has come."""

    abstract = True
    #: The task is done once: afterwards the user waits to be ended.
    wait_time = constant(1e9)
    #: Channel and name in the reports, and the share of all calls.
    channel: ClassVar[str] = ""
    share: ClassVar[float] = 1.0
    schedule: ClassVar[Schedule]
    even: ClassVar[bool] = False
    post: ClassVar[Post]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._rng = random.Random()

    @task
    def keep_time(self) -> None:
        """Start every call when it is due, unless the run is ended early; then wait for the replies."""
        begun = now()
        ends = begun + self.schedule.seconds
        for after in self.schedule.arrivals(self.share, self._rng, self.even):
            due = begun + after
            if (early := due - now()) > 0:
                gevent.sleep(early)
            if self._state == LOCUST_STATE_STOPPING and ends - now() > EARLY_SECONDS:
                break
            self.post.under_way.spawn(self._carry, due)
        self.post.under_way.join()

    def _carry(self, due: float) -> None:
        self.post.late[round((now() - due) * 1000)] += 1
        name, length, problem = self.carry(self._rng)
        self.environment.events.request.fire(
            request_type=self.channel,
            name=name,
            response_time=(now() - due) * 1000,
            response_length=length,
            exception=Refused(problem) if problem else None,
            context={},
        )

    def carry(self, rng: random.Random) -> tuple[str, int, str]:
        """Make one call: its name in the reports, the length of the reply, and what was wrong (empty: nothing)."""
        raise AssertionError("a kind of user says what it sends")


class Refused(Exception):
    """The reply was no yes, or there was none."""


class PartnerUser(OpenUser):
    """The partners of one sector on one channel: sends their flows by weight."""

    abstract = True
    workload: ClassVar[Workload]
    samples: ClassVar[dict[tuple[str, str, str], list[Recorded]]]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._flows = list(self.workload.flows)
        self._weights = [flow.yearly for flow in self._flows]

    def carry(self, rng: random.Random) -> tuple[str, int, str]:
        """A sample of a flow, with ids of its own; what a mailbox gave is acknowledged outside of the measured time's call."""
        flow = rng.choices(self._flows, self._weights)[0]
        sample = rng.choice(self.samples[flow.key])
        headers, body = sample.fresh(self.post.number())
        try:
            status, reply = self.post.exchange(sample.method, sample.path, headers, body)
        except (OSError, HTTPParseError) as error:
            return flow.name, 0, f"{NO_REPLY}: {type(error).__name__}"
        problem = self.workload.judge(self.channel, status, reply)
        if sample.method == "GET" and not problem:
            problem = self._acknowledge(sample, reply)
        return flow.name, len(reply), problem

    def _acknowledge(self, sample: Recorded, reply: bytes) -> str:
        """Take over what a mailbox gave; part of the same reading."""
        ids = [delivery["id"] for delivery in json.loads(reply).get("deliveries", ())]
        if not ids:
            return ""
        headers = {**sample.headers, "Content-Type": "application/json"}
        path = sample.path.partition("?")[0] + ACKNOWLEDGEMENTS
        try:
            status, reply = self.post.exchange("POST", path, headers, json.dumps({"deliveries": ids}).encode())
        except (OSError, HTTPParseError) as error:
            return f"{NO_REPLY}: {type(error).__name__}"
        return self.workload.judge(self.channel, status, reply)


def kinds_of_users(workload: Workload) -> Iterator[tuple[str, str, str, Workload, float]]:
    """For each channel and sector: a name for the class, channel, sector, its flows, and their share of all calls."""
    whole = sum(flow.yearly for flow in workload.flows)
    for channel, sector in sorted({(flow.channel, flow.sector) for flow in workload.flows}):
        part = workload.only([channel], [sector])
        yield class_name(channel, sector), channel, sector, part, sum(flow.yearly for flow in part.flows) / whole
