"""Tells what each change of the population register is (a birth, a death, a change of address, a
registration, or a correction of one), and which of two are the same.

Source: the fields are those of the VTJ change interface (see `groups`), the six kinds of address
and the child's two forms as public clients of it read them (Oppijanumerorekisteri, eVaka); what
makes them count is *modelled*: the published figures tell no more than their names.
"""

from __future__ import annotations

import datetime
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from exchange.schemas.identifiers import parse_personal_identity_code

BIRTH, DEATH, ADDRESS, REGISTRATION = "birth", "death", "address-change", "registration"
#: A group of one of these that corrects what was told before.
CORRECTION = "correction"
#: A birth told on another record than the mother's: her record tells it too.
OTHER_PARENT = "birth-other-parent"
#: `isaAiti` of a record that tells a birth as its own; one without it may be the only one.
_MOTHER = ("AITI", None)
#: A child older than this when the change was made was not born, but got another parent.
CHILD_DAYS_MAX = 366

#: Attributes of a group that tell something new; one without says the same.
_ADDED = ("LISATTY", None)
_CHANGED = (*_ADDED, "MUUTETTU", "POISTETTU")
#: Attributes of a group that says what holds from now on.
_IN_FORCE = (*_CHANGED, "KORJATTU")
_CORRECTED = ("KORJATTAVA", "KORJATTU")
_HOMES = ("KOTIKUNTA", "EDELLINEN_KOTIKUNTA")
_ADDRESSES = (
    "VAKINAINEN_KOTIMAINEN_OSOITE",
    "VAKINAINEN_ULKOMAINEN_OSOITE",
    "TILAPAINEN_KOTIMAINEN_OSOITE",
    "TILAPAINEN_ULKOMAINEN_OSOITE",
    "KOTIMAINEN_POSTIOSOITE",
    "ULKOMAINEN_POSTIOSOITE",
)
_CHILDREN = ("LAPSI_SUPPEA", "LAPSI")
_TOLD = (*_CHILDREN, "KUOLINPAIVA", "KOTIKUNTA", *_ADDRESSES)

Group = Mapping[str, Any]


def happenings(document: Any) -> dict[str, int]:
    """How many of each kind a message of changes holds."""
    return {kind: len(items) for kind, items in identified(document).items()}


def identified(document: Any) -> dict[str, Sequence[str]]:
    """What a message of changes holds: by kind, who each is (a digest of 12 characters).

    A change counts once for each thing that it is. Two are the same that tell the same kind of the
    same person and day, whichever message tells them: a birth goes by the child; a death, an
    address and a registration by the day that they tell of or, where they tell none, by that of the
    change. A birth counts where the mother's record tells it, since the parents' records may come
    in different messages. What only another parent's record tells counts apart: with messages alone
    it can't be known whether hers came, will come, or is not there.
    """
    found: dict[str, dict[str, None]] = {}
    for change in _objects(document, "muutokset"):
        groups = list(_objects(change, "tietoryhmat"))
        for code, parent in _children(change, groups):
            kind = BIRTH if parent in _MOTHER else OTHER_PARENT
            found.setdefault(kind, {})[_identity(code, None)] = None
        for kind, (is_one, day_of) in _KINDS.items():
            if is_one(groups):
                day = day_of(groups) or _day(change.get("muutospv"))
                found.setdefault(kind, {})[_identity(change.get("henkilotunnus"), day)] = None
    for born in found.get(BIRTH, ()):
        found.get(OTHER_PARENT, {}).pop(born, None)
    return {kind: list(items) for kind, items in found.items() if items}


def _identity(person: Any, day: int | None) -> str:
    """A digest, so that no list of persons comes about where it is kept."""
    digest = blake2b(f"{person}/{day}".encode(), digest_size=9).digest()
    return urlsafe_b64encode(digest).decode()


def deaths(document: Any) -> Iterator[tuple[str, int | None]]:
    """(identity code, day) of every death that a message of changes tells of, in its order. The day
    is an ordinal, that of the change where none is told; None where a death is taken back.
    """
    for change in _objects(document, "muutokset"):
        for group in _of(list(_objects(change, "tietoryhmat")), ("KUOLINPAIVA",), _IN_FORCE):
            told = group.get("kuolinpv")
            text = told.get("arvo") if isinstance(told, Mapping) else change.get("muutospv")
            is_dead = group.get("kuollut") is True
            is_dead = is_dead and group.get("muutosattribuutti") != "POISTETTU"
            day = _day(text)
            if day is not None or not is_dead:
                yield str(change.get("henkilotunnus")), day if is_dead else None


