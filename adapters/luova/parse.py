"""From headers and bytes to a document: short hints out of headers, the type's reader on the body;
no schema and no rules.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from exchange.adapters.luova.routing import CATALOGUE, TYPES
from exchange.ports.message import Inbound, Parsed
from exchange.schemas import json, xml
from exchange.schemas.call import Call
from exchange.schemas.catalogue import MessageType, named_version
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Finding, Malformed, Violation

#: Short names of the headers that may be left out.
OPTIONAL_HEADERS = (
    ("receiver", "X-Receiver"),
    ("conversation", "X-Conversation-Id"),
    ("ordered", "X-Ordered"),
    ("created_at", "X-Created-At"),
)
#: The header behind each hint, as violations name it.
HEADERS = {"type": "X-Message-Type", "id": "X-Message-Id", **dict(OPTIONAL_HEADERS)}
#: Ids that senders give: plain enough to stand in a path, a log and a receipt as they are.
PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}")
#: The hint under which a batch leaves what is wrong with an entry that holds no message.
FAULT = "fault"


def hints_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The channel's own headers under short names; those that were left out are left out, but
    `type` and `id`.
    """
    get = headers.get
    hints = {"type": get("X-Message-Type", ""), "id": get("X-Message-Id", "")}
    for name, header in OPTIONAL_HEADERS:
        if value := get(header):
            hints[name] = value
    return hints


def inbound_of(call: Call, partner: Partner, endpoint: str) -> Inbound:
    """A submitted call as the journey takes it: the bytes as they came, never copied."""
    return Inbound(
        partner=partner,
        body=call.body,
        content_type=call.headers.get("Content-Type", ""),
        endpoint=endpoint,
        hints=hints_of(call.headers),
    )


def is_plain_id(text: str) -> bool:
    """Whether the text may serve as an id; that it names no living person is the journey's guard to
    see.
    """
    return PLAIN_ID.fullmatch(text) is not None


def parse(inbound: Inbound) -> Parsed:
    """Read the body as its declared type, or, when none was declared, as what it looks like.

    Raises:
        Malformed: when the body is no document, or an entry of a batch holds no message.
    """
    hints = inbound.hints
    if FAULT in hints:
        raise Malformed([Violation("luova.batch-entry", hints[FAULT], line=1, column=1)])
    declared, version = named_version(hints["type"])
    findings = _of_headers(hints)
    message_type = TYPES.get(declared)
    if message_type is None:
        return _undeclared(inbound, findings)
    if message_type.format == "json":
        document = json.parse(inbound.body)
        parsed = Parsed(inbound, declared, "json", document, findings=findings, version=version)
    else:
        element = xml.parse(inbound.body)
        parsed = Parsed(
            inbound=inbound,
            message_type=declared,
            format="xml",
            document=element,
            root=element,
            findings=findings,
            version=version,
        )
        if element.tag not in message_type.all_roots:
            findings.append(_other_root(message_type, str(element.tag), element))
        elif version and version != message_type.version_of(str(element.tag)):
            findings.append(_other_version(message_type, version, element))
            parsed.version = ""  # It is judged as what it is.
    if version and version not in message_type.all_versions:
        findings.append(_no_version(message_type, version))
        parsed.message_type = ""
    return parsed


def _of_headers(hints: Mapping[str, str]) -> list[Finding]:
    """What is wrong with the headers as such."""
    findings = []
    if not is_plain_id(hints["id"]):
        found = "nothing" if not hints["id"] else ""
        findings.append(
            _header(
                "luova.message-id",
                "id",
                "the sender's id of the message",
                "1-100 of A-Z a-z 0-9 . _ : @ -",
                found,
            )
        )
    conversation = hints.get("conversation")
    if conversation is not None and not is_plain_id(conversation):
        findings.append(
            _header(
                "luova.conversation-id",
                "conversation",
                "the conversation's id",
                "1-100 of A-Z a-z 0-9 . _ : @ -",
            )
        )
    if (ordered := hints.get("ordered")) is not None:
        if ordered not in ("true", "false"):
            findings.append(
                _header("luova.ordered", "ordered", "whether order counts", "true or false")
            )
        elif ordered == "true" and conversation is None:
            findings.append(
                _header(
                    "luova.ordered",
                    "conversation",
                    "order counts within a conversation",
                    "a conversation's id",
                    "nothing",
                )
            )
    return findings


def _header(rule: str, hint: str, what: str, expected: str, found: str = "") -> Finding:
    return Finding(rule, f"header {HEADERS[hint]}: {what}", expected=expected, found=found)


def _undeclared(inbound: Inbound, findings: list[Finding]) -> Parsed:
    """A body without a usable declaration: told by its root or its keys, unless another type was
    named in vain.
    """
    declared = inbound.hints["type"]
    is_xml = inbound.body.lstrip()[:1] == b"<" or "xml" in inbound.content_type
    document = xml.parse(inbound.body) if is_xml else json.parse(inbound.body)
    told = None
    if declared:
        known = "a message type that this channel carries"
        findings.append(
            _header(
                "luova.message-type",
                "type",
                "no such message type here",
                known + _nearest(declared, {each: each for each in TYPES}),
                declared[:100],
            )
        )
    else:
        told = CATALOGUE.of_root(document.tag) if is_xml else CATALOGUE.of_keys(document)
    name = told.name if told is not None and told.name in TYPES else ""
    if not declared and not name:
        findings.append(_untold(document, is_xml))
    return Parsed(
        inbound=inbound,
        message_type=name,
        format="xml" if is_xml else "json",
        document=document,
        root=document if is_xml else None,
        findings=findings,
    )


def _untold(document: Any, is_xml: bool) -> Finding:
    """A type that neither a header nor the document tells: what was found, and what is near it."""
    expected = "header X-Message-Type, or a document that tells its type"
    if is_xml:
        found = str(document.tag)
        roots = {
            etree.QName(root).localname: name
            for name, each in TYPES.items()
            for root in each.all_roots
        }
        near = _nearest(etree.QName(document).localname, roots)
        message = "the message's type can't be told from its root element"
    else:
        names = document if isinstance(document, dict) else {}
        found, near = ", ".join(sorted(names)[:5]), ""
        message = "the message's type can't be told from its members"
    at = document if is_xml else ()
    return Finding("type.unknown", message, at, expected=expected + near, found=found[:100])


def _nearest(found: str, known: Mapping[str, str]) -> str:
    """Message types whose names (or roots) are like what was found, as a part of a sentence."""
    near = difflib.get_close_matches(found[:100], known, n=3, cutoff=0.6)
    return f"; near it: {', '.join(dict.fromkeys(known[each] for each in near))}" if near else ""


def _other_root(message_type: MessageType, found: str, element: object) -> Finding:
    message = f"not the root element of {message_type.name}"
    return Finding(
        "luova.root", message, at=element, expected=" or ".join(message_type.all_roots), found=found
    )


def _no_version(message_type: MessageType, version: str) -> Finding:
    return _header(
        "luova.version",
        "type",
        f"{message_type.name} has no such version",
        " or ".join(f"v={each}" for each in message_type.all_versions),
        f"v={version[:50]}",
    )


def _other_version(message_type: MessageType, version: str, element: Any) -> Finding:
    return Finding(
        "luova.version",
        f"header X-Message-Type names version {version[:50]}, the root element is of another",
        at=element,
        expected=f"v={message_type.version_of(str(element.tag))}",
        found=f"v={version[:50]}",
    )
