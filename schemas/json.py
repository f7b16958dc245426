"""JSON: bytes to plain data within limits, and data against a pydantic model; positions and diagnoses live beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pydantic
import pydantic_core

from schemas.json_positions import diagnose, locate
from schemas.violation import Finding, excerpt

__all__ = ["FINDINGS_MAX", "JsonLimits", "JsonSchema", "locate", "parse"]

#: At most so many findings are reported of one check.
FINDINGS_MAX = 200

_KEY_END = re.compile(rb'"[ \t\r\n]*:')


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """What a body may be at most: its length in bytes and the depth of its arrays and objects."""

    body_bytes_max: int = 20 * 1024 * 1024
    depth_max: int = 64


def parse(body: bytes, limits: JsonLimits = JsonLimits()) -> Any:  # noqa: B008 - frozen
    """The data: dict, list, str, int, float, bool or None.

    Raises:
        Malformed: with line, column and source line. Rules: `json.empty`, `json.size`, `json.encoding`, `json.depth`,
            `json.number` (NaN, Infinity, beyond a double), `json.duplicate-key`, `json.malformed`.
    """
    if len(body) > limits.body_bytes_max or body[:1] in (b"", b"\xef", b"\xfe", b"\xff", b"\0"):
        raise diagnose(body, limits.body_bytes_max, limits.depth_max)
    try:
        data = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise diagnose(body, limits.body_bytes_max, limits.depth_max, str(error)) from None
    if isinstance(data, (dict, list)):
        depth, keys = _measure(data, limits.depth_max)
        # Equal unless a key stands twice or a string holds an escaped quotation mark before a colon.
        if depth > limits.depth_max or len(_KEY_END.findall(body)) != keys:
            _refuse_if_wrong(body, limits)
    return data


def _refuse_if_wrong(body: bytes, limits: JsonLimits) -> None:
    malformed = diagnose(body, limits.body_bytes_max, limits.depth_max)
    if malformed.violations:
        raise malformed


def _measure(data: Any, depth_max: int) -> tuple[int, int]:
    """The depth of the data (not beyond `depth_max` + 1) and the number of keys in it, level by level."""
    depth, keys = 0, 0
    level: list[Any] = [data]
    while level and depth <= depth_max:
        depth += 1
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                keys += len(container)
                below += [value for value in container.values() if type(value) is dict or type(value) is list]
            else:
                below += [value for value in container if type(value) is dict or type(value) is list]
        level = below
    return depth, keys


class JsonSchema:
    """A pydantic model (or type adapter) as a schema: checks plain data strictly and never changes it."""

    def __init__(self, model: type[pydantic.BaseModel] | pydantic.TypeAdapter[Any]) -> None:
        self.model = model
        adapter = model if isinstance(model, pydantic.TypeAdapter) else pydantic.TypeAdapter(model)
        self._validate = adapter.validator.validate_python

    def check(self, data: Any) -> list[Finding]:
        """What is wrong with the data, in the order of the model; empty when it is valid."""
        try:
            self._validate(data, strict=True)
        except pydantic_core.ValidationError as error:
            return _findings(error, data)
        return []


def _findings(error: pydantic_core.ValidationError, data: Any) -> list[Finding]:
    kept: dict[tuple[Any, ...], Finding] = {}
    for detail in error.errors(include_url=False):
        finding = _finding(detail, data)
        kept.setdefault((finding.rule, finding.at, finding.expected), finding)
        if len(kept) == FINDINGS_MAX:
            break
    return list(kept.values())


def _finding(detail: Any, data: Any) -> Finding:
    kind, context = detail["type"], detail.get("ctx", {})
    at = _real_path(detail["loc"], data, kind)
    rule = _RULES.get(kind, "")
    if not rule:
        rule = "json.type" if kind.endswith("_type") or kind == "int_from_float" else "json.value"
    name = str(at[-1]) if at else "the message"
    if rule == "json.missing":
        return Finding(rule, f"{name} is missing", at, name)
    if rule == "json.extra":
        return Finding(rule, f"{name} does not belong here", at, "", name)
    return Finding(rule, detail["msg"], at, _expected(kind, context), _shown(detail.get("input")))


def _real_path(loc: Sequence[Any], data: Any, kind: str) -> tuple[Any, ...]:
    """The path of a pydantic location in the data: without the names of union members, functions and the mark of a key."""
    path: list[Any] = []
    node = data
    for number, part in enumerate(loc):
        if isinstance(node, dict) and isinstance(part, str) and part in node:
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and 0 <= part < len(node):
            node = node[part]
        elif not (kind == "missing" and number == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path)


def _expected(kind: str, context: dict[str, Any]) -> str:
    """What was wanted, from the context of pydantic's error or its kind."""
    for key in ("expected", "pattern", "expected_tags", "class_name"):
        if value := context.get(key):
            return str(value)
    if bounds := [f"{_BOUNDS[key]} {value}" for key, value in context.items() if key in _BOUNDS]:
        return " and ".join(bounds)
    return _KINDS.get(kind.removesuffix("_type"), "")


def _shown(value: Any) -> str:
    """A value as it stands in the message, cut; of an object or array only what it is."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return excerpt(pydantic_core.to_json(value).decode()) if isinstance(value, (str, int, float, bool, type(None))) else ""


def rules() -> Iterable[str]:
    """Every rule that a check can report."""
    return {*_RULES.values(), "json.type", "json.value"}


_RULES = {
    "missing": "json.missing",
    "extra_forbidden": "json.extra",
    "literal_error": "json.enum",
    "enum": "json.enum",
    "string_pattern_mismatch": "json.pattern",
    "string_too_short": "json.length",
    "string_too_long": "json.length",
    "too_short": "json.length",
    "too_long": "json.length",
    "union_tag_invalid": "json.enum",
    "union_tag_not_found": "json.missing",
}
_BOUNDS = {
    "min_length": "at least",
    "max_length": "at most",
    "ge": "at least",
    "gt": "more than",
    "le": "at most",
    "lt": "less than",
    "multiple_of": "a multiple of",
}
_KINDS = {
    "string": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "list": "an array",
    "tuple": "an array",
    "dict": "an object",
    "model": "an object",
    "none_required": "null",
}
