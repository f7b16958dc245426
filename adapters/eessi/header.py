"""The header of an EESSI message (SBDH) read from its tree into a value that tolerates missing parts; no verdict on it.

Element names follow public EESSI software (namespace `http://eessi.dgempl.ec.europa.eu/namespaces/sbdh`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SBDH = "http://eessi.dgempl.ec.europa.eu/namespaces/sbdh"
ROOT = f"{{{SBDH}}}StandardBusinessDocument"
SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
#: SEDs have namespaces of the form `http://ec.europa.eu/eessi/ns/4_2/P2000`.
SED_NAMESPACES = "http://ec.europa.eu/eessi/ns/"

#: The names of the application roles in a header (`Counterparty`) and in a case (`CounterParty`), as published.
CONTACT_TYPES = {"PO": "CaseOwner", "CP": "Counterparty"}
CASE_ROLES = {"PO": "CaseOwner", "CP": "CounterParty"}


@dataclass(frozen=True, slots=True)
class Contact:
    """A sender or receiver: institution id (`FI:0100222222`), contact type, and the elements that say so."""

    institution: str
    contact_type: str
    institution_element: Any = None
    contact_type_element: Any = None


@dataclass(frozen=True, slots=True)
class Header:
    """A header; texts are empty and `version` is 0 where the message does not say. `elements` finds where each stands."""

    sender: Contact
    receivers: tuple[Contact, ...]
    action: str
    sed: str
    message_id: str
    sed_version: str
    version: int
    set_id: str
    related_set_id: str
    case_id: str
    process: str
    process_version: str
    attachments: int = 0
    elements: dict[str, Any] = field(default_factory=dict)

    def at(self, name: str) -> Any:
        """The element of that name, or the whole message when there is none."""
        return self.elements.get(name)


_PLACES = {
    "CreationDateAndTime": "DocumentIdentification/CreationDateAndTime",
    "CaseAction": "DocumentIdentification/CaseAction",
    "Type": "DocumentIdentification/Type",
    "InstanceIdentifier": "DocumentIdentification/InstanceIdentifier",
    "TypeVersion": "DocumentIdentification/TypeVersion",
    "DocumentVersion": "BusinessScope/DocumentVersion",
    "SetId": "BusinessScope/SetId",
    "RelatedSetId": "BusinessScope/RelatedSetId",
    "CaseId": "BusinessScope/CaseId/InstanceIdentifier",
    "BusinessServiceName": "BusinessScope/CaseId/BusinessServiceName",
}


def _path(path: str) -> str:
    return "/".join(f"{{{SBDH}}}{name}" for name in path.split("/"))


_PATHS = {name: _path(f"StandardBusinessDocumentHeader/{path}") for name, path in _PLACES.items()}
_SENDER, _RECEIVER, _ATTACHMENT = (
    _path(f"StandardBusinessDocumentHeader/{name}") for name in ("Sender", "Receiver", "BusinessScope/Attachment")
)
_IDENTIFIER, _CONTACT_TYPE = _path("Identifier"), _path("ContactTypeIdentifier")


def text_of(element: Any) -> str:
    """What a schema sees as the element's text: a comment inside does not cut it short. Empty when there is no element."""
    if element is None:
        return ""
    return str(element.xpath("string()") if len(element) else element.text or "").strip()


def _contact(element: Any) -> Contact:
    if element is None:
        return Contact("", "")
    identifier, contact_type = element.find(_IDENTIFIER), element.find(_CONTACT_TYPE)
    return Contact(text_of(identifier), text_of(contact_type), identifier, contact_type)


def read(root: Any) -> Header:
    """The header of the document whose root element is given."""
    elements = {name: found for name, path in _PATHS.items() if (found := root.find(path)) is not None}
    text = {name: text_of(elements.get(name)) for name in _PATHS}
    version = text["DocumentVersion"]
    process, _, process_version = text["BusinessServiceName"].partition(":")
    return Header(
        sender=_contact(root.find(_SENDER)),
        receivers=tuple(_contact(element) for element in root.findall(_RECEIVER)),
        action=text["CaseAction"],
        sed=text["Type"],
        message_id=text["InstanceIdentifier"],
        sed_version=text["TypeVersion"],
        version=int(version) if version.isascii() and version.isdigit() and len(version) <= 4 else 0,
        set_id=text["SetId"],
        related_set_id=text["RelatedSetId"],
        case_id=text["CaseId"],
        process=process,
        process_version=process_version,
        attachments=len(root.findall(_ATTACHMENT)),
        elements=elements,
    )


def sed_of(root: Any) -> Any:
    """The SED inside the document: its first element that is not of the header's namespace, or None."""
    for child in root:
        if isinstance(child.tag, str) and not child.tag.startswith(f"{{{SBDH}}}"):
            return child
    return None
