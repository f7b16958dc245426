"""Why an element does not fit its XSD: findings of stable rules from the `xmlschema` package, or
from libxml2's log.

libxml2 stops judging an element's children at the first that does not fit, so it misses violations;
`xmlschema` does not.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, cast

import xmlschema
from lxml import etree
from xmlschema.names import XSD_NAMESPACE
from xmlschema.namespaces import NamespaceMapper
from xmlschema.validators import (
    XMLSchemaChildrenValidationError,
    XMLSchemaDecodeError,
    XMLSchemaValidationError,
)
from xmlschema.validators.validation import ValidationContext

from exchange.schemas.document_limits import effort
from exchange.schemas.violation import Finding, excerpt
from exchange.schemas.xml.refused_parts import refused_parts, told_nodes

#: When an element has more attributes, or namespaces, than this, the explanation comes from libxml2
#: alone: the thorough one takes time by their number squared. It does so too when the call's
#: documents have more elements than are explained (`schemas.document_limits`), or a value is longer
#: than this: of a value the package asks regular expressions, which hold the interpreter for up to
#: 60 ns a character.
EXPLAINED_ATTRIBUTES_MAX = 50
EXPLAINED_CHARACTERS_MAX = 200_000

_ATTRIBUTE_REASON = re.compile(r"attribute ([^\s=]+)=")
_MISSING_ATTRIBUTE = re.compile(r"missing required attribute '([^']+)'")
_FOREIGN_ATTRIBUTE = re.compile(r"'([^']+)' attribute not allowed")


class Explainer:
    """An XSD compiled a second time, lazily, by the `xmlschema` package; reads local files only."""

    def __init__(self, path: Path) -> None:
        self._schema = xmlschema.XMLSchema10(str(path), allow="local", defuse="never")
        #: Whether it says that something is there once: two break that, of which one is told.
        self._has_identities = any(
            not name.startswith(f"{{{XSD_NAMESPACE}}}") for name in self._schema.maps.identities
        )

    def explain(
        self, element: etree._Element, log: Sequence[Any], findings_max: int
    ) -> list[Finding]:
        """Everything wrong with an element that libxml2 refused (`log` is what it said), in
        document order.
        """
        allowed = effort()
        # (A document may have millions of them; and a list of many made by one call into C would
        # stop everybody.)
        originals = [each for each in islice(element.iter("*"), allowed.left + 1)]  # noqa: C416
        if _is_costly(originals) or not allowed.spend(len(originals)):
            return _of_log(element, log[:findings_max])
        order = {original: number for number, original in enumerate(originals)}
        bare = _without_asides(element)
        of_bare = dict(zip(bare.iter("*"), originals, strict=True)) if bare is not element else None
        findings: list[Finding] = []
        parts = None if self._has_identities else refused_parts(element, log)
        if parts is not None and of_bare is not None:
            parts = {each for each, original in of_bare.items() if original in parts}
        try:
            for error in self._errors(bare, parts, 2 * findings_max):
                finding = _finding(error, bare)
                if of_bare is not None:
                    finding.at = of_bare.get(finding.at, element)
                findings.append(finding)
        except (xmlschema.XMLSchemaException, OverflowError):
            # An xsi:type that names no type of the schema ends the thorough explanation, and so
            # does an integer beyond any double where a few are allowed; what libxml2 said still
            # holds.
            findings += _of_log(element, log[:findings_max])
        findings = _merged(findings) or _of_log(element, log[:findings_max])
        findings.sort(key=lambda finding: (order.get(finding.at, 0), finding.attribute))
        return findings[:findings_max]

    def _errors(
        self, element: Any, parts: Container[Any] | None, errors_max: int
    ) -> list[XMLSchemaValidationError]:
        """The first errors in the parts named, and then no further: the package's own `iter_errors`
        seeks them all before it gives any, in time by the number of wrong children squared.
        """
        source = xmlschema.XMLResource(element, allow="local", defuse="never")
        errors = _Bounded(errors_max)
        context = ValidationContext(
            source,
            NamespaceMapper(source=source),
            errors,
            check_identities=True,
            validation_hook=None if parts is None else lambda each, _: each not in parts,
        )
        declared = self._schema.maps.elements.get(element.tag)
        if declared is None:
            return list(self._schema.iter_errors(source))
        with suppress(xmlschema.XMLSchemaStopValidation):
            declared.raw_decode(cast(Any, element), "lax", context)
        return errors


class _Bounded(list[XMLSchemaValidationError]):
    """Errors, at most so many: one more ends the validation."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def append(self, error: XMLSchemaValidationError) -> None:
        """Take an error, or stop."""
        if len(self) >= self._most:
            raise xmlschema.XMLSchemaStopValidation
        super().append(error)


