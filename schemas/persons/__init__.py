"""The artificial persons of every generator, stub and register: one population, computed from
identity codes 900-999; never anybody real.
"""

from exchange.schemas.persons.names import LAST_NAMES, MEN, WOMEN
from exchange.schemas.persons.population import POPULATION, Life, Population
from exchange.schemas.persons.random_persons import (
    Person,
    died,
    moved,
    newborn,
    person,
    registered,
    renamed,
)

__all__ = [
    "LAST_NAMES",
    "MEN",
    "POPULATION",
    "WOMEN",
    "Life",
    "Person",
    "Population",
    "died",
    "moved",
    "newborn",
    "person",
    "registered",
    "renamed",
]
