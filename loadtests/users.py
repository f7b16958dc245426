"""Locust users, one kind for each channel and sector: they start calls when these are due and never
wait for an answer to do so.

A user of locust is a closed loop: it sends, waits for the answer, sends again, so a slow server is
asked less and the calls that it held up are never measured. Here a user is a source of arrivals
instead: each call has a due time from the load's shape, gets a greenlet of its own at that time,
and its latency counts from the due time, not from when the client got round to it.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gevent
from gevent.pool import Group
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPConnectionClosed
from locust import User, task

from loadtests.arrivals import Arrivals
from loadtests.calls import Numbers, Prepared, Sample, signed
from loadtests.replies import NotTaken, complaint, leased
from loadtests.shapes import Shape
from loadtests.workload import Mix

CONNECTIONS_MAX = 512
#: Calls under way in one process; with more, a call fails at once and counts as a failure.
IN_FLIGHT_MAX = 5_000
TIMEOUT_SECONDS = 30.0
#: How long a user looks ahead before it lets locust stop it.
SLICE_SECONDS = 0.25
MAILBOX = "/mailbox"
ACKNOWLEDGEMENT = "mailbox acknowledgement"


@dataclass(slots=True)
class Sender:
    """What all sources of a process share: the connections, fresh numbers, the samples and the
    shape; and how late calls started.
    """

    host: str
    worker: int
    samples: list[Sample]
    shape: Shape
    calls_a_year: float
    sources: int
    seed: int
    #: What signs pushes to a partner.
    secret: str = ""
    client: HTTPClient = field(init=False)
    numbers: Numbers = field(init=False)
    group: Group = field(init=False)
    begun: float = field(init=False)
    started: Iterator[int] = field(init=False)
    #: Milliseconds (whole) between due and start -> how many calls: what the client itself adds to
    #: every latency.
    lateness: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.client = HTTPClient.from_url(
            self.host,
            concurrency=CONNECTIONS_MAX,
            connection_timeout=TIMEOUT_SECONDS,
            network_timeout=TIMEOUT_SECONDS,
        )
        self.numbers = Numbers(self.worker)
        self.group = Group()
        self.begun = time.perf_counter()
        self.started = iter(range(1_000_000_000))

    def call(self, prepared: Prepared) -> tuple[int, bytes]:
        """(status, body) of a call; once more when a kept connection was closed before the reply,
        since ids make that safe.
        """
        for again in (True, False):
            try:
                response = self.client.request(
                    prepared.method,
                    prepared.path,
                    body=prepared.body,
                    headers=dict(prepared.headers),
                )
                return response.status_code, bytes(response.read())
            except HTTPConnectionClosed:
                if not again:
                    raise
        raise AssertionError("unreachable")


class Source(User):
    """The calls of one sector on one channel."""

    abstract = True
    channel: ClassVar[str]
    sector: ClassVar[str]
    mix: ClassVar[Mix]
    sender: ClassVar[Sender]

    def on_start(self) -> None:
        """Begin the source's own sequence of arrivals."""
        sender = self.sender
        part = self.mix.calls / sender.calls_a_year / sender.sources if sender.calls_a_year else 0.0
        rng = random.Random(
            f"{sender.seed}:{sender.worker}:{next(sender.started)}:{self.channel}:{self.sector}"
        )
        self._arrivals = iter(Arrivals(self.mix, sender.shape, part, rng))
        self._next = next(self._arrivals, None)

    @task
    def arrive(self) -> None:
        """Start whatever is due in the next moment, each call at its time."""
        until = time.perf_counter() + SLICE_SECONDS
        while self._next is not None:
            due = self.sender.begun + self._next[0]
            if due > until:
                break
            if (early := due - time.perf_counter()) > 0:
                gevent.sleep(early)
            self._start(due, self._next[1])
            self._next = next(self._arrivals, None)
        gevent.sleep(max(until - time.perf_counter(), 0))

    def on_stop(self) -> None:
        """Wait for the calls under way: what was sent is measured."""
        self.sender.group.join(timeout=TIMEOUT_SECONDS + 1)

    def _start(self, due: float, sample: Sample) -> None:
        if len(self.sender.group) >= IN_FLIGHT_MAX:
            self._fire(
                sample,
                f"{sample.message_type} {self.sector}",
                due,
                0,
                NotTaken("not sent: too many calls under way"),
            )
            return
        self.sender.group.spawn(self._send, due, sample)

    def _send(self, due: float, sample: Sample) -> None:
        sender = self.sender
        sender.lateness[int(1000 * (time.perf_counter() - due))] += 1
        name = f"{sample.message_type} {self.sector}"
        prepared = sample.prepare(sender.numbers.next())
        if sample.pushed:
            prepared = signed(prepared, sender.secret, time.time())
        body = self._measured(sample, name, due, prepared)
        if sample.endpoint.endswith(MAILBOX) and (held := leased(body)):
            headers = {**sample.headers, "Content-Type": "application/json"}
            acknowledgement = Prepared(
                "POST",
                f"{sample.endpoint}/acknowledgements",
                headers,
                json.dumps({"deliveries": held}).encode(),
            )
            self._measured(sample, ACKNOWLEDGEMENT, time.perf_counter(), acknowledgement)

    def _measured(self, sample: Sample, name: str, due: float, prepared: Prepared) -> bytes:
        """The reply's body, after the call is told to locust with its latency from `due`."""
        body = b""
        failed: Exception | None = None
        try:
            status, body = self.sender.call(prepared)
            if reason := complaint(status, body):
                failed = NotTaken(reason)
        except Exception as error:  # whatever befalls a call is its outcome, and locust lists it
            failed = error
        self._fire(sample, name, due, len(body), failed)
        return body

    def _fire(
        self, sample: Sample, name: str, due: float, size: int, failed: Exception | None
    ) -> None:
        self.environment.events.request.fire(
            request_type=sample.channel,
            name=name,
            response_time=1000 * (time.perf_counter() - due),
            response_length=size,
            exception=failed,
            context={},
        )


class Spacer(User):
    """Does nothing: makes the number of kinds of users coprime with the workers', so that each
    worker gets one of every kind.
    """

    abstract = True

    @task
    def rest(self) -> None:
        """Nothing."""
        gevent.sleep(SLICE_SECONDS)


def kinds(keys: list[tuple[str, str]], mixes: dict[tuple[str, str], Mix]) -> list[type[Source]]:
    """A class for each (channel, sector), named so: `KelmuWellbeingCounty`."""
    made: list[type[Source]] = []
    for channel, sector in keys:
        name = "".join(word.capitalize() for word in f"{channel}-{sector}".split("-"))
        members: dict[str, Any] = {
            "channel": channel,
            "sector": sector,
            "mix": mixes[channel, sector],
            "abstract": False,
        }
        made.append(type(name, (Source,), members))
    return made
