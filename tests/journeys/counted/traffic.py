"""Traffic of every kind that can be found: every flow of every stub, every message type and golden
sample from every sector to every sector, at every endpoint; and partners that refuse, are late, or
never answer.
"""

from __future__ import annotations

import datetime
import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

from exchange import discovery
from exchange.errors import Unreachable
from exchange.partners.stub import Sending, Situation, Stub
from exchange.ports import Channel
from exchange.schemas.call import Call, Reply, problem
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory, Partner

DEPTH_MAX = 4
#: What befalls the deliveries of one kind in turn; a late partner answers after many attempts.
FAULTS = ("", "", "refuse", "", "", "late", "", "", "gone", "")
LATE_ATTEMPTS = 7
#: The name of an XML document's root element.


@dataclass
class Town:
    """All partners, as the exchange's transport; what they send of their own accord waits in
    `following`.
    """

    stubs: Sequence[Stub]
    directory: Directory
    now: Any
    following: list[Sending] = field(default_factory=list)
    _attempts: Counter[str] = field(default_factory=Counter)
    _faults: dict[str, str] = field(default_factory=dict)
    _kinds: Counter[str] = field(default_factory=Counter)

    def situation(self, seed: int | str) -> Situation:
        """What a stub may use, by a seed."""
        return Situation(
            rng=random.Random(seed),
            now=self.now(),
            serial=crc32(str(seed).encode()),
            directory=self.directory,
            signs=False,
        )

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """The partner's reply. The fault depends on the delivery alone: bodies hold signatures with
        keys that each run makes anew.
        """
        delivery_id = call.headers["X-Delivery-Id"]
        self._attempts[delivery_id] += 1
        attempt, fault = self._attempts[delivery_id], self._fault(delivery_id, call)
        if fault == "refuse":
            return problem(422, "Refused")
        if fault == "gone" or (fault == "late" and attempt < LATE_ATTEMPTS):
            raise Unreachable("nobody there")
        for stub in self.stubs:
            served = stub.serve(partner, call, self.situation(f"{delivery_id}/{attempt}"))
            if served is not None:
                self.following += served.then
                return served.reply
        return problem(422, "Not served")

    def _fault(self, delivery_id: str, call: Call) -> str:
        """What befalls a delivery: each fault in turn among those of its kind, so that most of each
        kind get through whatever else there is.
        """
        if delivery_id not in self._faults:
            kind = _kind(call)
            self._faults[delivery_id] = FAULTS[self._kinds[kind] % len(FAULTS)]
            self._kinds[kind] += 1
        return self._faults[delivery_id]


def _kind(call: Call) -> str:
    """The type of a delivery."""
    return call.headers["X-Message-Type"]


def families(channel: Channel) -> Iterator[str]:
    """The message types that a channel carries."""
    for message_type in Catalogue.load():
        if message_type.folder.name in channel.families:
            yield message_type.name


def by_sector(directory: Directory) -> dict[tuple[str, bool], list[Partner]]:
    """The partners by their sector, those in Finland and those abroad apart."""
    found: dict[tuple[str, bool], list[Partner]] = {}
    for partner in directory:
        found.setdefault((partner.sector, partner.country == "FI"), []).append(partner)
    return found


def flows(
    directory: Directory, town: Town, seed: int = 0, half: int | None = None
) -> Iterator[Sending]:
    """What partners send when they begin, then one call of each flow, and for each flow (`half` 0
    or 1: for every second one, and those between) one with items that are not right, so that a part
    of them is taken where a channel takes parts.
    """
    for stub in town.stubs:
        yield from stub.begin(directory, town.situation(stub.channel))
    for stub in town.stubs:
        for number, flow in enumerate(stub.flows(directory), seed):
            yield flow.make(town.situation(number + 7_000))
            if half is None or number % 2 == half:
                spoilt = flow.make(town.situation(number + 9_000))
                yield replace(spoilt, call=_spoilt(spoilt.call))


def readdressed(directory: Directory, town: Town, rounds: int = 1) -> Iterator[Sending]:
    """A call of each flow's type and sector, to a partner of every sector instead of its own
    receiver; of one round, of every second sector, and of those between for the next flow.
    """
    seen = set()
    for stub in town.stubs:
        for flow in stub.flows(directory):
            sender = directory.get(flow.partner)
            assert sender is not None
            if (flow.message_type, sender.sector) in seen:
                continue
            seen.add((flow.message_type, sender.sector))
            for number, group in enumerate(by_sector(directory).values()):
                if rounds == 1 and (number + len(seen)) % 2:
                    continue
                receiver = group[-1]
                made = flow.make(town.situation(f"{flow.name}/{receiver.id}/{number}"))
                yield replace(made, call=_to(made.call, sender, receiver, directory))


def _to(call: Call, sender: Partner, receiver: Partner, directory: Directory) -> Call:
    """The call to another receiver, named in the body where it names one, else in its header."""
    for partner in directory:
        for old, new in ((partner.id, receiver.id), (partner.eessi_id, receiver.eessi_id)):
            if old and new and partner is not sender and b'"%b"' % old.encode() in call.body:
                body = call.body.replace(b'"%b"' % old.encode(), b'"%b"' % new.encode())
                return replace(call, body=body)
    return replace(call, headers={**call.headers, "X-Receiver": receiver.id})


