"""Business rules on changes of the population register; their shape is the schema's. The rules are
*modelled* but the fields' meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from exchange.adapters.luova.rules.fields import Rule
from exchange.ports.message import Context, Parsed
from exchange.schemas.identifiers import parse_personal_identity_code
from exchange.schemas.instants import finnish_day_of
from exchange.schemas.violation import Finding

Where = tuple[str | int, ...]

#: Which groups make a change a birth, a death, a change of address, a registration: one of them
#: must be in each change.
REQUIRED: dict[str, tuple[str, ...]] = {
    "population.births": ("LAPSI_SUPPEA",),
    "population.deaths": ("KUOLINPAIVA",),
    "population.address-changes": ("VAKINAINEN_KOTIMAINEN_OSOITE", "KOTIMAINEN_POSTIOSOITE"),
    "population.registrations": ("KOTIKUNTA",),
}
#: How far ahead of the exchange's clock a change may lie, in hours.
FUTURE_HOURS_MAX = 24
#: Pairs of fields of a group: the first day is not after the second.
ORDERED_DAYS = (("alkupv", "loppupv"), ("kuntaanMuuttopv", "kunnastaPoisMuuttopv"))


def changes(parsed: Parsed, context: Context) -> list[Finding]:
    """All findings on all changes; parts of another shape than the schema's are left to the
    schema.
    """
    findings: list[Finding] = []
    required = REQUIRED.get(parsed.message_type, ())
    latest = context.now / 1000 + FUTURE_HOURS_MAX * 3600
    if required and isinstance(parsed.document, dict) and parsed.document.get("muutokset") == []:
        findings.append(
            Finding(
                "population.empty",
                "a message of this type holds at least one change",
                ("muutokset",),
            )
        )
    for index, change in _items(parsed.document, "muutokset"):
        has_required = not required
        for number, group in _items(change, "tietoryhmat"):
            has_required = has_required or group.get("tietoryhma") in required
            if found := _group(change, group, ("muutokset", index, "tietoryhmat", number), index):
                findings += found
        if not has_required:
            findings.append(_without_group(change, index, parsed.message_type, required))
        if _seconds(change.get("muutospv")) > latest:
            findings.append(_in_future(change, index, latest))
    return findings


def _without_group(
    change: dict[str, Any], index: int, message_type: str, required: tuple[str, ...]
) -> Finding:
    names = [group.get("tietoryhma") for _, group in _items(change, "tietoryhmat")]
    found = ", ".join(sorted({name for name in names if isinstance(name, str)}))
    message, at = (
        f"a change of {message_type} has one of its groups",
        ("muutokset", index, "tietoryhmat"),
    )
    return Finding(
        rule="population.group-missing",
        message=message,
        at=at,
        expected=" or ".join(required),
        found=found,
        item=index,
    )


def _in_future(change: dict[str, Any], index: int, latest: float) -> Finding:
    expected = f"not after {datetime.fromtimestamp(latest, UTC).isoformat(timespec='seconds')}"
    at, found = ("muutokset", index, "muutospv"), str(change.get("muutospv"))
    return Finding(
        rule="population.future",
        message="a change does not lie in the future",
        at=at,
        expected=expected,
        found=found,
        item=index,
    )


def _seconds(text: Any) -> float:
    """A date and time in seconds since 1970; without offset it is UTC; 0 when it is none."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return 0.0
    if moment is None:
        return 0.0
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _items(value: Any, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects in a list of an object, with their indexes; nothing where the shape is
    another.
    """
    members = value.get(key) if isinstance(value, dict) else None
    for index, member in enumerate(members if isinstance(members, list) else ()):
        if isinstance(member, dict):
            yield index, member


def _day(group: dict[str, Any], field: str) -> str:
    """The ISO date of a field such as `alkupv`, empty when there is none; ISO dates compare as
    texts.
    """
    value = group.get(field)
    text = value.get("arvo") if isinstance(value, dict) else None
    return text if isinstance(text, str) and len(text) == 10 else ""


def _group(change: dict[str, Any], group: dict[str, Any], at: Where, index: int) -> list[Finding]:
    findings = []
    for first, last in ORDERED_DAYS:
        if group.get(last) is None or group.get(first) is None:
            continue
        start, end = _day(group, first), _day(group, last)
        if start and end and start > end:
            message = f"{first} is not after {last}"
            findings.append(
                Finding(
                    rule="population.date-order",
                    message=message,
                    at=(*at, last, "arvo"),
                    expected=f"{start} or later",
                    found=end,
                    item=index,
                )
            )
    for name in (
        _names(group.get("turvakiellonAlaisetKentat"))
        if "turvakiellonAlaisetKentat" in group
        else ()
    ):
        if group.get(name) is not None:
            message = "a field under non-disclosure is left out"
            findings.append(
                Finding("population.restricted-field", message, (*at, name), "no value", item=index)
            )
    kind = group.get("tietoryhma")
    if kind == "KUOLINPAIVA":
        findings += _death(change, group, at, index)
    if kind == "LAPSI_SUPPEA":
        findings += _child(change, group, at, index)
    if kind == "KOTIKUNTA" and group.get("muutosattribuutti") == "POISTETTU":
        in_force = group.get("voimassaolevatTiedot")
        if not (isinstance(in_force, list) and in_force):
            findings.append(
                Finding(
                    rule="population.in-force",
                    message="a removed municipality comes with what is in force now",
                    at=(*at, "voimassaolevatTiedot"),
                    expected="a group KOTIKUNTA at least",
                    item=index,
                )
            )
    return findings


def _child(change: dict[str, Any], group: dict[str, Any], at: Where, index: int) -> list[Finding]:
    """A child is another person than the parent, and was born later."""
    child, code = group.get("lapsi"), change.get("henkilotunnus")
    own = child.get("henkilotunnus") if isinstance(child, dict) else None
    where = (*at, "lapsi", "henkilotunnus")
    if own is not None and own == code:
        return [Finding("population.own-child", "nobody is their own child", where, item=index)]
    born, parent_born = _born(own), _born(code)
    if born and parent_born and born <= parent_born:
        message = "a child is born after the parent"
        return [
            Finding(
                rule="population.own-child",
                message=message,
                at=where,
                expected=f"a birth after {parent_born}",
                found=born,
                item=index,
            )
        ]
    return []


def _born(code: Any) -> str:
    """The ISO day of birth that an identity code tells; empty when it is none."""
    read = parse_personal_identity_code(code) if isinstance(code, str) else None
    return read.birth_date.isoformat() if read is not None else ""


def _death(change: dict[str, Any], group: dict[str, Any], at: Where, index: int) -> list[Finding]:
    died = _day(group, "kuolinpv")
    changed = change.get("muutospv")
    born = _born(change.get("henkilotunnus"))
    if died and born and died < born:
        return [
            Finding(
                rule="population.death-date",
                message="nobody dies before birth",
                at=(*at, "kuolinpv", "arvo"),
                expected=f"{born} or later",
                found=died,
                item=index,
            )
        ]
    told_on = _finnish_day(changed)
    if died and told_on and died > told_on:
        message = "a death is not told before it"
        return [
            Finding(
                rule="population.death-date",
                message=message,
                at=(*at, "kuolinpv", "arvo"),
                expected=f"{told_on} or earlier",
                found=died,
                item=index,
            )
        ]
    return []


def _finnish_day(text: Any) -> str:
    """The ISO day of a moment in Finland; empty when it is none."""
    try:
        return finnish_day_of(text).isoformat() if isinstance(text, str) else ""
    except ValueError:
        return ""


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


RULES: dict[str, Rule] = {
    "population.changes": changes,
    **dict.fromkeys(REQUIRED, changes),
}
