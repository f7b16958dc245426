"""Judges a SOAP envelope: its version, header blocks that must be understood, and that the document
in it is the operation's; nothing else of the document.

Source: SOAP 1.1 (W3C note, 8 May 2000), chapters 4.1.2 and 4.2; SOAP 1.2, appendix A (W3C): a 1.1
service answers another version with VersionMismatch. No header block is understood here.
"""

from __future__ import annotations

from exchange.adapters.income_register.document import ENVELOPE, LATER_ENVELOPE, SOAP, Element
from exchange.schemas.violation import Finding

VERSION_MISMATCH, MUST_UNDERSTAND = "soap.version-mismatch", "soap.must-understand"
#: The fault codes of SOAP 1.1 for what is wrong with an envelope, by rule.
FAULT_CODES = {VERSION_MISMATCH: "VersionMismatch", MUST_UNDERSTAND: "MustUnderstand"}
#: The rule that a document breaks which its operation does not take, and the hint of a call that
#: names the root which it takes.
OPERATION, OPERATION_HINT = "ir.operation", "operation"
_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"


def check_envelope(root: Element) -> list[Finding]:
    """What keeps a document from being read by the envelope that it came in."""
    if root.tag == LATER_ENVELOPE:
        message = "the services speak SOAP 1.1"
        return [Finding(VERSION_MISMATCH, message, root, expected=SOAP, found="SOAP 1.2")]
    if root.tag != ENVELOPE:
        return []
    return [
        Finding(
            rule=MUST_UNDERSTAND,
            message="a header block that must be understood is not",
            at=block,
            expected="no header block with mustUnderstand",
            found=str(block.tag)[:100],
        )
        for block in root.iterfind(f"{{{SOAP}}}Header/*")
        if (block.get(f"{{{SOAP}}}mustUnderstand") or "").strip() in ("1", "true")
        and block.get(f"{{{SOAP}}}actor", "") in ("", _NEXT)
    ]


def check_operation(document: Element, taken: str) -> list[Finding]:
    """A document that is not the one that the call's operation takes (empty: no call)."""
    root = str(document.tag).rpartition("}")[2]
    if not taken or root == taken:
        return []
    message = f"the operation takes {taken}"
    return [Finding(rule=OPERATION, message=message, at=document, expected=taken, found=root[:80])]
