"""Ways of messages other than partners' calls: files that partners leave, a partner that is added
while the exchange runs, letters that are sent again or skipped by a filter.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from exchange import discovery
from exchange.assembly import Exchange
from exchange.journey.files.drop import IN
from exchange.journey.files.listing import QUIET_SECONDS
from exchange.journey.mailbox import JOB_EVERY_SECONDS
from exchange.journey.repeat import Repeated
from exchange.ports import Actor
from exchange.ports.rows import DeadFilter
from exchange.schemas.call import XML, Call
from exchange.schemas.directory import Directory, Partner
from tests.journeys.counted.traffic import Town

#: A partner that is in no directory file: it is added before midnight, and begins to send at once.
ADDED = Partner("pension.added", "Uusi eläkelaitos", "pension-institution", business_id="9900101-0")
ADDED_KEY = "key-of-a-partner-that-was-added"
#: It leaves no files, so that what comes into its mailbox lies there until it expires.
WITHOUT_FOLDER = "fund.finka"
#: Whose flows the partner that was added sends, too.
_LIKE = "pension.elo"
_BODY = re.compile(rb"<(?:\w+:)?Body[^>]*>(.*)</(?:\w+:)?Body>", re.DOTALL)
#: DeliveryDataType of what the Incomes Register takes as files, by message type.
_REGISTER_TYPES = {"income-register.wage-reports": 100, "income-register.benefit-reports": 102}


def leave_files(root: Path, directory: Directory, town: Town, seed: int) -> None:
    """A file of each flow of each channel that takes files, in its sender's folder, as old as it
    must be.
    """
    for stub in town.stubs:
        if discovery.channels()[stub.channel].files is None:
            continue
        for number, flow in enumerate(stub.flows(directory), seed):
            if flow.partner == WITHOUT_FOLDER:
                continue
            call = flow.make(town.situation(number + 13_000)).call
            name = _file_name(stub.channel, flow.message_type, call, number)
            if not name:
                continue
            folder = root / stub.channel / flow.partner / IN
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(_content(stub.channel, call))
            at = town.now() / 1000 - QUIET_SECONDS - 60
            os.utime(folder / name, (at, at))


def _file_name(channel: str, message_type: str, call: Call, number: int) -> str:
    """What a file with that message is called; empty for a call that is no message in a file."""
    if channel == "income-register":
        data_type = _REGISTER_TYPES.get(message_type)
        return f"{data_type}_{number}.xml" if data_type else ""
    assert channel == "luova", "say here what its files are called"
    if "X-Message-Id" not in call.headers:
        return ""
    suffix = "xml" if call.headers["Content-Type"] == XML else "json"
    receiver = call.headers.get("X-Receiver", "")
    return f"{message_type}~{call.headers['X-Message-Id']}~{receiver}".rstrip("~") + f".{suffix}"


def _content(channel: str, call: Call) -> bytes:
    inside = _BODY.search(call.body) if channel == "income-register" else None
    return inside[1] if inside else call.body


async def add_partner(exchange: Exchange, actor: Actor) -> None:
    """Add `ADDED` to the running exchange."""
    await exchange.added_partners.add(ADDED, ADDED_KEY, actor)


def added_calls(directory: Directory, town: Town, seed: int) -> Iterator[Call]:
    """What the partner that was added sends, and what is sent to it."""
    for stub in town.stubs:
        for number, flow in enumerate(stub.flows(directory), seed):
            call = flow.make(town.situation(f"added/{number}")).call
            if flow.partner == _LIKE and call.headers.get("X-API-Key"):
                yield _renamed(call, {"X-API-Key": ADDED_KEY})
            elif call.headers.get("X-Receiver") == _LIKE:
                yield _renamed(call, {"X-Receiver": ADDED.id})


def _renamed(call: Call, headers: dict[str, str]) -> Call:
    if "X-Message-Id" in call.headers:
        headers = {**headers, "X-Message-Id": f"{call.headers['X-Message-Id']}-added"}
    return replace(call, headers={**call.headers, **headers})


async def see_to_letters(exchange: Exchange, actor: Actor) -> None:
    """Send the letters that a deadline ended again by a filter, then give up all that a receiver
    refused.
    """
    running = Repeated("letters", exchange.letter_jobs.run, JOB_EVERY_SECONDS, exchange.clock.sleep)
    running.start()
    for action, reason in (("resend", "deadline"), ("skip", "http-422")):
        await exchange.letter_jobs.begin(action, DeadFilter(reason=reason), 100, actor)  # type: ignore[arg-type]
        while (job := await exchange.letter_jobs.newest()) and job.state == "running":
            await exchange.clock.sleep(1)
        assert job is not None
        assert job.handled, f"nothing to {action}"
    await running.stop()
