"""What the schema of a question about a person can't say."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from exchange.adapters.population_register.person_query.endpoint import (
    NAMESPACE,
    field,
    product_of,
)
from exchange.adapters.population_register.person_query.message import PRODUCTS
from exchange.schemas.identifiers import is_personal_identity_code
from exchange.schemas.violation import Finding


def rules(wrapper: etree._Element) -> Iterator[Finding]:
    """Every finding: the product, who asks in the end, the identity code."""
    if wrapper.tag != f"{{{NAMESPACE}}}HenkilonTunnusKysely":
        return
    if not product_of(wrapper):
        yield _finding(
            wrapper, "SoSoNimi", "product", "there is no such product", " or ".join(PRODUCTS)
        )
    if not field(wrapper, "Loppukayttaja"):
        expected = "an id of the official who asks"
        yield _finding(wrapper, "Loppukayttaja", "end-user", "the end user is wanted", expected)
    if not is_personal_identity_code(field(wrapper, "Henkilotunnus")):
        message, expected = "not an identity code", "a personal identity code"
        yield _finding(wrapper, "Henkilotunnus", "identity-code", message, expected)


def _finding(wrapper: etree._Element, name: str, rule: str, message: str, expected: str) -> Finding:
    """A finding at a field, or where it is missing."""
    at = wrapper.find(f"{{{NAMESPACE}}}request/{{{NAMESPACE}}}{name}")
    return Finding(
        rule=f"population-register.{rule}",
        message=message,
        at=wrapper if at is None else at,
        expected=expected,
        found=field(wrapper, name)[:40],
    )
