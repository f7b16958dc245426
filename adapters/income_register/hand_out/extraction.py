"""Extracts what subscriptions ask for when they are due, as messages of the register to the
subscriber; a watch, not the schedule itself.

An extraction is a message of its own and goes the whole way; the subscription is remembered as
extracted in the same commit as its last document. Each part of a subscription gets a material of
its own, also when nothing changed. Source: "Tekninen rajapinta - Tietojen toimittaminen
tulorekisteriin 2021", chapter 8 (vero.fi).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from exchange.adapters.income_register.document import REGISTER, SUBSCRIPTION_ENDPOINT
from exchange.adapters.income_register.hand_out.changed_reports import Changes
from exchange.adapters.income_register.hand_out.document import Extraction, render
from exchange.adapters.income_register.hand_out.extent import Extent, extent_of
from exchange.adapters.income_register.hand_out.pauses import Pauses
from exchange.adapters.income_register.hand_out.render import profile_of
from exchange.adapters.income_register.orders.conditions import of_data
from exchange.adapters.income_register.orders.query_data_type import SUBSCRIBED
from exchange.adapters.income_register.orders.subscription import ALL, due_at, part_id
from exchange.adapters.income_register.register_records import subscription_key
from exchange.adapters.income_register.signature.sign import sign_canonical, signing_key
from exchange.errors import LedgerClosed
from exchange.ports import Desk, Inbound, Remember, Remembered, Watch
from exchange.schemas.call import XML

#: Reports in one document, at most: taking it in holds everybody else up for some 9 ms, here and at
#: the receiver.
REPORTS_MAX = 250


async def watch(desk: Desk) -> None:
    """One round: every subscription that is due. One that fails stops no other; the first failure
    is told when all had their turn.

    Raises:
        LedgerClosed: at once.
    """
    listed = (await desk.recall([ALL])).get(ALL)
    failure: Exception | None = None
    for register_id in listed.value if listed is not None else ():
        try:
            await extract(register_id, desk)
        except LedgerClosed:
            raise
        except (
            Exception
        ) as error:  # a bug: the subscriptions behind it are not to wait for its mending
            failure = failure or error
    if failure is not None:
        raise failure


async def extract(register_id: str, desk: Desk) -> bool:
    """Extract a main subscription if it is due; whether it was."""
    key = subscription_key(register_id)
    known = (await desk.recall([key]))[key]
    data = known.value
    at = due_at(data, desk.now())
    register = desk.directory.get(REGISTER)
    if not at or register is None:
        return False
    begun = await _begin(key, known, at, desk)
    if begun is None:
        return False
    extent = await extent_of(data, at, begun, desk)
    before: bytes | None = None
    pauses = Pauses()

    async def take(document: bytes, last: bool) -> bool:
        hints = {
            "subscription": register_id,
            "receiver": data["partner"],
            "until": str(at) if last else "",
            "position": str(extent.last),
            "left": str(extent.left),
        }
        signed = sign_canonical(document, signing_key())
        outcome = await desk.accept(
            Inbound(
                partner=register,
                body=signed,
                content_type=XML,
                endpoint=SUBSCRIPTION_ENDPOINT,
                hints=hints,
            )
        )
        await pauses.pause()
        return outcome.kind != "rejected"

    for part in data["parts"]:
        if part["type"] not in SUBSCRIBED:
            continue
        async for document in _documents(register_id, data, part, at, extent, desk):
            if before is not None and not await take(before, False):
                return False
            before = document
    return before is not None and await take(before, True)


async def _begin(key: str, known: Remembered, at: int, desk: Desk) -> int | None:
    """The last position that the extraction due at a time looks at, remembered before its first
    document: one that a crash broke off is made again of the same messages, so that its documents
    are the same. None when the subscription was changed meanwhile.
    """
    begun: list[int] = known.value.get("begun") or [0, 0]
    if begun[0] == at:
        return begun[1]
    last = await desk.position()
    changed = {**known.value, "begun": [at, last]}
    return last if await desk.note([Remember(key, changed, known.version)]) else None


async def _documents(
    register_id: str,
    data: dict[str, Any],
    part: dict[str, Any],
    at: int,
    extent: Extent,
    desk: Desk,
) -> AsyncIterator[bytes]:
    """The documents of one part: at least one, with at most so many reports each."""
    message_type, own = SUBSCRIBED[part["type"]].message_type, part_id(register_id, part["id"])
    changes = Changes(
        desk=desk,
        message_type=message_type,
        extent=extent,
        every=part["all"],
        profile=profile_of(part["profile"]),
        conditions=of_data(part, part["type"]),
    )

    def document(number: int, reports: list[bytes]) -> bytes:
        query_id = f"{own[:16]}{at:012x}{number:04x}"
        ids = (register_id, own)
        extraction = Extraction(
            message_type=message_type,
            query_type=part["type"],
            query_id=query_id,
            at=at,
            profile=part["profile"],
            span=extent.times,
            main_id=data["id"],
            part_id=part["id"],
            register_ids=ids,
        )
        return render(extraction, reports)

    reports: list[bytes] = []
    number = 0
    async for found in changes.reports():
        reports += found
        while len(reports) >= REPORTS_MAX:
            number += 1
            yield document(number, reports[:REPORTS_MAX])
            del reports[:REPORTS_MAX]
    if reports or not number:
        yield document(number + 1, reports)


WATCH = Watch("subscriptions", 1.0, watch, SUBSCRIPTION_ENDPOINT)