def _is_costly(elements: Sequence[etree._Element]) -> bool:
    """Whether the thorough explanation could take long by what one of the elements carries."""
    return any(
        len(each.attrib) > EXPLAINED_ATTRIBUTES_MAX
        or len(each.nsmap) > EXPLAINED_ATTRIBUTES_MAX
        or len(each.text or "") > EXPLAINED_CHARACTERS_MAX
        or any(len(value) > EXPLAINED_CHARACTERS_MAX for value in each.attrib.values())
        for each in elements
    )


def _without_asides(element: etree._Element) -> etree._Element:
    """The element, or a copy without comments and processing instructions when it holds any: they
    cut its text in two.
    """
    if next(element.iter(etree.Comment, etree.ProcessingInstruction), None) is None:
        return element
    bare = copy.deepcopy(element)
    etree.strip_tags(bare, etree.Comment, etree.ProcessingInstruction)
    return bare


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each place and kind: a value that breaks both its type and a facet is wrong
    once.
    """
    kept: dict[tuple[Any, ...], Finding] = {}
    for finding in findings:
        value = finding.rule in (
            "xsd.type",
            "xsd.pattern",
            "xsd.enumeration",
            "xsd.length",
            "xsd.range",
            "xsd.digits",
        )
        key = (
            finding.at,
            finding.attribute,
            "value" if value else (finding.rule, finding.expected, finding.found),
        )
        kept.setdefault(key, finding)
    return list(kept.values())


def _finding(error: XMLSchemaValidationError, element: etree._Element) -> Finding:
    at = error.elem if error.elem is not None else element
    if isinstance(error, XMLSchemaChildrenValidationError):
        return _of_children(error, at)
    reason = error.reason or "the element does not fit its schema"
    attribute = next((match[1] for form in _ATTRIBUTES if (match := form.search(reason))), "")
    found = str(at.get(attribute, "")) if attribute else (at.text or "").strip()
    if match := _MISSING_ATTRIBUTE.search(reason):
        return Finding(
            rule="xsd.attribute-missing",
            message=f"attribute {match[1]} is missing",
            at=at,
            expected=match[1],
            found="",
            attribute=match[1],
        )
    if match := _FOREIGN_ATTRIBUTE.search(reason):
        return Finding(
            rule="xsd.attribute-unexpected",
            message=f"attribute {match[1]} does not belong here",
            at=at,
            expected="",
            found=match[1],
            attribute=match[1],
        )
    validator = type(error.validator).__name__
    if isinstance(error, XMLSchemaDecodeError):
        return Finding(
            rule="xsd.type",
            message="the value is not of its type",
            at=at,
            expected=_type_name(error.validator),
            found=found,
            attribute=attribute,
        )
    rule, expected = _FACETS.get(validator, ("xsd.other", ""))
    return Finding(
        rule=rule,
        message=_REASONS.get(rule, reason),
        at=at,
        expected=expected or _allowed(error.validator),
        found=found,
        attribute=attribute,
    )


def _allowed(facet: Any) -> str:
    """What a facet allows: its list, its patterns, or its bound in words; empty for
    anything else.
    """
    if (listed := getattr(facet, "enumeration", None)) is not None:
        return excerpt(", ".join(map(str, listed)))
    if (patterns := getattr(facet, "regexps", None)) is not None:
        return excerpt(" or ".join(patterns))
    form = _BOUNDS.get(type(facet).__name__, "")
    return form.format(facet.value) if form else ""


_REASONS = {
    "xsd.enumeration": "the value is not one of the list",
    "xsd.pattern": "the value does not have the form it must have",
}
_BOUNDS = {
    "XsdLengthFacet": "exactly {} characters",
    "XsdMinLengthFacet": "at least {} characters",
    "XsdMaxLengthFacet": "at most {} characters",
    "XsdMinInclusiveFacet": "at least {}",
    "XsdMinExclusiveFacet": "more than {}",
    "XsdMaxInclusiveFacet": "at most {}",
    "XsdMaxExclusiveFacet": "less than {}",
    "XsdTotalDigitsFacet": "at most {} digits",
    "XsdFractionDigitsFacet": "at most {} decimals",
}


_ATTRIBUTES = (_ATTRIBUTE_REASON, _MISSING_ATTRIBUTE, _FOREIGN_ATTRIBUTE)
_FACETS = {
    "XsdPatternFacets": ("xsd.pattern", ""),
    "XsdEnumerationFacets": ("xsd.enumeration", ""),
    "XsdLengthFacet": ("xsd.length", ""),
    "XsdMinLengthFacet": ("xsd.length", ""),
    "XsdMaxLengthFacet": ("xsd.length", ""),
    "XsdMinInclusiveFacet": ("xsd.range", ""),
    "XsdMaxInclusiveFacet": ("xsd.range", ""),
    "XsdMinExclusiveFacet": ("xsd.range", ""),
    "XsdMaxExclusiveFacet": ("xsd.range", ""),
    "XsdTotalDigitsFacet": ("xsd.digits", ""),
    "XsdFractionDigitsFacet": ("xsd.digits", ""),
}


def _type_name(validator: Any) -> str:
    return str(getattr(validator, "local_name", "") or "")


def _of_children(error: XMLSchemaChildrenValidationError, at: Any) -> Finding:
    expected = " | ".join(
        _local(particle.name or "") for particle in error.expected or () if particle.name
    )
    if error.invalid_child is None:
        return Finding(
            "xsd.element-missing",
            f"element {expected} is missing at the end of {_local(at.tag)}",
            at,
            expected,
        )
    child = error.invalid_child
    found = _local(child.tag)
    if expected:
        return Finding(
            rule="xsd.element-missing",
            message=f"element {expected} is missing before {found}",
            at=child,
            expected=expected,
            found=found,
        )
    return Finding(
        rule="xsd.element-unexpected",
        message=f"element {found} does not belong here",
        at=child,
        expected=expected,
        found=found,
    )


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _of_log(element: etree._Element, log: Sequence[Any]) -> list[Finding]:
    """What libxml2 said, as findings: rule from its type name, element from its path."""
    findings = []
    for entry, node in zip(log, told_nodes(element, log), strict=True):
        at = element if node is None else node
        findings.append(Finding(_RULES.get(entry.type_name, "xsd.other"), entry.message, at))
    return findings


_RULES = {
    "SCHEMAV_ELEMENT_CONTENT": "xsd.element-unexpected",
    "SCHEMAV_CVC_ELT_1": "xsd.root",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "xsd.type",
    "SCHEMAV_CVC_PATTERN_VALID": "xsd.pattern",
    "SCHEMAV_CVC_ENUMERATION_VALID": "xsd.enumeration",
    "SCHEMAV_CVC_LENGTH_VALID": "xsd.length",
    "SCHEMAV_CVC_MINLENGTH_VALID": "xsd.length",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "xsd.length",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "xsd.range",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "xsd.range",
    "SCHEMAV_CVC_MINEXCLUSIVE_VALID": "xsd.range",
    "SCHEMAV_CVC_MAXEXCLUSIVE_VALID": "xsd.range",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "xsd.digits",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": "xsd.digits",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "xsd.attribute-missing",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "xsd.attribute-unexpected",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_1": "xsd.empty",
}
