"""The bytes of a message are those that lxml prints of the same message built as a tree, whatever
its texts hold.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from exchange.adapters.eessi.generate.messages import AUTHORITY, SBDH, XSI, Letter, history, write
from exchange.adapters.eessi.generate.sed_blocks import Scene, Tree, subject
from exchange.adapters.eessi.generate.seds import CONTENTS, body

NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
PLAIN = Letter(
    "A009",
    "LA_BUC_04",
    "Start",
    "EE:1001",
    ("FI:0200000010",),
    True,
    "a" * 32,
    "b" * 32,
    "c" * 32,
    NOON,
)
PACKAGES = {"P": "Pensions", "H": "Horizontal", "A": "LegislationApplicable", "X": "Administrative"}
MARKUP = "<b>&amp; \"'\n\t\r]]><!-- x --> é😀\x7f\x85\u2028"


def tree_of(letter: Letter, tree: Tree) -> etree._Element:
    """The message as a tree."""
    root = etree.Element(f"{{{SBDH}}}StandardBusinessDocument", nsmap={"sbdh": SBDH, "xsi": XSI})
    schema = "-".join((letter.process, "4.2", *letter.roles, letter.action, letter.sed, "4.2"))
    root.set(f"{{{XSI}}}schemaLocation", f"{SBDH} {schema}.xsd")
    header = etree.SubElement(root, f"{{{SBDH}}}StandardBusinessDocumentHeader")
    add(header, (("HeaderVersion", "1.1"),), SBDH)
    contacts = [
        ("Sender", letter.sender, letter.roles[0]),
        *(("Receiver", name, letter.roles[1]) for name in letter.receivers),
    ]
    for name, institution, role in contacts:
        contact = etree.SubElement(header, f"{{{SBDH}}}{name}")
        etree.SubElement(contact, f"{{{SBDH}}}Identifier", Authority=AUTHORITY).text = institution
        add(contact, (("ContactTypeIdentifier", role),), SBDH)
    identification = (
        (
            "CreationDateAndTime",
            letter.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        ),
        ("CaseAction", letter.action),
        ("Type", letter.sed),
        ("InstanceIdentifier", letter.message_id),
        ("TypeVersion", "4.2"),
    )
    case_id = (
        ("InstanceIdentifier", letter.case_id),
        ("BusinessServiceName", f"{letter.process}:4.2"),
    )
    related = (("RelatedSetId", letter.related_set_id),) if letter.related_set_id else ()
    scope: Tree = (
        ("DocumentVersion", str(letter.document_version)),
        ("SetId", letter.set_id),
        *related,
        ("CaseId", case_id),
    )
    add(header, (("DocumentIdentification", identification), ("BusinessScope", scope)), SBDH)
    namespace = f"http://ec.europa.eu/eessi/ns/4_2/{letter.sed}"
    sed = etree.SubElement(
        root, f"{{{namespace}}}{letter.sed}", nsmap={letter.sed.lower(): namespace}
    )
    sed.set("sedPackage", f"SectorComponents/{PACKAGES[letter.sed[0]]}/{letter.sed}")
    sed.set("sedGVer", "4")
    sed.set("sedVer", "2")
    add(sed, tree)
    return root


def add(parent: etree._Element, tree: Tree, namespace: str = "") -> None:
    """Put elements with these names into the parent."""
    for name, inside in tree:
        child = etree.SubElement(parent, f"{{{namespace}}}{name}" if namespace else name)
        if isinstance(inside, str):
            child.text = inside
        else:
            add(child, inside, namespace)


def printed(letter: Letter, tree: Tree) -> bytes:
    """The tree as lxml prints it."""
    return etree.tostring(
        tree_of(letter, tree), xml_declaration=True, encoding="UTF-8", pretty_print=True
    )


def marked(tree: Tree, text: str) -> Tree:
    """The tree with that text after each of its own."""
    return tuple(
        (name, inside + text if isinstance(inside, str) else marked(inside, text))
        for name, inside in tree
    )


@pytest.mark.parametrize("sed", sorted(CONTENTS))
def test_every_sed_is_written_as_its_tree_is_printed(sed: str) -> None:
    for seed in range(5):
        letter, content = history(random.Random(seed), NOON.date(), sed)[-1]
        rng = random.Random(seed)
        scene = Scene(
            rng,
            NOON.date(),
            subject(rng, NOON.date(), "SE"),
            letter.sender,
            letter.receivers[-1],
            "P2000",
            "d" * 32,
        )
        tree = body(sed, scene)
        assert content.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<sbdh:")
        assert write(letter, tree) == printed(letter, tree)
        assert write(letter, marked(tree, MARKUP)) == printed(letter, marked(tree, MARKUP))


TEXTS = st.one_of(
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
        max_size=8,
    ),
    st.text(st.sampled_from("<>&\"'\r\n\t ;]é\x7f\x80"), max_size=8),
)
NAMES = st.sampled_from(("value", "country", "Address"))
TREES = st.recursive(
    TEXTS, lambda inside: st.lists(st.tuples(NAMES, inside), max_size=3).map(tuple), max_leaves=12
)
LETTERS = st.builds(
    Letter,
    sed=st.sampled_from(sorted(CONTENTS)),
    process=TEXTS,
    action=TEXTS,
    sender=TEXTS,
    receivers=st.lists(TEXTS, max_size=3).map(tuple),
    sender_owns=st.booleans(),
    message_id=TEXTS,
    set_id=TEXTS,
    case_id=TEXTS,
    created_at=st.datetimes(timezones=st.just(datetime.UTC)),
    related_set_id=TEXTS,
    document_version=st.integers(0, 99),
)


@given(LETTERS, st.lists(st.tuples(NAMES, TREES), max_size=3))
def test_any_letter_is_written_as_its_tree_is_printed(letter: Letter, tree: Tree) -> None:
    assert write(letter, tree) == printed(letter, tree)


@pytest.mark.parametrize("tree", [(), (("a", ""),), (("a", ()),), (("a", (("b", ""), ("c", ()))),)])
def test_nothing_inside_is_not_an_empty_text(tree: Tree) -> None:
    assert write(PLAIN, tree) == printed(PLAIN, tree)


@pytest.mark.parametrize(
    "sign", ["\0", "\x01", "\b", "\x0b", "\x0c", "\x1f", "\ud800", "\ufffe", "\uffff"]
)
@pytest.mark.parametrize("make", [write, printed])
def test_what_no_xml_can_hold_is_not_written(
    make: Callable[[Letter, Tree], bytes], sign: str
) -> None:
    for letter, tree in (
        (PLAIN, (("a", sign),)),
        (replace(PLAIN, process=sign), ()),
        (replace(PLAIN, receivers=(sign,)), ()),
    ):
        with pytest.raises(ValueError):
            make(letter, tree)


@pytest.mark.parametrize("sed", ["A 009", "A<", "A:9"])
@pytest.mark.parametrize("make", [write, printed])
def test_a_sed_has_a_name(make: Callable[[Letter, Tree], bytes], sed: str) -> None:
    with pytest.raises(ValueError):
        make(replace(PLAIN, sed=sed), ())