def _day(text: Any) -> int | None:
    try:
        return datetime.date.fromisoformat(str(text)[:10]).toordinal()
    except ValueError:
        return None


def _children(change: Group, groups: list[Group]) -> Iterator[tuple[str, Any]]:
    """The children born, and which parent tells."""
    for group in groups:
        child = group.get("lapsi")
        code = child.get("henkilotunnus") if isinstance(child, Mapping) else None
        if (
            group.get("tietoryhma") in _CHILDREN
            and group.get("muutosattribuutti") in _ADDED
            and group.get("lapsiVanhempiSuhdePaattynyt") is not True
            and isinstance(code, str)
            and _is_newborn(code, change.get("muutospv"))
        ):
            yield code, group.get("isaAiti")


def _is_newborn(code: str, moment: Any) -> bool:
    read = parse_personal_identity_code(code)
    try:
        changed = datetime.date.fromisoformat(str(moment)[:10])
    except ValueError:
        return False
    return read is not None and (changed - read.birth_date).days <= CHILD_DAYS_MAX


def _is_death(groups: list[Group]) -> bool:
    return any(group.get("kuollut") is True for group in _of(groups, ("KUOLINPAIVA",), _ADDED))


def _is_address_change(groups: list[Group]) -> bool:
    return any(_of(groups, _ADDRESSES, _CHANGED))


def _is_registration(groups: list[Group]) -> bool:
    """A first home municipality: who has one already, or was just born, is not registered."""
    homes = [group for group in groups if group.get("tietoryhma") in _HOMES]
    first = any(_of(homes, ("KOTIKUNTA",), _ADDED)) and not any(
        group.get("tietoryhma") == "EDELLINEN_KOTIKUNTA"
        or group.get("muutosattribuutti") not in _ADDED
        or group.get("kunnastaPoisMuuttopv") is not None
        for group in homes
    )
    before = ("VAKINAINEN_KOTIMAINEN_OSOITE",)
    lived_here = any(_of(groups, before, ("MUUTETTU", "POISTETTU")))
    newborn = any(_of(groups, ("SYNTYMAPAIVA",), _ADDED))
    return first and not lived_here and not newborn


def _is_correction(groups: list[Group]) -> bool:
    return any(_of(groups, _TOLD, _CORRECTED))


def _death_day(groups: list[Group]) -> int | None:
    return _latest(_of(groups, ("KUOLINPAIVA",), _ADDED), "kuolinpv")


def _address_day(groups: list[Group]) -> int | None:
    """The day on which the new address begins or, without one, the old one's last day."""
    begun = _latest(_of(groups, _ADDRESSES, _ADDED), "alkupv")
    return begun or _latest(_of(groups, _ADDRESSES, ("MUUTETTU", "POISTETTU")), "loppupv")


def _registration_day(groups: list[Group]) -> int | None:
    return _latest(_of(groups, ("KOTIKUNTA",), _ADDED), "kuntaanMuuttopv")


def _told_day(groups: list[Group]) -> None:
    """None: the day of the change is all that there is to go by."""


def _latest(groups: Iterator[Group], field: str) -> int | None:
    """The latest day (an ordinal) that groups tell in that field."""
    told = (group.get(field) for group in groups)
    days = (_day(each.get("arvo")) for each in told if isinstance(each, Mapping))
    return max((day for day in days if day is not None), default=None)


#: What makes a change one of a kind, and on which day that was.
_KINDS: dict[str, tuple[Callable[[list[Group]], bool], Callable[[list[Group]], int | None]]] = {
    DEATH: (_is_death, _death_day),
    ADDRESS: (_is_address_change, _address_day),
    REGISTRATION: (_is_registration, _registration_day),
    CORRECTION: (_is_correction, _told_day),
}


def _of(
    groups: list[Group], names: Collection[str], attributes: Collection[str | None]
) -> Iterator[Group]:
    """The groups of these names whose attribute is one of these."""
    for group in groups:
        if group.get("tietoryhma") in names and group.get("muutosattribuutti") in attributes:
            yield group


def _objects(value: Any, key: str) -> Iterator[Group]:
    members = value.get(key) if isinstance(value, Mapping) else None
    for member in members if isinstance(members, list) else ():
        if isinstance(member, Mapping):
            yield member
