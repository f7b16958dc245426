"""A message without the values that its schema refused, so that no rule is judged on them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, Literal

from lxml import etree

from exchange.schemas.violation import Finding

#: Elements that are left out at most, with what is in them.
LEFT_OUT_ELEMENTS_MAX = 50_000
#: How the rules of schemas begin.
_OF_SCHEMAS = ("json.", "xsd.")
#: Rules of schemas that say that something is not there: nothing of what is there is refused.
_ABSENT = frozenset({"json.missing", "xsd.element-missing", "xsd.attribute-missing"})
#: Rules that refuse an element with all that is in it, not only its value.
_WHOLE = frozenset({"xsd.element-unexpected", "xsd.root", "json.extra", "json.type"})


def refused(findings: Iterable[Finding]) -> list[Finding]:
    """Those findings of schemas that refuse something that stands in the message."""
    return [
        each
        for each in findings
        if each.rule.startswith(_OF_SCHEMAS)
        and each.severity == "error"
        and each.rule not in _ABSENT
        and each.at is not None
    ]


@contextmanager
def left_out(
    document: Any, written: Literal["xml", "json"], findings: Sequence[Finding]
) -> Iterator[Any]:
    """The document without what these findings of its schema refuse.

    Of XML it is the same tree, whose refused texts and attributes are empty until the end, so that
    what is found stands where it stood; of JSON a copy: members are left out, entries of arrays are
    null.
    """
    if written == "json":
        yield _without(document, findings)
        return
    texts: list[tuple[Any, str | None, str | None]] = []
    attributes: list[tuple[Any, str, str]] = []
    try:
        for finding in findings:
            _empty(finding, texts, attributes)
        yield document
    finally:
        for element, text, tail in reversed(texts):
            element.text, element.tail = text, tail
        for element, name, value in reversed(attributes):
            element.set(name, value)


def hold_much(findings: Iterable[Finding]) -> bool:
    """Whether what these findings refuse holds too many elements to be left out: each text that was
    put back is a piece of memory of its own, and to free millions holds the interpreter.
    """
    elements = (each.at for each in findings if each.rule in _WHOLE and not each.attribute)
    inside = chain.from_iterable(
        each.iter() for each in elements if isinstance(each, etree._Element)
    )
    return next(islice(inside, LEFT_OUT_ELEMENTS_MAX, None), None) is not None


def about(finding: Finding, refused: Sequence[Finding]) -> bool:
    """Whether a finding is about a refused value, a part of one, or something that holds one: what
    an element lacks can't be told while a value in it may be meant as just that.
    """
    return any(_meet(finding, each) for each in refused)


def _meet(finding: Finding, refused: Finding) -> bool:
    at, wrong = finding.at, refused.at
    if isinstance(wrong, tuple):
        return isinstance(at, tuple) and bool(
            wrong[: len(at)] == at or (refused.rule in _WHOLE and at[: len(wrong)] == wrong)
        )
    if not isinstance(at, etree._Element) or not isinstance(wrong, etree._Element):
        return False
    if refused.rule in _WHOLE and not refused.attribute and _holds(wrong, at):
        return True
    if finding.attribute:
        return at is wrong and finding.attribute == refused.attribute
    return _holds(at, wrong)


def _holds(outer: Any, inner: Any) -> bool:
    return outer is inner or any(each is outer for each in inner.iterancestors())


def _without(document: Any, findings: Sequence[Finding]) -> Any:
    made = copy.deepcopy(document)
    for finding in findings:
        parent, path = made, finding.at
        if not isinstance(path, tuple) or not path:
            continue
        for step in path[:-1]:
            parent = _member(parent, step)
        held, last = _member(parent, path[-1]), path[-1]
        if isinstance(held, (dict, list)) and finding.rule not in _WHOLE:
            continue  # An array is too long: what stands in it may be right.
        if isinstance(parent, dict):
            parent.pop(last, None)
        elif isinstance(parent, list) and isinstance(last, int) and last < len(parent):
            parent[last] = None
    return made


def _member(parent: Any, step: Any) -> Any:
    if isinstance(parent, dict):
        return parent.get(step)
    if isinstance(parent, list) and isinstance(step, int) and 0 <= step < len(parent):
        return parent[step]
    return None


def _empty(
    finding: Finding,
    texts: list[tuple[Any, str | None, str | None]],
    attributes: list[tuple[Any, str, str]],
) -> None:
    element = finding.at
    if not isinstance(element, etree._Element):
        return
    whole = finding.rule in _WHOLE and not finding.attribute
    if finding.attribute:
        _empty_attribute(element, finding.attribute, attributes)
    elif whole or next(element.iterchildren("*"), None) is None:
        for node in element.iter():
            texts.append((node, node.text, node.tail))
            # (A comment's own text is no value; what stands after it is.)
            if isinstance(node.tag, str):
                node.text = None
                for name in list(node.attrib) if whole else ():
                    _empty_attribute(node, str(name), attributes)
            if node is not element:
                node.tail = None


def _empty_attribute(element: Any, name: str, attributes: list[tuple[Any, str, str]]) -> None:
    value = element.get(name)
    if value is not None:
        attributes.append((element, name, value))
        element.set(name, "")
