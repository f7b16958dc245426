"""What the forms of Kelmu's workers have in common: titles, fields, which of them a violation is
about, and the receipt; no task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.ports.caseworkers import Choice, Field, Said, Section, Title, first_step
from exchange.schemas.document_limits import in_force


def titles(fi: str, sv: str, en: str) -> Title:
    """A title in each language."""
    return {"fi": fi, "sv": sv, "en": en}


YES, NO = titles("kyllä", "ja", "yes"), titles("ei", "nej", "no")
BENEFIT = titles("Etuus", "Förmån", "Benefit")
MESSAGE_ID = titles("Sanoman tunnus", "Meddelandets id", "Id of the message")
RECEIVED_AT = titles("Vastaanotettu", "Mottaget", "Received at")
STATE = titles("Tila", "Status", "State")
PERSON = Field(
    name="person",
    title=titles("Henkilötunnus", "Personbeteckning", "Personal identity code"),
    hint="140890-9423",
    required=True,
)
SEARCH, SEND = titles("Hae", "Sök", "Search"), titles("Lähetä", "Skicka", "Send")
#: The name of the field of files.
FILES = "files"
_MIB = 1 << 20

#: The mandate by which Kela's requests and notices are handled. That mandates are by task is
#: public; that this one is one of its own is *modelled*.
HANDLE = Choice(
    "handle-requests",
    titles(
        "Kelan pyyntöjen ja ilmoitusten käsittely",
        "Behandla FPA:s begäranden och meddelanden",
        "Handle Kela's requests and notices",
    ),
)


def one(said: Said, name: str) -> str:
    """What a field of one text said."""
    return (said.get(name) or ("",))[0].strip()


def files() -> Field:
    """The field of files, with how large they may be."""
    limits = in_force()
    most = limits.attachments_max
    each, all_of_them = limits.attachment_bytes_max // _MIB, limits.body_bytes_max // _MIB
    return Field(
        name=FILES,
        title=titles("Tiedostot", "Filer", "Files"),
        kind="files",
        note=titles(
            f"PDF, JPEG tai PNG; enintään {most}, kukin enintään {each} Mt, yhteensä alle "
            f"{all_of_them} Mt; nimessä ei henkilötunnusta",
            f"PDF, JPEG eller PNG; högst {most}, var och en högst {each} MB, sammanlagt under "
            f"{all_of_them} MB; ingen personbeteckning i namnet",
            f"PDF, JPEG or PNG; at most {most}, each at most {each} MB, less than {all_of_them} MB "
            "together; no personal identity code in a name",
        ),
    )


def field_of(violation: Mapping[str, Any], said: Said) -> str:
    """The field that a violation is about: what is wrong with attachments stands at the files."""
    if "attachments." in violation["rule"]:
        return FILES
    return first_step(violation, said)


def receipt(answer: Any) -> Sequence[Section]:
    """What says that something was taken in and goes to Kela."""
    return (
        Section(
            title=titles("Lähetetty", "Skickat", "Sent"),
            columns=(MESSAGE_ID, RECEIVED_AT),
            rows=((str(answer["id"]), str(answer["received_at"])),),
        ),
    )
