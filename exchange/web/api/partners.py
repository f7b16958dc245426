"""The operators' JSON API over partners of one's own: add one, give it another key, remove it, show
what it may send and receive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from aiohttp import web

from exchange.errors import PartnerError
from exchange.journey.added_partners import AddedPartners
from exchange.ports import Channel
from exchange.ports.description import reference
from exchange.schemas import guard
from exchange.schemas import json as documents
from exchange.schemas.directory import (
    Directory,
    DirectoryFault,
    Partner,
    digests_of,
    partner_of,
)
from exchange.schemas.instants import instant_or_none
from exchange.schemas.violation import Malformed
from exchange.web.access.guard import ACTOR
from exchange.web.access.new_keys import new_key
from exchange.web.operation import Operation, change, problem_response

#: What is made here, and never taken from outside.
MADE = ("key", "key_sha256", "callback_secret")
#: What describes a partner is no larger.
BODY_BYTES_MAX = 16_384
ADD_FORM = (
    'a JSON object is wanted, such as {"id": "county.mine", "sector": "wellbeing-county", '
    '"url": "http://127.0.0.1:9000"}'
)
REMOVE_FORM = "an empty JSON object is wanted: {}"
ROTATE_FORM = 'a JSON object is wanted, {} or {"at_once": true}'


class PartnerOperations:
    """The handlers."""

    def __init__(
        self, added: AddedPartners, directory: Directory, channels: Iterable[Channel]
    ) -> None:
        self._added = added
        self._directory = directory
        self._channels = list(channels)

    def operations(self) -> list[Operation]:
        """Every operation, with what it takes and gives."""
        return [
            change(
                "/api/v1/partners",
                self.add,
                "AddedPartner",
                "NewPartner",
                role="admin",
                problems=(400, 409),
            ),
            Operation(
                "GET", "/api/v1/partners/{id}", self.show, reference("Partner"), problems=(404,)
            ),
            change(
                "/api/v1/partners/{id}/rotate",
                self.rotate,
                "PartnerKey",
                "Rotation",
                role="admin",
                problems=(400, 404, 409),
            ),
            change(
                "/api/v1/partners/{id}/remove",
                self.remove,
                "RemovedPartner",
                "Removal",
                role="admin",
                problems=(400, 404, 409),
            ),
        ]

    async def add(self, request: web.Request) -> web.Response:
        """Add a partner to the running exchange; its key and callback secret are told here and
        nowhere else.
        """
        try:
            partner = _new(await request.read())
        except ValueError as error:
            return problem_response(400, "Not a partner", str(error))
        key = new_key("partner")
        try:
            await self._added.add(partner, key, request[ACTOR])
        except (DirectoryFault, PartnerError) as error:
            return problem_response(409, "Not added", str(error))
        told = {"id": partner.id, "key": key, "callback_secret": partner.callback_secret}
        return web.json_response(told)

    async def show(self, request: web.Request) -> web.Response:
        """A partner of the directory, without its keys, and what it may send and receive."""
        partner = self._directory.get(request.match_info["id"])
        if partner is None:
            return self._nobody(request)
        return web.json_response(
            {
                "id": partner.id,
                "name": partner.name,
                "sector": partner.sector,
                "country": partner.country,
                "business_id": partner.business_id,
                "eessi_id": partner.eessi_id,
                "delivery": partner.delivery,
                "url": partner.url,
                "played": partner.is_played,
                "added": self._added.is_added(partner.id),
                "keys": len(digests_of(partner)),
                "keyed_at": instant_or_none(self._added.keyed_at(partner.id)),
                "channels": [
                    {
                        "channel": channel.name,
                        "sends": list(each.sends),
                        "receives": list(each.receives),
                        "mailbox": each.mailbox and partner.delivery == "mailbox",
                        "pushes": [push.path for push in channel.pushes],
                    }
                    for channel in self._channels
                    if (each := channel.permitted(partner)) and (each.sends or each.receives)
                ],
            }
        )

    async def rotate(self, request: web.Request) -> web.Response:
        """Give an added partner another key, told here and nowhere else; the one before it counts
        until the next rotation, unless {"at_once": true}.
        """
        partner_id = request.match_info["id"]
        if self._directory.get(partner_id) is None:
            return self._nobody(request)
        try:
            at_once = _at_once(await request.read())
        except ValueError as error:
            return problem_response(400, "Not a rotation", str(error))
        key = new_key("partner")
        try:
            await self._added.rotate(partner_id, key, request[ACTOR], at_once)
        except PartnerError as error:
            return problem_response(409, "Not rotated", str(error))
        return web.json_response({"id": partner_id, "key": key})

    async def remove(self, request: web.Request) -> web.Response:
        """Remove an added partner: its keys open nothing any more; its messages and counts stay."""
        partner_id = request.match_info["id"]
        if self._directory.get(partner_id) is None:
            return self._nobody(request)
        try:
            if _object(await request.read(), REMOVE_FORM):
                raise ValueError(REMOVE_FORM)
        except ValueError as error:
            return problem_response(400, "Not a removal", str(error))
        try:
            await self._added.remove(partner_id, request[ACTOR])
        except PartnerError as error:
            return problem_response(409, "Not removed", str(error))
        return web.json_response({"id": partner_id, "removed": True})

    def _nobody(self, request: web.Request) -> web.Response:
        told = f"no partner has the id {request.match_info['id'][:60]!r}"
        return problem_response(404, "No such partner", told)


def _object(body: bytes, form: str) -> dict[str, object]:
    if len(body) > BODY_BYTES_MAX:
        raise ValueError(f"at most {BODY_BYTES_MAX} bytes; {form}")
    try:
        data = documents.parse(body) if body else {}
    except Malformed:
        data = None
    if not isinstance(data, dict):
        raise ValueError(form)
    if guard.in_text(json.dumps(data, ensure_ascii=False)):
        raise ValueError(
            "a personal identity code that could be a living person's is never taken in: name an "
            "organisation"
        )
    return data


def _new(body: bytes) -> Partner:
    """The partner that a request describes, with a callback secret of its own. Its name is its id
    where none is given; without an address it has a mailbox; no stub plays it.

    Raises:
        ValueError: saying what is wrong, and what would be right.
    """
    data = _object(body, ADD_FORM)
    if given := [name for name in MADE if name in data]:
        raise ValueError(f"{given[0]}: is made here, and told in the answer")
    if not isinstance(data.get("id"), str):
        raise ValueError(f"id: a text; {ADD_FORM}")
    own = {"played": False, "callback_secret": new_key("callback")}
    usual = {"name": data["id"], "delivery": "push" if data.get("url") else "mailbox"}
    return partner_of({**usual, **data, **own})


def _at_once(body: bytes) -> bool:
    data = _object(body, ROTATE_FORM)
    at_once = data.get("at_once", False)
    if not data.keys() <= {"at_once"} or not isinstance(at_once, bool):
        raise ValueError(ROTATE_FORM)
    return at_once