def batches(directory: Directory, town: Town, seed: int = 0) -> Iterator[Sending]:
    """The flows of each channel that takes batches, twenty messages at a time."""
    for stub in town.stubs:
        paths = [endpoint.path for endpoint in discovery.channels()[stub.channel].endpoints]
        for path in (each for each in paths if each.endswith("/batches")):
            calls = [
                flow.make(town.situation(number)).call
                for number, flow in enumerate(stub.flows(directory), seed + 11_000)
            ]
            by_key: dict[str, list[Call]] = {}
            for call in calls:
                if call.method == "POST":
                    by_key.setdefault(call.headers["X-API-Key"], []).append(call)
            for key, part in by_key.items():
                headers = {"X-API-Key": key, "Content-Type": "application/x-ndjson"}
                yield Sending(Call("POST", path, headers, b"\n".join(map(_entry, part))))


def _entry(call: Call) -> bytes:
    """A call as a line of a batch."""
    keys = {"X-Message-Type": "type", "X-Message-Id": "id", "X-Receiver": "receiver"}
    keys["X-Conversation-Id"] = "conversation"
    said = {key: call.headers[name] for name, key in keys.items() if name in call.headers}
    is_json = "json" in call.headers["Content-Type"]
    return json.dumps(
        {**said, "body": json.loads(call.body) if is_json else call.body.decode()}
    ).encode()


def _spoilt(call: Call) -> Call:
    """A code of three digits in the middle of a body is one that there is not or, where it has
    none, a date in the far future.
    """
    for pattern, wrong in (
        (rb">[0-9]{3}<", b">999<"),
        (rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}", b"2039-12-31"),
    ):
        if places := list(re.finditer(pattern, call.body)):
            first, end = places[len(places) // 2].span()
            return replace(call, body=call.body[:first] + wrong + call.body[end:])
    return call


def crossed(
    directory: Directory, town: Town, seed: int = 0, rounds: int = 1, half: int | None = None
) -> Iterator[Sending]:
    """Each message type from each sector; receivers and endpoints in turn, so that over many rounds
    each pair of type, sender, receiver and endpoint occurs. `half` 0 or 1: every second pair of
    type and sector, and those between.
    """
    groups, serial = list(by_sector(directory).values()), itertools.count(seed + 1)
    generators = discovery.generators()
    for stub in town.stubs:
        channel = discovery.channels()[stub.channel]
        endpoints = [
            endpoint.path
            for endpoint in channel.endpoints
            if endpoint.takes_messages and endpoint.method == "POST" and "{" not in endpoint.path
        ]
        for (t, name), (s, senders), turn in itertools.product(
            enumerate(sorted(families(channel))), enumerate(groups), range(rounds)
        ):
            number = next(serial)
            if name not in generators or (half is not None and (t + s) % 2 != half):
                continue
            rng = random.Random(number)
            date = datetime.datetime.fromtimestamp(town.now() / 1000, datetime.UTC).date()
            made = generators[name](rng, date, 10_000 + number)
            receivers = groups[(t + s + turn + seed) % len(groups)]
            sender, receiver = (each[number % len(each)] for each in (senders, receivers))
            endpoint = endpoints[(t + 2 * s + turn) % len(endpoints)]
            yield from _submitted(
                stub, sender, receiver, name, made.message_id, made.body, endpoint
            )


def golden(directory: Directory, town: Town, turns: int = 3) -> Iterator[Sending]:
    """Every golden message, valid or not (partial and rejected ones among them), so many times from
    each sector in turn.
    """
    groups = list(by_sector(directory).values())
    for folder, stub in zip(discovery.adapter_folders(), town.stubs, strict=True):
        root = Path(str(discovery.part(folder, "channel").__file__)).parent
        files = [
            each
            for each in sorted(root.rglob("*"))
            if "samples" in each.parts and each.suffix in (".xml", ".json")
        ]
        for number, path in enumerate(each for each in files if ".expected" not in each.name):
            for turn in range(turns):
                sender = groups[(number + 5 * turn) % len(groups)][0]
                name = path.name.partition("--")[0]
                message_id = f"golden-{number}-{turn}"
                body = path.read_bytes()
                yield from _submitted(stub, sender, None, name, message_id, body, "")


def _submitted(
    stub: Stub,
    sender: Partner,
    receiver: Partner | None,
    name: str,
    message_id: str,
    body: bytes,
    endpoint: str,
) -> Iterator[Sending]:
    """The call that a stub makes of a message, at its own endpoint and at another one."""
    try:
        call = stub.submit(sender, name, message_id, body, receiver.id if receiver else "")
    except ValueError:
        return
    yield Sending(call)
    if receiver is not None:
        yield Sending(_renamed(stub.submit(sender, name, message_id, body, ""), "-default"))
    if endpoint and endpoint != call.path:
        yield Sending(_renamed(replace(call, path=endpoint), "-other"))


def _renamed(call: Call, suffix: str) -> Call:
    headers = dict(call.headers)
    if "X-Message-Id" in headers:
        headers["X-Message-Id"] = f"{headers['X-Message-Id'][:150]}{suffix}"
    return replace(call, headers=headers)
