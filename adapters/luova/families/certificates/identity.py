"""What is remembered of certificates: each document by its id, and the versions of each set.

Source: HL7 CDA R2, 4.2.1.5 to 4.2.1.7 and 4.2.3.1 (id, setId, versionNumber, relatedDocument): an
id names one document, a set and a version name one document of the set, and a replacement names the
document that it replaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from exchange.adapters.luova.families.certificates.document import at
from exchange.ports.message import Context, Identity, Parsed
from exchange.ports.rows import Remember
from exchange.schemas.violation import Finding

Element = Any
#: Versions of a set that are remembered, the newest.
VERSIONS_MAX = 50
_ID_CHARACTERS_MAX = 128


def name_of(element: Element | None) -> str:
    """An id as a text: its root, and its extension where it has one; of a long one a digest."""
    if element is None:
        return ""
    parts = (element.get("root") or "", element.get("extension") or "")
    name = "|".join(part for part in parts if part)
    if len(name) <= _ID_CHARACTERS_MAX:
        return name
    return f"{name[:40]}...{blake2b(name.encode(), digest_size=16).hexdigest()}"


def version_of(element: Element | None) -> int:
    """A version's number, 0 when there is none."""
    text = (element.get("value") or "") if element is not None else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0


def _document_key(root: Element) -> str:
    name = name_of(at(root, "id"))
    return f"certificates.document:{name}" if name else ""


def _set_key(root: Element) -> str:
    name = name_of(at(root, "setId"))
    return f"certificates.set:{name}" if name else ""


def keys(parsed: Parsed) -> Sequence[str]:
    """The document's id, and its set."""
    return [key for key in (_document_key(parsed.document), _set_key(parsed.document)) if key]


def remembered(parsed: Parsed, identity: Identity, context: Context) -> Sequence[Remember]:
    """By which message the document came, and the set with it. A document is remembered once."""
    root = parsed.document
    document, of_set = _document_key(root), _set_key(root)
    if not document or not of_set or document in context.known:
        return ()
    entry = [name_of(at(root, "id")), parsed.inbound.partner.id, identity.sender_message_id]
    known = context.known.get(of_set)
    versions = dict(known.value) if known is not None else {}
    versions[str(version_of(at(root, "versionNumber")))] = entry
    newest = sorted(versions, key=int)[-VERSIONS_MAX:]
    return (
        Remember(document, entry[1:], with_message=True),
        Remember(
            of_set,
            {each: versions[each] for each in newest},
            known.version if known else 0,
            with_message=True,
        ),
    )


def known_before(parsed: Parsed, context: Context) -> list[Finding]:
    """Every finding against what is remembered. The same message again passes: the ledger knows
    it, and gives its receipt again.
    """
    root = parsed.document
    own = [parsed.inbound.partner.id, parsed.inbound.hints.get("id", "")]
    document = context.known.get(_document_key(root))
    if document is not None:
        if list(document.value) == own:
            return []
        element = at(root, "id")
        return [
            Finding(
                rule="certificates.document-id",
                message="another message brought a document with this id",
                at=element,
                expected="an id of its own for each document, also for each version",
                found=name_of(element),
                attribute="root",
            )
        ]
    of_set = context.known.get(_set_key(root))
    return _against(root, of_set.value) if of_set is not None else []


def _against(root: Element, versions: dict[str, list[str]]) -> list[Finding]:
    """The document against the versions of its set that came before."""
    element = at(root, "versionNumber")
    number, newest = version_of(element), max(map(int, versions))
    findings = []
    if str(number) in versions:
        findings.append(
            Finding(
                rule="certificates.version-known",
                message="another document is this version of the set already",
                at=element,
                expected=f"{newest + 1} or more",
                found=str(number),
                attribute="value",
            )
        )
    elif 0 < number < newest:
        findings.append(
            Finding(
                rule="certificates.version-old",
                message="a later version of the set came before",
                at=element,
                expected=f"{newest + 1} or more",
                found=str(number),
                severity="warning",
                attribute="value",
            )
        )
    parent = at(root, "relatedDocument/parentDocument")
    replaced = versions.get(str(version_of(at(parent, "versionNumber"))))
    if replaced is not None and name_of(at(parent, "id")) != replaced[0]:
        findings.append(
            Finding(
                rule="certificates.replaced",
                message="the version that is replaced has another id",
                at=at(parent, "id"),
                expected=replaced[0],
                found=name_of(at(parent, "id")),
                attribute="root",
            )
        )
    return findings
