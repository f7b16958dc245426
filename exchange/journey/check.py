"""Judging a message without taking it in, for `exchange validate`, the API and the pages; the steps
are the journey's own.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from exchange.journey.validate import Judge
from exchange.ports import Channel, Clock, Context, Inbound
from exchange.schemas import document_limits
from exchange.schemas import json as json_format
from exchange.schemas import xml as xml_format
from exchange.schemas.catalogue import Catalogue, MessageType
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.violation import Malformed, Violation

#: Who is taken to send a message that is only checked; rules about the sender's rights are told as
#: what they are.
SOMEBODY = Partner("somebody", "whoever checks a message", "other-authority")


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of it. `known` is False when the type can't be told; `channel` carries the type;
    warnings leave a message valid.
    """

    known: bool
    message_type: str
    basis: str
    violations: list[Violation]
    channel: str = ""

    @property
    def valid(self) -> bool:
        """Whether nothing but warnings was found."""
        return self.known and not any(
            violation.severity == "error" for violation in self.violations
        )

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "valid": self.valid,
            "type": self.message_type,
            "basis": self.basis,
            "violations": [violation.as_dict() for violation in self.violations],
        }


class Checking:
    """Finds the channel that carries the message and lets it judge."""

    def __init__(
        self,
        judge: Judge,
        catalogue: Catalogue,
        channels: Mapping[str, Channel],
        directory: Directory,
        clock: Clock,
    ) -> None:
        self._judge = judge
        self._catalogue = catalogue
        self._channels = channels
        self._directory = directory
        self._clock = clock

    def check(
        self,
        body: bytes,
        type_name: str = "",
        sender: Partner = SOMEBODY,
        as_of: datetime.date | None = None,
        content_type: str = "",
    ) -> Checked:
        """Every violation of a document, alone or as its channel wraps it; by the codes and rules
        of the day `as_of` where its channel has some for each day, else of the message's own.
        `content_type` is that of a message with attachments.
        """
        message_type, malformed = None, None
        try:
            with document_limits.within(self._judge.limits):
                message_type = self._catalogue.get(type_name) if type_name else self._detect(body)
        except Malformed as error:
            malformed = error
        channel = self._channel(message_type) if message_type is not None else None
        hints = {"type": message_type.name if message_type else type_name, "id": "check"}
        refused = self._judge.refused(
            Inbound(partner=sender, body=body, content_type="", endpoint="check", hints=hints),
            "",
            (),
            channel,
        )
        if refused.violations:
            # Before anything else is said of it: a violation shows the line that it stands on.
            return Checked(True, "", "", refused.violations)
        if malformed is not None:
            # Not well-formed: no type can be told, but what is wrong can.
            return Checked(True, "", "", malformed.violations)
        if message_type is None or channel is None:
            found = type_name[:80]
            return Checked(
                False,
                "",
                "",
                [Violation("type.unknown", "the message's type can't be told", found=found)],
            )
        kind = "application/json" if message_type.format == "json" else "text/xml"
        reading = self._judge.read(
            channel,
            Inbound(
                partner=sender,
                body=body,
                content_type=content_type or kind,
                endpoint="check",
                hints=hints,
            ),
        )
        context = Context(
            self._directory,
            self._clock.now(),
            # Whether somebody asked can't be told of a document alone.
            strictness=replace(self._judge.strictness, unasked_answers="off"),
            as_of=(as_of.year, as_of.month, as_of.day) if as_of is not None else None,
        )
        judgement = self._judge.decide(channel, reading, context)
        return Checked(
            known=True,
            message_type=message_type.name,
            basis=message_type.basis,
            violations=judgement.violations,
            channel=channel.name,
        )

    def _detect(self, body: bytes) -> MessageType | None:
        """The type by the document: JSON by its keys, XML by its root or the first element inside
        that is a known root.
        """
        if body.lstrip()[:1] in (b"{", b"["):
            return self._catalogue.of_keys(json_format.parse(body))
        root = xml_format.parse(body)
        for element in root.iter("{*}*"):
            message_type = self._catalogue.of_root(str(element.tag))
            if message_type is not None:
                return message_type
        return None

    def _channel(self, message_type: MessageType) -> Channel | None:
        for channel in self._channels.values():
            if message_type.folder.name in channel.families:
                return channel
        return None
