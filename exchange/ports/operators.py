"""The operators' port: who they are, what their roles may, and the log of what they changed; no
SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol

from exchange.schemas.value import value

#: From the least to the most; each may what those before it may.
ROLES = ("viewer", "operator", "admin")
#: Keys of an operator that count at once: the one in use and the one that takes its place.
KEYS_MAX = 2
#: What the audit log says of a rotation after which no earlier key counts.
AT_ONCE = "only the new key counts"


def fingerprint(digest: bytes) -> str:
    """What the audit log tells of a key, by the digest that is kept of it."""
    return sha256(digest).hexdigest()[:16]


@value
class Operator:
    """Who operates. `role` is one of `ROLES`."""

    name: str
    role: str

    def may(self, role: str) -> bool:
        """Whether the operator's role is that one or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)


@value
class Actor:
    """An operator at an address: what the audit log says of whoever makes a change."""

    operator: Operator
    address: str

    def did(self, at: int, what: str, target: str, outcome: str) -> AuditRow:
        """A row of the audit log; `at` in milliseconds since 1970 UTC."""
        name, role = self.operator.name, self.operator.role
        return AuditRow(
            at=at,
            operator=name,
            role=role,
            what=what,
            target=target,
            outcome=outcome,
            address=self.address,
        )


class AuditRow(NamedTuple):
    """A change by an operator. `what` is `resend`, `operator-add`, `sign-in`, ...; `target` the id
    or the name that it was about; `address` where the request came from.
    """

    at: int
    operator: str
    role: str
    what: str
    target: str
    outcome: str
    address: str


class Listed(NamedTuple):
    """An operator with the times at which the keys were made (milliseconds), oldest first."""

    name: str
    role: str
    keys_made_at: Sequence[int]


class Operators(Protocol):
    """Operators, their keys and sessions. Keys and session tokens come as SHA-256 digests only."""

    async def by_key(self, digest: bytes) -> Operator | None:
        """The operator that holds the key."""
        ...

    async def by_session(self, digest: bytes, now: int, furthest: int) -> Operator | None:
        """The operator of a session that has not ended and whose key still counts. One that would
        end after `furthest` has ended: the clock has stepped back.
        """
        ...

    async def begin_session(
        self, digest: bytes, key_digest: bytes, now: int, until: int, actor: Actor
    ) -> None:
        """Commit a session that the key opened, and the row of the audit log that says so."""
        ...

    async def end_session(self, digest: bytes, now: int, actor: Actor) -> None:
        """Commit the end of a session, and the row of the audit log that says so."""
        ...
