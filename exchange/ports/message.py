"""What crosses between a channel and the journey: a message as it came in, was read, identified and
judged, where it goes, and why a call was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from exchange.ports.rows import Remembered
from exchange.schemas.attachments import Attachment
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.envelope import Envelope
from exchange.schemas.value import value
from exchange.schemas.violation import Finding, Violation

Mode = Literal["push", "mailbox", "ask"]
#: What becomes of an answer to nobody's question: refused, taken in with a warning, or not looked
#: at.
Unasked = Literal["refuse", "warn", "off"]
#: What becomes of a message with a code that its list may have by now, though ours has not.
Newer = Literal["refuse", "warn"]
#: What becomes of a message without the signature that its channel demands.
Unsigned = Literal["refuse", "take"]


@value
class Inbound:
    """What came in through an endpoint: the authenticated partner, the bytes as sent, and what the
    headers said.

    `hints` are the channel's own headers under short names (`type`, `id`, `receiver`, ...).
    `whole` is what is kept, with its content type, where the body is only a part of it: a message
    that came with `attachments`.
    """

    partner: Partner
    body: bytes
    content_type: str = ""
    endpoint: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)
    whole: bytes = b""
    whole_type: str = ""
    attachments: tuple[Attachment, ...] = ()

    @property
    def stored(self) -> bytes:
        """The bytes that are kept of it."""
        return self.whole or self.body

    @property
    def stored_type(self) -> str:
        """The content type of the bytes that are kept."""
        return self.whole_type or self.content_type


@dataclass(slots=True)
class Parsed:
    """A document read from the bytes: an lxml element (XML) or plain data (JSON).

    `message_type` is empty when it can't be told. `document` is the element or data that the
    message type's schema judges; `root` is the whole document when the message is wrapped (SOAP),
    else the same as `document`.

    A channel may read a large message in pieces: `document` is then the first of them, `pieces`
    gives each in turn for the schema that it is given (the whole is valid when each is), and
    `become_whole` reads the message anew as one, because an error was found and its line must be
    reported. Either may raise `Malformed`.

    `version` is the version of the message type that the sender named; empty: the one that the root
    element tells, or the type's own.
    """

    inbound: Inbound
    message_type: str
    format: Literal["xml", "json"]
    document: Any
    root: Any = None
    findings: list[Finding] = field(default_factory=list)
    pieces: Callable[[Any], Iterable[Any]] | None = None
    version: str = ""

    def become_whole(self) -> None:
        """Read the message as one; nothing to do for a channel that never reads in pieces."""
        self.pieces = None

    def read_again(self) -> None:
        """Take anew from the document what was taken from it when it was parsed, since the document
        is another one now; nothing to do for a channel that keeps nothing of it beside it.
        """


@dataclass(slots=True)
class Identity:
    """Who the message says it is. `receivers` are the partner ids that it names, empty when the
    channel decides.

    `process` is the kind of business that the message is part of (counted by it); `begins` says
    that it begins a conversation.
    """

    sender_message_id: str
    conversation: str = ""
    items: int = 1
    receivers: tuple[str, ...] = ()
    ordered: bool = False
    process: str = ""
    begins: bool = False


@value
class Strictness:
    """How severe rules are that a setting can make so: an answer that nobody asked for, a code that
    a growing list may have by now (`newer_codes`), and no signature where the channel demands one.
    """

    unasked_answers: Unasked = "off"
    newer_codes: Newer = "warn"
    unsigned_deliveries: Unsigned = "take"


@value
class Context:
    """What rules may look at besides the message. `now` is in milliseconds; `known` is what the
    channel asked to recall.

    `message_id` is the exchange's id of the message once it is about to be recorded, else 0.
    `question` is the accepted message that the channel said this one answers, None when there is
    none. `as_of` is the day (year, month, day) by whose codes and rules the message is judged;
    None: by its own.
    """

    directory: Directory
    now: int
    known: Mapping[str, Remembered] = field(default_factory=dict)
    message_id: int = 0
    question: Envelope | None = None
    strictness: Strictness = Strictness()
    as_of: tuple[int, int, int] | None = None


@value
class Verdict:
    """What becomes of a message after its findings: accepted in whole, accepted in part (some items
    out), or rejected.

    `items` counts accepted items. `detail` is kept with the message and is all that a receipt may
    be rendered from besides the envelope, so that a duplicate gets the same receipt. `body`
    replaces what is stored when not None.
    """

    accepted: bool
    items: int = 1
    items_rejected: int = 0
    detail: dict[str, Any] = field(default_factory=dict)
    body: bytes | None = None


@value
class Destination:
    """One receiver of a message: `push` calls the partner, `mailbox` waits to be fetched, `ask` is
    answered in the same call.
    """

    receiver: str
    mode: Mode = "push"
    items: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call never became a message. Reasons: `unauthorized`, `forbidden`, `not-found`,
    `method`, `too-large`, `head-too-large`, `header-twice`, `busy`, `timeout`, `broken-off`,
    `unsupported`, `closing`, `unavailable`, `full`, `rate`, `internal`; at a listener with TLS
    `certificate-missing`, `certificate-ended`, `certificate-unknown`, `certificate-of-another`.
    """

    reason: str
    status: int
    message: str
    retry_after_seconds: int = 0
    violations: Sequence[Violation] = ()
