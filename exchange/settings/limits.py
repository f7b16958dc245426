"""What the exchange takes at most, and how it makes deliveries: every bound, with its unit."""

from __future__ import annotations

from pydantic import Field

from exchange.schemas.document_limits import DocumentLimits
from exchange.settings.section import Section


class Limits(Section):
    """What the exchange takes at most; more is answered with a clear error and never kept in
    memory.
    """

    body_bytes_max: int = Field(
        52_428_800,
        ge=1024,
        description="Largest body of a call, in bytes (the register's upload takes 50 MB).",
    )
    json_body_bytes_max: int = Field(
        2_097_152,
        ge=1024,
        description="Largest message in JSON, in bytes: its reader holds the interpreter from the "
        "first byte to the last.",
    )
    json_members_max: int = Field(
        500_000,
        ge=10_000,
        description="Most arrays, objects and keys of a message in JSON.",
    )
    loop_bytes_max: int = Field(
        200_000,
        ge=0,
        description="Largest body that is judged on the event loop, in bytes; a larger one is "
        "judged on a thread beside it.",
    )
    depth_max: int = Field(64, ge=8, le=250, description="Deepest nesting of a document.")
    markup_max: int = Field(
        5_000_000,
        ge=10_000,
        description="Most tags and attributes of a document in XML; each takes some hundred bytes. "
        "Comments and instructions count twice.",
    )
    namespaces_max: int = Field(
        256, ge=16, description="Most namespace declarations in force at an element of XML."
    )
    attributes_max: int = Field(256, ge=16, description="Most attributes of an element of XML.")
    attachments_max: int = Field(
        20, ge=0, description="Most attachments of one message, on channels that take them."
    )
    attachment_bytes_max: int = Field(
        20_971_520,
        ge=1,
        description="Largest attachment, in bytes; with its message it also counts for "
        "`body_bytes_max`.",
    )
    violations_max: int = Field(
        200,
        ge=1,
        description="Violations reported of one message; further ones are only said to exist.",
    )
    in_flight_max: int = Field(
        1024, ge=1, description="Calls served at once by a worker; more get 503 with Retry-After."
    )
    in_flight_partner_max: int = Field(
        512,
        ge=1,
        description="Calls of one partner served at once by a worker; more get 429 with "
        "Retry-After.",
    )
    waiting_calls_max: int = Field(
        1024,
        ge=1,
        description="Calls that may wait long (a mailbox's) served at once by a worker, apart "
        "from the others; more get 503 with Retry-After.",
    )
    waiting_calls_partner_max: int = Field(
        64,
        ge=1,
        description="Of those, calls of one partner; more get 429 with Retry-After.",
    )
    waiting_max: int = Field(
        5_000_000,
        ge=1,
        description="Waiting deliveries to one receiver; with more, messages to it get 429 with "
        "Retry-After.",
    )
    waiting_bytes_max: int = Field(
        20_000_000_000,
        ge=1,
        description="Bytes of messages that wait for one receiver; with more, messages to it get "
        "429.",
    )
    waiting_all_max: int = Field(
        20_000_000,
        ge=1,
        description="Waiting deliveries in all; with more, messages get 503 with Retry-After.",
    )
    waiting_all_bytes_max: int = Field(
        80_000_000_000,
        ge=1,
        description="Bytes of messages that wait in all; with more, messages get 503.",
    )
    head_bytes_max: int = Field(
        16_384,
        ge=1024,
        description="Largest head of a request, and of a partner's response, in bytes.",
    )
    headers_max: int = Field(128, ge=16, description="Most headers of a request.")
    read_seconds: float = Field(
        30.0, gt=0, description="Longest time from the first byte of a request to its last."
    )
    idle_seconds: float = Field(
        75.0,
        gt=0,
        description="Longest time that a connection may be idle, or its caller not read a reply.",
    )
    connections_max: int = Field(
        4096,
        ge=1,
        description="Connections open at once to a worker; a further one is closed at once.",
    )
    connections_address_max: int = Field(
        1024,
        ge=1,
        description="Connections open at once to a worker from one address (of IPv6: from the 64 "
        "bits that one caller commonly has).",
    )
    unknown_bytes_max: int = Field(
        67_108_864,
        ge=1024,
        description="Bytes of requests held by a worker for callers whose key is not known, or "
        "not yet; a connection always has room for a head.",
    )
    held_bytes_max: int = Field(
        536_870_912,
        ge=1024,
        description="Bytes of requests held by a worker at once; more get 503 with Retry-After.",
    )
    log_lines_second_max: int = Field(
        100, ge=1, description="Lines that a process logs in a second; more are only counted."
    )

    @property
    def documents(self) -> DocumentLimits:
        """Those that hold for a document wherever it is read."""
        return DocumentLimits(
            body_bytes_max=self.body_bytes_max,
            json_body_bytes_max=self.json_body_bytes_max,
            json_members_max=self.json_members_max,
            depth_max=self.depth_max,
            markup_max=self.markup_max,
            namespaces_max=self.namespaces_max,
            attributes_max=self.attributes_max,
            attachments_max=self.attachments_max,
            attachment_bytes_max=self.attachment_bytes_max,
        )


class Deliveries(Section):
    """How deliveries are made."""

    attempts_max: int = Field(
        12, ge=1, description="Attempts before a delivery goes to the dead letters."
    )
    first_backoff_seconds: float = Field(
        1.0, gt=0, description="Wait after the first failed attempt; doubles with each."
    )
    backoff_seconds_max: float = Field(
        3600.0, gt=0, description="Longest wait between two attempts."
    )
    failures_max: int = Field(
        3,
        ge=1,
        description="Calls in a row that a receiver fails before it counts as failing and is only "
        "probed.",
    )
    probe_seconds_max: float = Field(
        60.0, gt=0, description="Longest wait between two probes of a receiver that fails."
    )
    deadline_seconds: float = Field(
        259_200.0,
        gt=0,
        description="Age at which a delivery goes to the dead letters, also in a mailbox.",
    )
    timeout_seconds: float = Field(10.0, gt=0, description="Longest wait for a partner's response.")
    ask_seconds: float = Field(
        10.0, gt=0, description="Longest wait for a synchronous answer, commit included."
    )
    answer_bytes_max: int = Field(
        8_388_608, ge=1024, description="Largest response read from a partner, in bytes."
    )
    connections_max: int = Field(
        128, ge=1, description="Connections to partners open at once from a worker."
    )
    concurrent_max: int = Field(64, ge=1, description="Deliveries made at once by a worker.")
    concurrent_receiver_max: int = Field(
        16, ge=1, description="Deliveries made at once to one receiver by a worker."
    )
    ready_max: int = Field(
        4096,
        ge=1,
        description="Deliveries held in memory by a worker; the others wait in the ledger only.",
    )
    ready_bytes_max: int = Field(
        33_554_432, ge=1, description="Bytes of bodies held in memory by a worker for deliveries."
    )
    poll_seconds: float = Field(
        1.0, gt=0, description="How often the ledger is asked for deliveries that have come due."
    )
    lease_seconds_max: float = Field(
        3600.0, gt=0, description="Longest lease of a mailbox delivery, extensions included."
    )
    lease_messages_max: int = Field(500, ge=1, description="Most deliveries in one lease.")
    lease_bytes_max: int = Field(
        16_777_216,
        ge=1,
        description="Most bytes of messages in one lease, in bytes; one message is leased however "
        "large it is.",
    )
