"""Guardianship (edunvalvonta) in the message about a person: nobody of the population is under any,
so that its elements are there and empty.

Source: element names of an answer to `Perussanoma 3` that a public client reads (City of Espoo,
eVaka).
"""

from __future__ import annotations

from typing import Any

_PERIOD = ("Alkupvm", "Paattymispvm")
_DUTIES = ("Tehtavienjakokoodi", "TehtavienjakoS", "TehtavienjakoR")
_NAMED = (
    "Henkilotunnus",
    "Syntymaaika",
    ("NykyinenSukunimi", ("Sukunimi",)),
    ("NykyisetEtunimet", ("Etunimet",)),
)
_TASK = ("TehtavaAlkupvm", "TehtavaLoppupvm")
#: Names, and those inside them.
_ELEMENTS = (
    (
        "Edunvalvonta",
        (
            *_PERIOD,
            *("Rajoituskoodi", "RajoitustekstiS", "RajoitustekstiR"),
            *_DUTIES,
            ("HenkiloEdunvalvoja", (*_NAMED, *_TASK)),
            ("YritysJaYhteisoEdunvalvoja", ("Ytunnus", "Nimi", *reversed(_TASK))),
            (
                "OikeusaputoimistoEdunvalvoja",
                ("Viranomaisnumero", "ViranomainenS", "ViranomainenR", *_TASK),
            ),
        ),
    ),
    (
        "Edunvalvontavaltuutus",
        (
            *_PERIOD,
            *_DUTIES,
            (
                "HenkiloEdunvalvontavaltuutettu",
                (*_NAMED, "ValtuutusAlkupvm", "ValtuutusLoppupvm"),
            ),
        ),
    ),
)


def _empty(element: Any) -> str:
    if isinstance(element, str):
        return f"<{element}/>"
    name, inside = element
    return f"<{name}>{''.join(map(_empty, inside))}</{name}>"


#: The elements as they stand in every message of that product.
GUARDIANSHIP = "".join(map(_empty, _ELEMENTS))
