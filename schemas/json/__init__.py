"""JSON: bytes to plain data within limits, and data against a pydantic model; positions and
diagnoses live beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pydantic
import pydantic.json_schema
import pydantic_core
import pydantic_core.core_schema

from exchange.schemas.document_limits import in_force
from exchange.schemas.json.positions import diagnose, excess_members, locate
from exchange.schemas.json.windows import ERRORS_MAX, is_long, windows
from exchange.schemas.out_of_memory import raise_if_out_of_memory
from exchange.schemas.violation import Finding, excerpt

__all__ = ["FINDINGS_MAX", "JsonLimits", "JsonSchema", "locate", "parse"]

#: At most so many findings are reported of one check.
FINDINGS_MAX = 200

_CONTAINERS = frozenset((dict, list))
_INFINITE = frozenset((float("inf"), float("-inf")))


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """What a body may be at most: its length in bytes, the depth of its arrays and objects, and how
    many of these and of their keys there are.
    """

    body_bytes_max: int = 2_097_152
    depth_max: int = 64
    members_max: int = 500_000


def parse(body: bytes, limits: JsonLimits | None = None) -> Any:
    """The data: dict, list, str, int, float, bool or None; by the limits in force, or those given.

    Raises:
        Malformed: with line, column and source line. Rules: `json.empty`, `json.size`,
        `json.encoding`, `json.depth`, `json.members`,
            `json.number` (NaN, Infinity, a fraction beyond a double, an integer of more than 4,300
            digits), `json.duplicate-key`, `json.malformed`.
    """
    if limits is None:
        general = in_force()
        limits = JsonLimits(
            general.json_body_bytes_max, general.depth_max, general.json_members_max
        )
    if len(body) > limits.body_bytes_max or body[:1] in (b"", b"\xef", b"\xfe", b"\xff", b"\0"):
        raise diagnose(body, limits.body_bytes_max, limits.depth_max)
    if len(body) > limits.members_max and (excess := excess_members(body, limits.members_max)):
        raise excess
    try:
        data = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise diagnose(body, limits.body_bytes_max, limits.depth_max, str(error)) from None
    except BaseException as error:  # what is in Rust panics where it gets no memory
        raise_if_out_of_memory(error)
        raise
    if _is_plain(body, data, limits.depth_max):
        return data
    depth, keys, infinite = _measure(data, limits.depth_max)
    # White space goes first, so that a key's end can only look like this; a string may hold `\\":`,
    # so this is no proof yet.
    if (
        depth > limits.depth_max
        or infinite
        or b"\\u0000" in body
        or body.translate(None, b" \t\r\n").count(b'":') != keys
    ):
        wrong = diagnose(body, limits.body_bytes_max, limits.depth_max)
        if wrong.violations:
            raise wrong
    return data


def _is_plain(body: bytes, data: Any, depth_max: int) -> bool:
    """Whether the body surely has neither a key twice, nor too much depth, nor an infinite number;
    most have none.

    Without a backslash no string holds a quotation mark, so `":` ends a key and nothing else, in
    the body and in the data written again; a key that stood twice is written once.
    """
    if b"\\" in body or body.count(b"[") + body.count(b"{") > depth_max:
        return False
    again = pydantic_core.to_json(data, inf_nan_mode="constants")
    return (
        body.translate(None, b" \t\r\n").count(b'":') == again.count(b'":')
        and b"Infinity" not in again
    )


def _measure(data: Any, depth_max: int) -> tuple[int, int, bool]:
    """The depth of the data (not beyond `depth_max` + 1), the number of its keys, and whether a
    number became infinite.

    Goes level by level and mostly in C, since every message that is not plain pays for it.
    """
    depth, keys = 0, 0
    level = [data] if type(data) in _CONTAINERS else []
    infinite = data in _INFINITE if isinstance(data, float) else False
    while level and depth <= depth_max:
        depth += 1
        dicts = [container for container in level if type(container) is dict]
        keys += sum(map(len, dicts))
        lists = (
            [container for container in level if type(container) is list]
            if len(dicts) < len(level)
            else []
        )
        values = list(
            chain(chain.from_iterable(map(dict.values, dicts)), chain.from_iterable(lists))
        )
        kinds = set(map(type, values))
        if float in kinds and not _INFINITE.isdisjoint(
            value for value in values if type(value) is float
        ):
            infinite = True
        level = (
            [value for value in values if type(value) in _CONTAINERS] if kinds & _CONTAINERS else []
        )
    return depth, keys, infinite


class _AnyOf(pydantic.json_schema.GenerateJsonSchema):
    """A union that is told apart by a function says `anyOf`: of a message that is told to be of one
    model, the others may take what is there as well.
    """

    def tagged_union_schema(self, schema: pydantic_core.core_schema.TaggedUnionSchema) -> Any:
        described = super().tagged_union_schema(schema)
        described.pop("discriminator", None)
        return {"anyOf": described.pop("oneOf"), **described}


class JsonSchema:
    """A pydantic model (or type adapter) as a schema: checks plain data strictly and never changes
    it.
    """

    def __init__(self, model: type[pydantic.BaseModel] | pydantic.TypeAdapter[Any]) -> None:
        self.model = model
        adapter = model if isinstance(model, pydantic.TypeAdapter) else pydantic.TypeAdapter(model)
        self._adapter = adapter
        self._validate = adapter.validator.validate_python

    def described(self, ref_template: str) -> dict[str, Any]:
        """The model as a JSON schema (draft 2020-12); what it refers to is in `$defs`, and referred
        to by the template (`#/.../{model}`).
        """
        return self._adapter.json_schema(ref_template=ref_template, schema_generator=_AnyOf)

    def check(self, data: Any) -> list[Finding]:
        """What is wrong with the data, in the order of the model; empty when it is valid."""
        if is_long(data) and len(found := self._through_windows(data)) == FINDINGS_MAX:
            return found
        try:
            self._validate(data, strict=True)
        except pydantic_core.ValidationError as error:
            if error.error_count() <= ERRORS_MAX:
                return _findings(error, data)
            told = f"{error.error_count()} values are wrong, too many to tell where each stands"
            return self._through_windows(data) or [Finding("json.value", told, ())]
        except BaseException as error:
            raise_if_out_of_memory(error)
            raise
        return []

    def _through_windows(self, data: Any) -> list[Finding]:
        """The first findings, by some members of the data at a time: the library tells of all at
        once, in a call of some seconds and a gigabyte for each million.
        """
        found: dict[tuple[Any, ...], Finding] = {}
        for window in windows(data):
            try:
                self._validate(window.data, strict=True)
            except pydantic_core.ValidationError as error:
                if error.error_count() <= ERRORS_MAX:
                    for each in _findings(error, window.data):
                        if (whole := window.of_whole(each, data)) is not None:
                            found.setdefault((whole.rule, whole.at, whole.expected), whole)
            if len(found) >= FINDINGS_MAX:
                break
        return list(found.values())[:FINDINGS_MAX]


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
        return Finding(
            rule=rule, message=f"{name} does not belong here", at=at, expected="", found=name
        )
    expected = _expected(kind, context)
    return Finding(
        rule=rule,
        message=_message(kind, expected, detail),
        at=at,
        expected=expected,
        found=_shown(detail.get("input")),
    )


def _message(kind: str, expected: str, detail: Any) -> str:
    """What is wrong, without the words of the library's own types."""
    if expected and (kind.endswith("_type") or kind == "int_from_float"):
        return f"{expected} is expected"
    if kind in ("too_long", "too_short"):
        return (
            f"{expected} members are expected, not "
            f"{detail['ctx'].get('actual_length', len(detail['input']))}"
        )
    return str(detail["msg"])


def _real_path(loc: Sequence[Any], data: Any, kind: str) -> tuple[Any, ...]:
    """The path of a pydantic location in the data: without the names of union members, functions
    and the mark of a key.
    """
    path: list[Any] = []
    node: Any = data
    for number, part in enumerate(loc):
        inside: bool = (isinstance(node, dict) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and 0 <= part < len(node)
        )
        if inside:
            node = node[part]
        elif not (kind == "missing" and number == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path)


def _expected(kind: str, context: dict[str, Any]) -> str:
    """What was wanted, from the context of pydantic's error or its kind."""
    for key in ("expected", "pattern", "expected_tags"):
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
    return (
        excerpt(pydantic_core.to_json(value).decode())
        if isinstance(value, (str, int, float, bool, type(None)))
        else ""
    )


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
