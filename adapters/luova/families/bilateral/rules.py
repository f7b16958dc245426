"""Business rules on messages between Kela and foreign institutions; their shape is the XSDs'. All
of them are *modelled*.
"""

from __future__ import annotations

from typing import Any

from exchange.adapters.luova.routing import receiver_of
from exchange.adapters.luova.rules.fields import (
    Rule,
    day_of,
    in_order,
    of_item,
    personal_identity_code,
)
from exchange.ports.message import Context, Parsed
from exchange.schemas.identifiers import parse_personal_identity_code
from exchange.schemas.violation import Finding

Element = Any
NAMESPACE = "{urn:exchange:bilateral:1}"
#: The endpoint of a message that is only checked: it has no ends.
CHECK = "check"


def _child(element: Element | None, name: str) -> Element | None:
    return None if element is None else element.find(NAMESPACE + name)


def exchanged(parsed: Parsed, context: Context) -> list[Finding]:
    """The ends, and each record's person, days and country."""
    message = parsed.document
    findings = _ends(message, parsed, context)
    created = _child(message, "CreatedAt")
    records = [element for element in message.iterchildren("*") if element.get("id") is not None]
    for index, record in enumerate(records):
        period = _child(record, "Period")
        happened = _child(record, "HappenedOn")
        of_record = _person(_child(record, "Person"))
        of_record += in_order(
            happened, created, "bilateral.future", "a change is told once it has happened"
        )
        of_record += in_order(
            _child(period, "From"),
            _child(period, "To"),
            "bilateral.period-order",
            "a period ends when it began or later",
        )
        findings += of_item(of_record, index)
    return findings


def _ends(message: Element, parsed: Parsed, context: Context) -> list[Finding]:
    """One end is Kela and the other abroad: by the countries in the message and by who sends it to
    whom.
    """
    sender, receiver = (_child(_child(message, name), "Country") for name in ("Sender", "Receiver"))
    if sender is None or receiver is None:
        return []
    if (sender.text == "FI") == (receiver.text == "FI"):
        found = f"{(sender.text or '')[:2]} and {(receiver.text or '')[:2]}"
        return [
            Finding(
                rule="bilateral.ends",
                message="one end is Finland, the other another country",
                at=receiver,
                expected="FI at one end",
                found=found,
            )
        ]
    partner = parsed.inbound.partner
    if parsed.inbound.endpoint == CHECK:
        return []
    findings = []
    if sender.text != partner.country:
        findings.append(
            Finding(
                rule="bilateral.ends",
                message="the message's sender is who sends it",
                at=sender,
                expected=partner.country,
                found=(sender.text or "")[:2],
            )
        )
    named = context.directory.get(receiver_of(parsed.message_type, parsed.inbound.hints))
    if named is not None and named.country != receiver.text:
        findings.append(
            Finding(
                rule="bilateral.ends",
                message="the message's receiver is who gets it",
                at=receiver,
                expected=named.country,
                found=(receiver.text or "")[:2],
            )
        )
    return findings


def _person(element: Element | None) -> list[Finding]:
    """Somebody who can be told from others, and who was born on the day that the code says."""
    code, foreign, born = (
        _child(element, name) for name in ("PersonalIdentityCode", "ForeignId", "BirthDate")
    )
    if element is None:
        return []
    if code is None and foreign is None:
        expected = "PersonalIdentityCode or ForeignId"
        return [
            Finding(
                rule="bilateral.person",
                message="a person has an id of one country at least",
                at=element,
                expected=expected,
                found="nothing",
            )
        ]
    findings = personal_identity_code(code, "bilateral.person")
    parsed = parse_personal_identity_code(code.text or "") if code is not None else None
    if parsed is not None and (day := day_of(born)) is not None and day != parsed.birth_date:
        findings.append(
            Finding(
                "bilateral.birth-date",
                "the day of birth is that of the personal identity code",
                born,
            )
        )
    return findings


RULES: dict[str, Rule] = {
    "bilateral.circumstance-changes": exchanged,
    "bilateral.insurance": exchanged,
    "bilateral.supplementary-pensions": exchanged,
}
