"""Kela's forms of medical certificates and their fields; names of the forms are public, numbers and
fields are modelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: The code system of views and forms (kanta.fi), and the roots below which a form's template
#: stands.
FORMS = "1.2.246.537.6.12.2002"
#: Our own numbers of fields: a code system that is nobody's.
FIELDS = "1.2.246.537.6.12.2002.999"

Kind = Literal["TS", "CV", "BL"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form: number, title, the type of its value (empty: text only), whether it must
    be there.
    """

    number: str
    title: str
    kind: Kind | Literal[""] = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form: our number of it, its name, title and fields. `share` is its *modelled* share of all
    documents, in per cent.
    """

    number: str
    name: str
    title: str
    share: int
    fields: tuple[Field, ...]


_DIAGNOSIS = Field("10", "Diagnoosi", "CV", True)
_STATUS = Field("11", "Nykytila", "", True)
_FROM = Field("20", "Alkaa", "TS", True)
_TO = Field("21", "Päättyy", "TS", True)
_PERMANENT = Field("30", "Pysyvä", "BL")

#: By our number. The A certificate (of incapacity for work) is taken to be the most frequent.
BY_NUMBER: dict[str, Form] = {
    form.number: form
    for form in (
        Form(
            number="9006",
            name="SV6",
            title="Lääkärintodistus A",
            share=61,
            fields=(_DIAGNOSIS, _FROM, _TO),
        ),
        Form(
            number="9007",
            name="SV7",
            title="Lääkärinlausunto B",
            share=24,
            fields=(_DIAGNOSIS, _STATUS, _FROM, _PERMANENT),
        ),
        Form(
            number="9010",
            name="SV10",
            title="Lääkärintodistus D",
            share=5,
            fields=(_DIAGNOSIS, _STATUS, _FROM),
        ),
        Form(
            number="9067", name="SV67", title="Todistus SV67", share=4, fields=(_DIAGNOSIS, _STATUS)
        ),
        Form(
            number="9075",
            name="SV75",
            title="Todistus SV75",
            share=3,
            fields=(_DIAGNOSIS, _STATUS, _FROM, _TO),
        ),
        Form(number="9097", name="SV97", title="Todistus SV97", share=3, fields=(_STATUS, _FROM)),
    )
}
