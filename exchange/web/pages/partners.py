"""Pages of the partners: all of the directory with what is the matter with them, and one with what
it may send and receive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from exchange.journey.added_partners import AddedPartners
from exchange.ports import Channel, Clock
from exchange.schemas.directory import Directory, digests_of
from exchange.web.access.guard import ACTOR, Guard, Need
from exchange.web.api.receivers import REASON_CHARACTERS_MAX, ReceiverOperations, checked_reason
from exchange.web.figures.receiver_conditions import Condition, Conditions
from exchange.web.pages.form import posted_texts
from exchange.web.pages.layout import language_of, link, may, page, what_is_wrong
from exchange.web.pages.receiver_rows import long_text

#: Partners on the page.
SHOWN_MAX = 200
#: Fields of the form, and some that somebody's program may add.
FIELDS_MAX = 10


class PartnerPages:
    """The handlers. `sectors` is what each is called, by language."""

    def __init__(
        self,
        directory: Directory,
        conditions: Conditions,
        receivers: ReceiverOperations,
        added: AddedPartners,
        channels: Sequence[Channel],
        sectors: Mapping[str, Mapping[str, str]],
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._conditions = conditions
        self._receivers = receivers
        self._added = added
        self._channels = channels
        self._sectors = sectors
        self._clock = clock

    def attach(self, app: web.Application, guard: Guard) -> None:
        """Add the routes; a viewer may look."""
        app.router.add_get("/partners", self.find)
        app.router.add_get("/partners/{id}", self.show)
        guard.declare(app.router.add_post("/partners/{id}", self.change), Need("operator"))

    async def find(self, request: web.Request) -> web.Response:
        """Partners by a part of their name, id or sector; those that need attention first."""
        text = request.query.get("q", "").strip().casefold()
        conditions = await self._by_id()
        some = [
            (each, conditions.get(each.id))
            for each in self._directory
            if text in f"{each.id} {each.name} {each.sector}".casefold()
        ]
        some.sort(key=lambda both: (not _needs_attention(both[1]), both[0].sector, both[0].id))
        return page(
            request,
            "partners.html",
            given=request.query.get("q", ""),
            partners=some[:SHOWN_MAX],
            sectors=self._sectors,
            count=len(some),
            by_hand=[each.caseworkers for each in self._channels if each.caseworkers is not None],
        )

    async def show(self, request: web.Request) -> web.Response:
        """One partner."""
        return await self._page(request)

    async def change(self, request: web.Request) -> web.Response:
        """Pause a partner, for a reason that the form may say, or resume it; then its page."""
        partner_id, said = request.match_info["id"], await posted_texts(request, FIELDS_MAX)
        if self._directory.get(partner_id) is None:
            return await self._page(request)
        try:
            if "pause" in said:
                reason = checked_reason(said.get("reason", ""))
                await self._receivers.paused(partner_id, reason, request[ACTOR])
            else:
                await self._receivers.resumed(partner_id, request[ACTOR])
        except ValueError as error:
            return await self._page(request, what_is_wrong(error, language_of(request)))
        raise web.HTTPSeeOther(link(language_of(request))(f"/partners/{partner_id}"))

    async def _page(self, request: web.Request, wrong: str = "") -> web.Response:
        partner_id = request.match_info["id"]
        partner = self._directory.get(partner_id)
        if partner is None:
            return page(request, "no_partner.html", status=404, id=partner_id[:64])
        permitted = [
            (channel, each)
            for channel in self._channels
            if (each := channel.permitted(partner)) and (each.sends or each.receives)
        ]
        return page(
            request,
            "partner.html",
            keys=len(digests_of(partner)),
            keyed_at=self._added.keyed_at(partner_id),
            key_lasts=long_text(
                self._clock.now() - self._added.keyed_at(partner_id), language_of(request)
            ),
            status=400 if wrong else 200,
            wrong=wrong,
            reason_max=REASON_CHARACTERS_MAX,
            partner=partner,
            condition=(await self._by_id()).get(partner_id),
            permitted=permitted,
            sectors=self._sectors,
            may_act=may(request, "operator"),
        )

    async def _by_id(self) -> dict[str, Condition]:
        return {each.receiver: each for each in await self._conditions.all()}


def _needs_attention(condition: Condition | None) -> bool:
    return condition is not None and condition.needs_attention
