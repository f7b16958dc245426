"""Documents grown at random from an XSD, with every value chosen so that its type takes it; no
verdict and no mutation.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import xmlschema
from lxml import etree
from xmlschema.validators import XsdAnyElement, XsdElement

from exchange.schemas.identifiers import make_business_id

XSI = "http://www.w3.org/2001/XMLSchema-instance"

#: Values of every kind, at and beyond the limits of the register's types.
VALUES = (
    *(
        "",
        " ",
        "1",
        "01",
        "+7",
        "-3",
        "0",
        "12",
        "13",
        "31",
        "32",
        "33",
        "100",
        "201",
        "352",
        "9999",
        "2147483647",
        "2147483648",
    ),
    *(
        "true",
        "false",
        "True",
        " true ",
        "yes",
        "1.0",
        "1.00",
        "1.000",
        "-0.5",
        "1,5",
        ".5",
        "5.",
        "1e3",
        "NaN",
    ),
    *("1234567890123", "1234567890123.45", "12345678901234", "+1234567890123.4"),
    *(
        "2024-02-29",
        "2023-02-29",
        "2024-02-29Z",
        "2024-2-9",
        "29.2.2024",
        "2024-02-29+02:00",
        "-0001-01-01",
        "12024-01-01",
    ),
    *(
        "2024-02-29T10:00:00",
        "2024-02-29T10:00:00Z",
        "2024-02-29T10:00:00.123+02:00",
        "2024-02-29T24:00:00",
        "2024-02-29 10:00:00",
    ),
    *(
        "10:00:00",
        "10:00",
        "25:00:00",
        "10:00:00Z",
        "AA==",
        "AAAA",
        "A",
        "http://example.org/a",
        "id-1",
        "a b",
        "a\tb",
        "a\nb",
    ),
    *(
        "FI",
        "fi",
        "F",
        "FIN",
        "99",
        "  ",
        "abcdef0123456789ABCDEF0123456789",
        "abcdef0123456789ABCDEF012345678",
        "g" * 32,
    ),
    *("åäö", "a" * 5, make_business_id(2_900_101), "x--y", "<&>", " 5 ", "\n5\n", "٣"),
    *(
        "x" * length
        for limit in (10, 11, 20, 30, 40, 50, 70, 100, 200, 500, 850)
        for length in (limit, limit + 1)
    ),
)


class Grower:
    """Grows documents of one XSD; the same source of chance gives the same documents."""

    def __init__(self, path: Path) -> None:
        self._schema = xmlschema.XMLSchema10(str(path), allow="local", defuse="never")
        self._fitting: dict[int, tuple[str, ...]] = {}

    def grow(self, root: str, rng: random.Random, share: float) -> etree._Element:
        """A document with that root (`{namespace}local`); `share` of what is optional is there."""
        declared = self._schema.maps.elements[root]
        element = etree.Element(root, nsmap={"r": root[1:].partition("}")[0]})
        self._fill(element, declared, rng, share, 0)
        return element

    def _values(self, simple: Any) -> tuple[str, ...]:
        if id(simple) not in self._fitting:
            # Python takes the digits of every script for digits, libxml2 does not.
            known = (value for value in VALUES if not (value.isdigit() and not value.isascii()))
            self._fitting[id(simple)] = tuple(value for value in known if simple.is_valid(value))
        return self._fitting[id(simple)]

    def _fill(
        self,
        element: etree._Element,
        declared: XsdElement,
        rng: random.Random,
        share: float,
        depth: int,
    ) -> None:
        kind = declared.type
        for name, attribute in declared.attributes.items():
            if name is not None and (attribute.use == "required" or rng.random() < share / 2):
                value = (
                    f"id{rng.getrandbits(48)}"
                    if "ID" in str(attribute.type.name)
                    else "http://example.org/x"
                )
                element.set(name, value)
        if kind.is_simple() or kind.has_simple_content():
            # Mostly short values: the long ones only make the documents larger.
            values = self._values(kind if kind.is_simple() else kind.content)
            element.text = (
                rng.choice(values)
                if rng.random() < 0.2
                else min(rng.sample(values, min(3, len(values))), key=len)
            )
        elif (group := kind.model_group) is not None:
            self._particles(element, group, rng, share, depth)

    def _particles(
        self, element: etree._Element, group: Any, rng: random.Random, share: float, depth: int
    ) -> None:
        for _ in range(self._times(group, rng, share)):
            named = [particle for particle in group if not isinstance(particle, XsdAnyElement)]
            for particle in [rng.choice(named)] if group.model == "choice" and named else named:
                if not isinstance(particle, XsdElement):
                    self._particles(element, particle, rng, share, depth)
                    continue
                for _ in range(self._times(particle, rng, share if depth < 12 else 0)):
                    child = etree.SubElement(element, particle.name)
                    self._fill(child, particle.ref or particle, rng, share, depth + 1)

    def _times(self, particle: Any, rng: random.Random, share: float) -> int:
        if particle.min_occurs == 0 and rng.random() >= share:
            return 0
        least = max(particle.min_occurs, 1)
        most = min(particle.max_occurs or least + 2, least + 2)
        return rng.randint(least, most) if rng.random() < 0.3 else least
