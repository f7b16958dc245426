"""What who asks the register reads: rejections and refusals as problems; pure.

The form of the register's errors is not public: RFC 9457, *modelled*. Its readers look at the
status and at `Retry-After`.
"""

from __future__ import annotations

from dataclasses import replace

from exchange.ports import Outcome, Refusal
from exchange.ports.channel import refuse_with_problem
from exchange.schemas.call import Reply, problem

CHALLENGE = 'Basic realm="VTJmutpa", charset="UTF-8"'
_STATUS = {"real-person": 403, "unsupported": 415}


def rejected(outcome: Outcome) -> Reply:
    """A rejection: 403 without a permit or for a living person's code, 415 for what is no JSON,
    otherwise 400.
    """
    status = _STATUS.get(outcome.reason, 400)
    if any(each.rule == "population-register.permit" for each in outcome.violations):
        status = 403
    return problem(
        status,
        "No permit" if status == 403 and outcome.reason == "rule" else "Not valid",
        outcome.violations[0].message if outcome.violations else "",
        reason=outcome.reason,
        id=outcome.envelope.public_id,
        violations=[violation.as_dict() for violation in outcome.violations],
    )


def refuse(refusal: Refusal) -> Reply:
    """A refusal as a problem; who is not known is told how to say who it is."""
    if refusal.reason != "unauthorized":
        return refuse_with_problem(refusal)
    message = "a partner's id and key are wanted as user and password (Authorization: Basic)"
    reply = refuse_with_problem(replace(refusal, message=message))
    return replace(reply, headers={**reply.headers, "WWW-Authenticate": CHALLENGE})
