"""Tells what each change of the population register is: a birth, a death, a change of address, a
registration, or a correction of one.

Source: the fields are those of the VTJ change interface (see `groups`); what makes them count is
*modelled*: the published figures tell no more than their names.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator, Mapping
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
_ADDRESSES = ("VAKINAINEN_KOTIMAINEN_OSOITE", "KOTIMAINEN_POSTIOSOITE")
_TOLD = ("LAPSI_SUPPEA", "KUOLINPAIVA", "KOTIKUNTA", *_ADDRESSES)

Group = Mapping[str, Any]


def happenings(document: Any) -> dict[str, int]:
    """How many of each kind a message of changes holds.

    A change counts once for each thing that it is. A birth counts where the mother's record tells
    it, since the parents' records may come in different messages, and once in a message. What only
    another parent's record tells counts apart: with messages alone it can't be known whether hers
    came, will come, or is not there.
    """
    counts: dict[str, int] = {}
    born: set[str] = set()
    told: set[str] = set()
    for change in _objects(document, "muutokset"):
        groups = list(_objects(change, "tietoryhmat"))
        for code, parent in _children(change, groups):
            (born if parent in _MOTHER else told).add(code)
        for kind, is_one in _KINDS.items():
            if is_one(groups):
                counts[kind] = counts.get(kind, 0) + 1
    births = {BIRTH: len(born), OTHER_PARENT: len(told - born)}
    return {**{kind: count for kind, count in births.items() if count}, **counts}


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
            group.get("tietoryhma") == "LAPSI_SUPPEA"
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


_KINDS: dict[str, Callable[[list[Group]], bool]] = {
    DEATH: _is_death,
    ADDRESS: _is_address_change,
    REGISTRATION: _is_registration,
    CORRECTION: _is_correction,
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
