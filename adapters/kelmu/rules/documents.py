"""The files beside a message of Kelmu: which messages take some, and whether each is what it says,
by its bytes.

That documents are sent is public (Tietotilinpäätös 2024); the kinds of files are *modelled*. Their
size and number are bounded for every channel (`schemas.attachments`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from exchange.adapters.kelmu.identify import DOCUMENT, REQUEST_ANSWER
from exchange.adapters.kelmu.rights import provides_social_services
from exchange.ports import Parsed
from exchange.schemas.attachments import Attachment
from exchange.schemas.call import media_type
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.violation import Finding

#: By media type: how a file begins, and what stands within its last bytes. Sources: ISO 32000-1,
#: 7.5.2 and 7.5.5; ITU-T T.81, B.1.1.3 (SOI, EOI); W3C PNG, 5.2 and 11.2.5.
_KINDS = {
    "application/pdf": (b"%PDF-", b"%%EOF"),
    "image/jpeg": (b"\xff\xd8\xff", b"\xff\xd9"),
    "image/png": (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
}
#: Programs write a little after the end; readers look for it within these bytes (ISO 32000-1, H.3).
_TAIL_BYTES = 1_024
_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y](?![0-9A-Za-z])")
_EXPECTED = "a PDF, JPEG or PNG file"


def files(parsed: Parsed) -> Iterator[Finding]:
    """Every finding about the attachments of a message that came in by an endpoint."""
    attachments = parsed.inbound.attachments
    if parsed.message_type not in (DOCUMENT, REQUEST_ANSWER):
        if attachments:
            message = "this message takes no attachments"
            yield Finding("kelmu.attachments.none-taken", message, None, "the message alone")
        return
    if parsed.message_type == DOCUMENT and not attachments:
        expected = "multipart/form-data or multipart/related: the message, then its files"
        message = "a document comes with at least one file"
        yield Finding("kelmu.attachments.missing", message, None, expected)
    for index, attachment in enumerate(attachments):
        yield from _file(index, attachment)


def _file(index: int, attachment: Attachment) -> Iterator[Finding]:
    content, declared = attachment.content, media_type(attachment.content_type)

    def finding(rule: str, message: str, expected: str, found: str = "") -> Finding:
        # The name of a file is the sender's: it is not repeated.
        return Finding(
            rule=rule,
            message=f"file {index + 1}: {message}",
            expected=expected,
            found=found,
            item=index,
        )

    if any(is_personal_identity_code(code) for code in _CODE.findall(attachment.name.upper())):
        message = "its name holds a personal identity code, and names stand in logs"
        yield finding("kelmu.attachments.name", message, "a name without it")
    if not content:
        yield finding("kelmu.attachments.empty", "it has no bytes", _EXPECTED, "0 bytes")
        return
    kind = next((kind for kind, (head, _) in _KINDS.items() if content.startswith(head)), "")
    if not kind:
        yield finding("kelmu.attachments.kind", "its bytes are of no kind that is taken", _EXPECTED)
        return
    if declared != kind:
        message = "it is declared as something else than its bytes are"
        yield finding("kelmu.attachments.declared", message, kind, declared[:80])
    if _KINDS[kind][1] not in content[-_TAIL_BYTES:]:
        yield finding("kelmu.attachments.broken-off", "its end is missing", f"a whole {kind}")


def sender(parsed: Parsed) -> Iterator[Finding]:
    """Who provides social services sends documents."""
    if not provides_social_services(parsed.inbound.partner):
        message = "only who provides social services sends a client's documents"
        yield Finding("kelmu.rights.sender", message, ())
