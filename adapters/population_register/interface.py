"""What the description of the register's endpoints tells: bodies, answers and the reasons of
problems; tests hold the answers against it.
"""

from __future__ import annotations

from exchange.adapters.population_register.identify import (
    BASIC_DATA_QUERY,
    CHANGES_QUERY,
    PERSON_QUERY,
)
from exchange.ports.description import PROBLEMS, XML, Body, Interface, Parameter, Schema, Told


def _asks(message_type: str, answer_type: str) -> Interface:
    return Interface(
        takes=(Body((message_type,)),),
        tells={
            200: Told("What the register has of them", (Body((answer_type,)),)),
            400: Told("Not valid", (PROBLEMS,), ("malformed", "schema", "rule", "type-unknown")),
            403: Told(
                "No permit to ask, or a living person's code", (PROBLEMS,), ("rule", "real-person")
            ),
            415: Told("Not JSON", (PROBLEMS,), ("unsupported",)),
        },
    )


CHANGES = _asks(CHANGES_QUERY, "population.changes")
BASIC_DATA = _asks(BASIC_DATA_QUERY, "population-register.basic-data")
FIRST_KEY = Interface(
    parameters=(Parameter("date", "The day", "path", schema={"type": "string", "format": "date"}),),
    tells={
        200: Told("The key", (Body(("population-register.key",)),)),
        400: Told("No day, or one that is not here yet", (PROBLEMS,), ("date", "future")),
        403: Told("No permit to ask", (PROBLEMS,), ("no-permit",)),
    },
)
_XML = ("text/xml",)
SHAPES: dict[str, Schema] = {
    "population-register.PersonAnswer": {
        **XML,
        "description": "HenkilonTunnusKyselyResponse in a SOAP 1.1 envelope, as the WSDL has it",
    }
}
PERSON = Interface(
    takes=(Body((PERSON_QUERY,), _XML),),
    tells={
        200: Told(
            "The person in the product that was asked for, or the register's fault code with "
            "everything that was found",
            (Body(media_types=_XML, shape="population-register.PersonAnswer"),),
        )
    },
)
