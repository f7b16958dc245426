"""Who asks the register, and that its questions go nowhere else; no rules."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.errors import Unroutable
from exchange.ports import Destination, Identity, Parsed, Permitted, Verdict
from exchange.schemas.directory import Directory, Partner

CHANGES_QUERY = "population-register.changes-query"
BASIC_DATA_QUERY = "population-register.basic-data-query"
#: The sector of who is asked.
REGISTER = "population-register"
PERSON_QUERY = "population-register.person-query"
QUESTIONS = frozenset((CHANGES_QUERY, BASIC_DATA_QUERY, PERSON_QUERY))
#: Sectors that may ask: who has a permit by the Act 661/2009 (*modelled*: permits are not public).
ASKING_SECTORS = frozenset(
    (
        "kela",
        "municipality",
        "wellbeing-county",
        "helsinki",
        "pension-institution",
        "pension-register",
        "unemployment-fund",
        "tax",
        "healthcare",
        "other-authority",
    )
)
#: Sectors that see where somebody with a restricted disclosure lives (section 37 of the Act: by a
#: task laid down by law). Kela does; that other authorities do and municipalities do not is
#: *modelled*.
RESTRICTED_SECTORS = frozenset(("kela", "tax", "other-authority"))


def may_ask(partner: Partner) -> bool:
    """Whether a partner has a permit."""
    return partner.sector in ASKING_SECTORS


def permitted(partner: Partner) -> Permitted:
    """Who has a permit asks; the register calls nobody."""
    return Permitted(tuple(sorted(QUESTIONS)) if may_ask(partner) else ())


def sees_restricted(partner: Partner) -> bool:
    """Whether a partner sees what is under a restricted disclosure."""
    return partner.sector in RESTRICTED_SECTORS


def identify(parsed: Parsed) -> Identity:
    """A question has no id of its sender's: asked again, it is another one."""
    return Identity("")


def route(
    parsed: Parsed, identity: Identity, verdict: Verdict, directory: Directory
) -> Sequence[Destination]:
    """Questions go to the register, which the exchange plays: it answers them itself.

    Raises:
        Unroutable: `no-route`, for answers, which only the register gives.
    """
    if parsed.message_type in QUESTIONS:
        return [Destination(each.id, "ask") for each in directory.in_sector(REGISTER)[:1]]
    raise Unroutable("no-route", "the register takes questions only")
