"""What a channel declares to the journey: its endpoints, its watches and its functions, with
defaults for those that a channel may leave out.

Every function of a channel but the handlers of its endpoints is pure: no I/O, no clock, no
randomness.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from exchange.ports.cases import Cases
from exchange.ports.caseworkers import CaseworkerPages
from exchange.ports.delivery import Attempted, Delivery
from exchange.ports.description import PROBLEMS, Body, Interface, Schema
from exchange.ports.desk import Desk
from exchange.ports.files import FileDrop
from exchange.ports.message import (
    Context,
    Destination,
    Identity,
    Inbound,
    Parsed,
    Refusal,
    Verdict,
)
from exchange.ports.rows import Remember
from exchange.ports.services import Service
from exchange.schemas.call import Call, Reply, problem
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.value import value
from exchange.schemas.violation import Finding

Handler = Callable[[Call, Partner, Desk], Awaitable[Reply]]
Public = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Watch:
    """What a channel does again and again without being called: look into a folder, send what is
    due by a schedule.

    `run` does what there is to do now and returns; one worker runs it, every `every_seconds` of the
    exchange's clock. It may be ended at any `await` and must bear being run again from the start.

    `endpoint` is the endpoint by which it puts in messages that the exchange itself sends (empty:
    what it takes in, partners sent). Nobody else comes in by it, so what was counted there is what
    partners never sent.
    """

    name: str
    every_seconds: float
    run: Callable[[Desk], Awaitable[None]]
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method and path of a channel. `path` is in aiohttp's form (`/luova/v1/messages/{id}`).

    `handler` serves authenticated partners; `public` (instead) serves anybody and touches no
    message (a WSDL, say). `summary` is one line for the documentation of the interface.
    `takes_messages` says that what is put through it is a message, recorded whatever becomes of it:
    one that is refused unread (too large, compressed) is counted as rejected, with what `said`
    makes of its call without the body: type, sender's id, receiver, conversation, as far as address
    and headers tell. Every other call is counted as a request. `waits` says that its calls may wait
    for something:
    they have limits of their own, and end when the caller goes. `interface` is what the description
    tells of it.
    """

    method: str
    path: str
    summary: str
    handler: Handler | None = None
    public: Public | None = None
    takes_messages: bool = False
    waits: bool = False
    said: Callable[[Call, Partner], Inbound] | None = None
    interface: Interface = field(default_factory=Interface)

    @property
    def name(self) -> str:
        """By which calls of it are counted that are no messages: `GET /luova/v1/mailbox`."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Push:
    """A call that the exchange makes to a partner, as `request` makes it: one path below the
    partner's address, in the form of an endpoint's; what it is in one line; the headers of the
    channel's own, each with what it says; the media types of its body; what the partner answers.
    """

    path: str
    summary: str
    headers: Mapping[str, str]
    media_types: tuple[str, ...]
    answer: str = "2xx: the partner has it; no body is looked at"
    types: tuple[str, ...] = ()
    gives: tuple[Body, ...] = ()


@dataclass(frozen=True, slots=True)
class Permitted:
    """The message types that a partner may send over a channel, and that may come to it; `mailbox`:
    what comes to a partner that has one waits in its mailbox.
    """

    sends: tuple[str, ...] = ()
    receives: tuple[str, ...] = ()
    mailbox: bool = False


def permits_nothing(partner: Partner) -> Permitted:
    """What may be sent over a channel that does not tell partners apart."""
    return Permitted()


def refuse_with_problem(refusal: Refusal) -> Reply:
    """A refusal as a problem document (RFC 9457), for channels that speak JSON."""
    members: dict[str, Any] = {"reason": refusal.reason}
    if refusal.retry_after_seconds:
        members["retry_after_seconds"] = refusal.retry_after_seconds
    if refusal.violations:
        members["violations"] = [violation.as_dict() for violation in refusal.violations]
    return problem(
        refusal.status, HTTPStatus(refusal.status).phrase.capitalize(), refusal.message, **members
    )


@value
class Credentials:
    """What a call says of who makes it: a partner's key and, where the protocol has a user name
    beside it, the partner's id.
    """

    user: str
    key: str


def api_key(headers: Mapping[str, str]) -> Credentials:
    """The credentials of most channels: the key in X-API-Key."""
    return Credentials("", headers.get("X-API-Key", ""))


def basic_or_key(headers: Mapping[str, str]) -> Credentials:
    """User and password of `Authorization: Basic`, else of `x-authorization: Basic`: a client
    behind a gateway that signs its calls has its own signature in the first. Neither: the key in
    X-API-Key.
    """
    for name in ("Authorization", "X-Authorization"):
        scheme, _, coded = headers.get(name, "").partition(" ")
        if scheme.lower() != "basic":
            continue
        try:
            text = base64.b64decode(coded.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return Credentials("", "")
        user, _, password = text.partition(":")
        return Credentials(user, password)
    return api_key(headers)


def no_rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """The rules of a channel that has none beyond its schemas."""
    return []


def answers_nothing(parsed: Parsed, identity: Identity) -> tuple[str, str] | None:
    """The question of a channel whose messages answer none that came before."""
    return None


def recall_nothing(parsed: Parsed, identity: Identity) -> Sequence[str]:
    """The keys of a channel that remembers nothing between messages."""
    return ()


def remember_nothing(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    """What a channel that remembers nothing leaves behind."""
    return ()


def alike(parsed: Parsed, verdict: Verdict) -> Mapping[str, Sequence[str]]:
    """The items by kind of a channel whose items are told apart by their message type alone."""
    return {}


def nobody(partner: Partner) -> bool:
    """Which partners can take what a channel sends by push only: none, where they may fetch it."""
    return False


def no_items(parsed: Parsed, at: Any) -> int | None:
    """The item of a place in a channel whose messages are one item each."""
    return None


def all_or_nothing(parsed: Parsed, identity: Identity, findings: Sequence[Finding]) -> Verdict:
    """The verdict of a channel without partial acceptance: one error rejects the message."""
    if any(finding.severity == "error" for finding in findings):
        return Verdict(False, 0, identity.items)
    return Verdict(True, identity.items)


@dataclass(frozen=True)
class Channel:
    """A channel as it declares itself in `adapters/<channel>/channel.py`.

    The first half calls, in order: `parse`, (the type's schema), `identify`, `question` (the sender
    and the sender's id of the message that this one answers), `recall`, `rules`, `verdict`,
    `route`, `items_by_kind`, `remember` (`remember_rejected` when it was rejected: what somebody
    may ask after). The second half calls `request` and, with the partner's response, `judge`.
    `refuse` renders a refusal in the channel's own form, `credentials` finds who calls in the
    headers. `processes` titles what `identify` may name as a process. `families` are the folders of
    `schemas/` whose message types this channel carries. `items_by_kind` says which the
    accepted items are where a message type holds several kinds: they are counted by kind, and as
    received once, in however many messages they come. `item_of` says in which item (0-based) an
    element or a path stands, None outside items. `large_json_bytes_max` is
    the size of the largest JSON document of an endpoint, in bytes, where that is more than
    `limits.json_body_bytes_max`. `pushes` describes the calls that `request` makes.
    `pushes_only_to` tells the partners that the channel sends something to for which it has no
    mailbox. `permitted` tells what a partner may send and receive, as far as its entry in the
    directory decides that. `files` says what partners may leave as files, and how they fetch some.
    `attachments` says that a message may come with some (see `schemas.attachments`): `parse` gets
    the message alone, its receivers get all of it as it came. `services` are what X-Road knows of
    it. `cases` shows cases to operators, where the channel keeps some; `caseworkers` are pages on
    which partners' caseworkers use it by hand. For the description, `shapes` are the JSON schemas
    by name of what stands in bodies beside messages, `refusals` is the form of `refuse`, and
    `has_basic_credentials` says that `credentials` takes a user name and a password.

    `without_recognition` gives the same channel without its recognition of what it has judged
    before, where it has one; verdicts are the same with and without it.

    `rules` may read the message anew (`parsed.document` is another one then): its schema is asked
    again, and the rules after it when that found anything.
    """

    name: str
    titles: Mapping[str, str]
    families: tuple[str, ...]
    endpoints: tuple[Endpoint, ...]
    parse: Callable[[Inbound], Parsed]
    identify: Callable[[Parsed], Identity]
    route: Callable[[Parsed, Identity, Verdict, Directory], Sequence[Destination]]
    request: Callable[[Delivery], Call]
    judge: Callable[[Delivery, Reply], Attempted]
    rules: Callable[[Parsed, Identity, Context], list[Finding]] = no_rules
    verdict: Callable[[Parsed, Identity, Sequence[Finding]], Verdict] = all_or_nothing
    question: Callable[[Parsed, Identity], tuple[str, str] | None] = answers_nothing
    recall: Callable[[Parsed, Identity], Sequence[str]] = recall_nothing
    remember: Callable[[Parsed, Identity, Context, Verdict], Sequence[Remember]] = remember_nothing
    remember_rejected: Callable[[Parsed, Identity, Context, Verdict], Sequence[Remember]] = (
        remember_nothing
    )
    items_by_kind: Callable[[Parsed, Verdict], Mapping[str, Sequence[str]]] = alike
    item_of: Callable[[Parsed, Any], int | None] = no_items
    refuse: Callable[[Refusal], Reply] = refuse_with_problem
    credentials: Callable[[Mapping[str, str]], Credentials] = api_key
    watches: tuple[Watch, ...] = ()
    files: FileDrop | None = None
    processes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    without_recognition: Callable[[], Channel] | None = None
    large_json_bytes_max: Mapping[str, int] = field(default_factory=dict)
    attachments: bool = False
    pushes: tuple[Push, ...] = ()
    permitted: Callable[[Partner], Permitted] = permits_nothing
    pushes_only_to: Callable[[Partner], bool] = nobody
    services: tuple[Service, ...] = ()
    cases: Cases | None = None
    caseworkers: CaseworkerPages | None = None
    shapes: Mapping[str, Schema] = field(default_factory=dict)
    refusals: Body = PROBLEMS
    has_basic_credentials: bool = False
