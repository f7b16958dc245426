"""Mutations of XML documents: drop, repeat, reorder, retype, recode elements and attributes; judges
nothing.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence

from lxml import etree

from tests.schemas.income_register.grown import VALUES, XSI

Mutation = Callable[[list[etree._Element], random.Random], None]
_DS = "http://www.w3.org/2000/09/xmldsig#"


def _inner(elements: list[etree._Element], rng: random.Random) -> etree._Element:
    return rng.choice(elements[1:] or elements)


def _leaf(elements: list[etree._Element], rng: random.Random) -> etree._Element:
    return rng.choice([element for element in elements if len(element) == 0] or elements)


def drop(elements: list[etree._Element], rng: random.Random) -> None:
    """An element goes."""
    victim = _inner(elements, rng)
    if (parent := victim.getparent()) is not None:
        parent.remove(victim)


def repeat(elements: list[etree._Element], rng: random.Random) -> None:
    """An element stands twice."""
    chosen = _inner(elements, rng)
    if chosen.getparent() is not None:
        chosen.addnext(copy.deepcopy(chosen))


def reorder(elements: list[etree._Element], rng: random.Random) -> None:
    """An element changes places with its neighbour."""
    chosen = _inner(elements, rng)
    if (neighbour := chosen.getnext()) is not None:
        neighbour.addnext(chosen)


def move(elements: list[etree._Element], rng: random.Random) -> None:
    """An element goes elsewhere."""
    chosen, other = _inner(elements, rng), rng.choice(elements)
    if chosen.getparent() is not None and other not in chosen.iter():
        other.insert(rng.randint(0, len(other)), chosen)


def rename(elements: list[etree._Element], rng: random.Random) -> None:
    """An element takes another's name, or its own in another case or namespace."""
    chosen = rng.choice(elements)
    local = etree.QName(chosen).localname
    chosen.tag = rng.choice(
        [
            _inner(elements, rng).tag,
            local,
            local.lower(),
            local + "x",
            f"{{{_DS}}}{local}",
            f"{{urn:x}}{local}",
        ]
    )


def revalue(elements: list[etree._Element], rng: random.Random) -> None:
    """A value of another kind or length."""
    _leaf(elements, rng).text = rng.choice(VALUES)


def retype(elements: list[etree._Element], rng: random.Random) -> None:
    """A value takes that of another element."""
    _leaf(elements, rng).text = _leaf(elements, rng).text


def respell(elements: list[etree._Element], rng: random.Random) -> None:
    """A value written a little otherwise."""
    chosen = _leaf(elements, rng)
    text = chosen.text or ""
    chosen.text = rng.choice(
        (
            f" {text}",
            f"{text}\n",
            f"+{text}",
            f"0{text}",
            text.upper(),
            text[:-1],
            f"{text}0",
            text * 2,
        )
    )


def empty(elements: list[etree._Element], rng: random.Random) -> None:
    """An element loses all that is in it."""
    chosen = rng.choice(elements)
    for child in list(chosen):
        chosen.remove(child)
    chosen.text = None


def nest(elements: list[etree._Element], rng: random.Random) -> None:
    """A value becomes an element with a child."""
    etree.SubElement(_leaf(elements, rng), rng.choice(("Value", "Type", "Code"))).text = "1"


def spill(elements: list[etree._Element], rng: random.Random) -> None:
    """Text between elements."""
    chosen = rng.choice([element for element in elements if len(element)] or elements)
    chosen.text = rng.choice(("x", "\n  ", "1", "\u00a0"))


def remark(elements: list[etree._Element], rng: random.Random) -> None:
    """A comment or a processing instruction: they change nothing."""
    rng.choice(elements).insert(
        0,
        etree.Comment(" remark ")
        if rng.random() < 0.6
        else etree.ProcessingInstruction("remark", "x"),
    )


def recode(elements: list[etree._Element], rng: random.Random) -> None:
    """An attribute comes, goes or changes."""
    held = [element for element in elements if element.attrib]
    chosen = rng.choice(held if held and rng.random() < 0.6 else elements)
    names = [
        "Id",
        "Algorithm",
        "URI",
        "code",
        f"{{{XSI}}}nil",
        f"{{{XSI}}}schemaLocation",
        f"{{{XSI}}}type",
        "{urn:x}a",
    ]
    name = rng.choice([*map(str, chosen.attrib), *names])
    if name in chosen.attrib and rng.random() < 0.4:
        del chosen.attrib[name]
    elif name.endswith("}type"):
        chosen.set(name, rng.choice(("int", "x:none", "")))
    else:
        chosen.set(
            name,
            rng.choice(
                ("true", "false", "1", "id-9", "http://example.org/y", "a b", "urn:x y", "")
            ),
        )


def graft(elements: list[etree._Element], rng: random.Random) -> None:
    """Two elements of the same name change places."""
    chosen = _inner(elements, rng)
    alike = [element for element in elements if element.tag == chosen.tag and element is not chosen]
    if alike and (other := rng.choice(alike)) not in chosen.iter() and chosen not in other.iter():
        other_copy = copy.deepcopy(other)
        other_copy.tail = None
        chosen.getparent().replace(chosen, other_copy)


MUTATIONS: Sequence[Mutation] = (
    *(
        drop,
        repeat,
        reorder,
        move,
        rename,
        revalue,
        revalue,
        revalue,
        retype,
        respell,
        respell,
        empty,
        nest,
        spill,
        remark,
        remark,
    ),
    *(recode, recode, graft, graft),
)


def mutate(document: etree._Element, rng: random.Random) -> etree._Element:
    """A mutant of the document, never its like: one mutation mostly, now and then two; the document
    stays as it is.
    """
    original = etree.tostring(document)
    while True:
        mutant = etree.ElementTree(copy.deepcopy(document)).getroot()
        for _ in range(1 if rng.random() < 0.8 else 2):
            rng.choice(MUTATIONS)(list(mutant.iter("*")), rng)
        if etree.tostring(mutant) != original:
            return mutant
