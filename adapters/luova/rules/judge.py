"""What the schemas can't say: the channel's own rules, and after them those that the type's family
has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from exchange.adapters.luova import discovery
from exchange.adapters.luova.routing import ROUTES
from exchange.adapters.luova.rules.fields import Rule
from exchange.adapters.luova.rules.memory import unasked
from exchange.ports.channel import all_or_nothing
from exchange.ports.message import Context, Identity, Parsed, Verdict
from exchange.schemas.violation import Finding

#: A message whose own time of creation is further from the exchange's than this is refused
#: (*modelled*).
CLOCK_SKEW_SECONDS_MAX = 24 * 3600

#: The endpoint of a message that is only checked: it has no sender whose rights could be judged.
CHECK = "check"

#: Message type -> its family's rules.
RULES: dict[str, Rule] = discovery.tables("RULES")


def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """Every finding of the channel's rules and the family's, in that order."""
    findings: list[Finding] = []
    hints = parsed.inbound.hints
    if (created_at := hints.get("created_at")) is not None:
        findings += _clock(created_at, context.now)
    route = ROUTES.get(parsed.message_type)
    if route is None:
        return findings
    if parsed.inbound.partner.sector not in route.senders and parsed.inbound.endpoint != CHECK:
        expected = " or ".join(route.senders)
        message = f"{parsed.message_type} is not sent by this sector"
        findings.append(
            Finding("luova.sender", message, expected=expected, found=parsed.inbound.partner.sector)
        )
    if _lacks_a_header(parsed) and not (identity.receivers or route.default):
        # Else the router says so, of what is acceptable otherwise.
        findings.append(
            Finding(
                "luova.receiver",
                f"header X-Receiver: {parsed.message_type} has no default receiver",
                expected="a partner's id",
                found="nothing",
            )
        )
    findings += unasked(parsed, identity, context)
    if (of_type := RULES.get(parsed.message_type)) is not None:
        findings += of_type(parsed, context)
    return findings


def _clock(created_at: str, now: int) -> list[Finding]:
    try:
        created = datetime.fromisoformat(created_at)
    except ValueError:
        created = None
    if created is None or created.tzinfo is None:
        expected = "a date and time with offset, as 2024-05-02T09:30:00Z"
        return [
            Finding(
                "luova.clock",
                "header X-Created-At: the message's own time of creation",
                expected=expected,
            )
        ]
    if abs(created.timestamp() - now / 1000) > CLOCK_SKEW_SECONDS_MAX:
        message = "header X-Created-At: too far from the exchange's clock"
        hours = CLOCK_SKEW_SECONDS_MAX // 3600
        return [
            Finding(
                "luova.clock",
                message,
                expected=f"at most {hours} hours away",
                found=created.isoformat(),
            )
        ]
    return []


def verdict(parsed: Parsed, identity: Identity, findings: Sequence[Finding]) -> Verdict:
    """All or nothing; a receiver that the message names is kept, since the receipt repeats it."""
    judged = (
        all_or_nothing(parsed, identity, findings) if findings else Verdict(True, identity.items)
    )
    if parsed.version and judged.accepted:
        judged.detail["version"] = parsed.version
    if identity.receivers and judged.accepted:
        judged.detail["receiver"] = identity.receivers[0]
    return judged


def _lacks_a_header(parsed: Parsed) -> bool:
    return any(finding.rule == "luova.message-id" for finding in parsed.findings)
