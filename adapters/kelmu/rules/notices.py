"""Kela's notices to providers of social services, and how an official moves one on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange.adapters.kelmu.identify import part
from exchange.adapters.kelmu.memory import notice_key
from exchange.adapters.kelmu.rights import provides_social_services
from exchange.ports import Context, Identity, Parsed
from exchange.schemas.instants import finnish_day
from exchange.schemas.kelmu.codes import NOTICE_KINDS
from exchange.schemas.violation import Finding


def decided_on(document: dict[str, Any]) -> Iterator[Finding]:
    """The day of the decision stands in a notice that follows one, and only there."""
    kind = NOTICE_KINDS.get(part(document, "notice_kind", str))
    if kind is None:
        return
    follows = kind.time == "day-after-decision"
    if follows != bool(document.get("decided_on")):
        message = "the day of the decision stands in a notice that follows one, and only there"
        expected = "a date" if follows else "none"
        yield Finding("kelmu.notice.decided-on", message, ("notice_kind",), expected)


def notice(parsed: Parsed, identity: Identity, context: Context) -> Iterator[Finding]:
    """Only Kela gives notices, only to who provides social services, about what was decided."""
    if parsed.inbound.partner.sector != "kela":
        yield Finding("kelmu.rights.sender", "only Kela gives notices", ())
    yield from _authority(parsed, context)
    decided = part(parsed.document, "decided_on", str)
    if decided > (today := finnish_day(context.now).isoformat()):
        yield Finding(
            rule="kelmu.notice.future",
            message="the decision is not made yet",
            at=("decided_on",),
            expected=f"{today} or earlier",
            found=decided[:10],
        )
    known = context.known.get(notice_key(identity.conversation))
    if known and known.value["sender"] != parsed.inbound.partner.id:
        yield Finding("kelmu.notice.id", "another notice of Kela has this id already", ())


def transfer(parsed: Parsed, identity: Identity, context: Context) -> Iterator[Finding]:
    """Who has a notice moves it to another provider of social services, once."""
    reference = parsed.inbound.hints.get("notice", "")
    if reference != identity.conversation:
        message = "the body names another notice than the address"
        yield Finding("kelmu.notice-transfer.reference", message, ("notice",), reference[:64])
        return
    known, own = context.known.get(notice_key(identity.conversation)), parsed.inbound.partner.id
    # Another's notice is no different from none.
    if known is None or known.value["holder"] != own or not known.value["given_at"]:
        message = "the organisation has no notice with this id"
        yield Finding("kelmu.notice-transfer.unknown", message, ("notice",))
        return
    if known.value["moving_to"]:
        message = "the notice is on its way to another authority already"
        yield Finding("kelmu.notice-transfer.again", message, ("notice",))
    if part(parsed.document, "authority", str) == own:
        message = "the notice is with this authority"
        yield Finding("kelmu.notice-transfer.same", message, ("authority",), "another one")
    yield from _authority(parsed, context)


def _authority(parsed: Parsed, context: Context) -> Iterator[Finding]:
    name = part(parsed.document, "authority", str)
    authority = context.directory.get(name)
    if name and (authority is None or not provides_social_services(authority)):
        yield Finding(
            rule="kelmu.notice.authority",
            message="no such provider of social services in the directory",
            at=("authority",),
            expected="a wellbeing services county, Helsinki or a municipality of Åland",
            found=name[:80],
        )
