"""Where the findings of a question about a person stand."""

from __future__ import annotations

import pytest
from lxml import etree

from exchange.adapters.population_register.person_query.endpoint import NAMESPACE
from exchange.adapters.population_register.person_query.rules import rules

FIELDS = {
    "SoSoNimi": "Perussanoma 3",
    "Loppukayttaja": "kasittelija-1",
    "Henkilotunnus": "010594Y9032",
}


def question(**fields: str | None) -> etree._Element:
    """A question; None leaves a field out."""
    wrapper = etree.Element(f"{{{NAMESPACE}}}HenkilonTunnusKysely")
    request = etree.SubElement(wrapper, f"{{{NAMESPACE}}}request")
    for name, text in (FIELDS | fields).items():
        if text is not None:
            etree.SubElement(request, f"{{{NAMESPACE}}}{name}").text = text
    return wrapper


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("SoSoNimi", "product"),
        ("Loppukayttaja", "end-user"),
        ("Henkilotunnus", "identity-code"),
    ],
)
def test_a_finding_has_a_place(field: str, rule: str) -> None:
    assert not list(rules(question()))
    wrapper = question(**{field: " "})
    (finding,) = rules(wrapper)
    assert finding.rule == f"population-register.{rule}"
    assert finding.at is wrapper.find(f".//{{{NAMESPACE}}}{field}")
    wrapper = question(**{field: None})
    (finding,) = rules(wrapper)
    assert finding.at is wrapper
