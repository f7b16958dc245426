"""What the forms of Kelmu's workers have in common: titles, fields and the receipt; no task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exchange.ports.caseworkers import Choice, Field, Said, Section, Title


def titles(fi: str, sv: str, en: str) -> Title:
    """A title in each language."""
    return {"fi": fi, "sv": sv, "en": en}


YES, NO = titles("kyllä", "ja", "yes"), titles("ei", "nej", "no")
BENEFIT = titles("Etuus", "Förmån", "Benefit")
STATE = titles("Tila", "Status", "State")
PERSON = Field(
    name="person",
    title=titles("Henkilötunnus", "Personbeteckning", "Personal identity code"),
    hint="140890-9423",
)
FILES = Field(
    name="files",
    title=titles("Tiedostot (PDF, JPEG, PNG)", "Filer (PDF, JPEG, PNG)", "Files (PDF, JPEG, PNG)"),
    kind="files",
)

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


def receipt(answer: Any) -> Sequence[Section]:
    """What says that something was taken in and goes to Kela."""
    return (
        Section(
            title=titles("Lähetetty", "Skickat", "Sent"),
            columns=(
                titles("Sanoman tunnus", "Meddelandets id", "Id of the message"),
                titles("Vastaanotettu", "Mottaget", "Received at"),
            ),
            rows=((str(answer["id"]), str(answer["received_at"])),),
        ),
    )
