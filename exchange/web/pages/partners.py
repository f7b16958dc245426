"""Pages of the partners: all of the directory with what is the matter with them, and one with what
it may send and receive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from exchange.ports import Channel
from exchange.schemas.directory import Directory
from exchange.web.figures.receiver_conditions import Condition, Conditions
from exchange.web.pages.layout import may, page

#: Partners on the page.
SHOWN_MAX = 200


class PartnerPages:
    """The handlers. `sectors` is what each is called, by language."""

    def __init__(
        self,
        directory: Directory,
        conditions: Conditions,
        channels: Sequence[Channel],
        sectors: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._directory = directory
        self._conditions = conditions
        self._channels = channels
        self._sectors = sectors

    def attach(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/partners", self.find)
        app.router.add_get("/partners/{id}", self.show)

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
