"""Documents that are made to cost their reader time: generators by size, for any valid
sample in XML or JSON; no verdict on any of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

Filling = Callable[[int], str]


def _repeated(unit: str) -> Filling:
    """As many of the unit as the size has room for, in bytes of UTF-8; by fours, so that what is
    base64 at one size is base64 at each: else not the same would be judged twice as large.
    """

    def fill(size: int) -> str:
        count = size // len(unit.encode())
        return unit * (count - count % 4 if count > 4 else count)

    return fill


def _numbered(form: str) -> Filling:
    """The form with a number of its own each time."""

    def fill(size: int) -> str:
        count = size // len(form.format(10_000).encode())
        return "".join(map(form.format, range(10_000, 10_000 + count)))

    return fill


#: What may stand in a value of either format, as it is.
VALUES: dict[str, Filling] = {
    "letters": _repeated("x"),
    "digits": _repeated("1"),
    "zeros": _repeated("0"),
    "spaces": _repeated(" "),
    "hyphens": _repeated("-"),
    "forbidden strings": _repeated("--/*"),
    "dots": _repeated("1."),
    "slashes": _repeated("/"),
    "colons": _repeated("a:"),
    "dates": _repeated("2026-11-29 "),
    "codes": _repeated("010190-999X "),
    "codes in one": _repeated("010190-999X"),
    "shapes of codes": _repeated("000000-"),
    "combining marks": _repeated("\u0301\u0327\u0323\u0300"),
    "marks of one class": _repeated("\u0301"),
    "marks that become two": _repeated("\u0344\u0f73"),
    "marked letters": _repeated("a\u0323\u0307"),
    "hidden characters": _repeated("1\u200b"),
    "full-width digits": _repeated("\uff11"),
    "one character for eighteen": _repeated("\ufdfa"),
    "jamo": _repeated("\u1100\u1161\u11a8"),
    "astral digits": _repeated("\U0001d7cf"),
    "percent": _repeated("%"),
    "percent escapes": _repeated("%31"),
    "percent continuations": _repeated("%80"),
    "letters beyond ASCII": _repeated("ä"),
    "no-break spaces": _repeated("\u00a0"),
    "base64": _repeated("QUJD"),
    "exponent": lambda size: "1e" + "9" * (size - 2),
    "signs": _repeated("+"),
    "oid": _repeated("1.2."),
    "numbered words": _numbered("w{} "),
    "letters and an end": lambda size: "a" * (size - 1) + "!",
    "spaces and an end": lambda size: " " * (size - 1) + "!",
}
#: What may stand in a value of XML besides.
XML_VALUES: dict[str, Filling] = {
    "references": _repeated("&#49;"),
    "references to hyphens": _repeated("&#45;"),
    "hexadecimal references": _repeated("&#x31;"),
    "a reference of zeros": lambda size: "&#" + "0" * (size - 5) + "49;",
    "references in references": _repeated("&amp;#49;"),
    "entities": _repeated("&lt;"),
    "ampersands": _repeated("&amp;"),
    "comments": _repeated("<!--x-->"),
    "instructions": _repeated("<?x y?>"),
    "CDATA sections": _repeated("<![CDATA[1]]>"),
    "beginnings in CDATA": lambda size: "<![CDATA[" + "<!--<?" * (size // 6) + "]]>",
    "CDATA beginnings in CDATA": lambda size: "<![CDATA[" + "<![CDATA[" * (size // 9) + "]]>",
    "lines": _repeated("\n"),
    "returns": _repeated("\r"),
    "reference lines": _repeated("&#10;"),
    "elements": _repeated("<e/>"),
    "elements with texts": _repeated("<e>1</e>\n"),
    "elements of many names": _numbered("<e{}/>"),
    "elements of many namespaces": _numbered('<e xmlns="urn:n:{}"/>'),
    "elements of many prefixes": _numbered('<p:e xmlns:p="urn:n:{}"/>'),
    "elements with ids": _numbered('<e Id="i{}"/>'),
    "elements with one id": _repeated('<e Id="i"/>'),
    "elements, nil": _repeated(
        '<e xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    ),
    "elements and comments": _repeated("<e/><!---->"),
    "nested": lambda size: "<e>" * (size // 7) + "</e>" * (size // 7),
    "nested to the limit": lambda size: ("<e>" * 40 + "</e>" * 40) * (size // 280),
    "one element of many attributes": lambda size: "<e" + _numbered(" a{}='1'")(size) + "/>",
    "one element of many declarations": lambda size: (
        "<e" + _numbered(" xmlns:p{0}='u{0}'")(size) + "/>"
    ),
    "declarations of use": lambda size: (
        "<e"
        + _numbered(" xmlns:p{0}='u{0}'")(size // 2)
        + ">"
        + _numbered("<p{}:e/>")(size // 3)
        + "</e>"
    ),
    "signatures": _repeated(
        '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/>'
        "</ds:Signature>"
    ),
    "unclosed": _repeated("<e>"),
    "stray ends": _repeated("]]&gt;"),
    "not closed": lambda size: "x" * size + "<",
    "undefined entities": _repeated("&x;"),
}
#: What may stand in a string of JSON besides.
JSON_VALUES: dict[str, Filling] = {
    "escapes": _repeated("\\u0031"),
    "escaped marks": _repeated("\\u0301\\u0327"),
    "backslashes": _repeated("\\\\"),
    "escaped quotes": _repeated('\\"'),
    "what looks like keys": _repeated('\\\\\\":'),
    "pairs": _repeated("\\ud835\\udfcf"),
    "half pairs": _repeated("\\ud835"),
    "control characters": _repeated("\x01"),
    "references": _repeated("&#49;"),
    "comments": _repeated("<!--"),
    "ended comments": _repeated("<!--x-->"),
    "instructions": _repeated("<?"),
    "CDATA beginnings": _repeated("<![CDATA["),
    "no escapes": _repeated("\\x"),
}
#: What may stand in the place of a value of JSON.
JSON_PARTS: dict[str, Filling] = {
    "a number": _repeated("1"),
    "a small number": lambda size: "0." + "1" * size,
    "an exponent": lambda size: "1e" + "9" * size,
    "numbers": lambda size: f"[{'1,' * (size // 2)}1]",
    "numbers beyond doubles": lambda size: f"[{'1e999,' * (size // 6)}1]",
    "long numbers": lambda size: f"[{('1' * 4_000 + ',') * (size // 4_001)}1]",
    "empty arrays": lambda size: f"[{'[],' * (size // 3)}1]",
    "empty objects": lambda size: f"[{'{},' * (size // 3)}1]",
    "wrong objects": lambda size: "[" + '{"x":1},' * (size // 8) + "1]",
    "empty strings": lambda size: "[" + '"",' * (size // 3) + "1]",
    "nulls": lambda size: f"[{'null,' * (size // 5)}1]",
    "many keys": lambda size: "{" + _numbered('"k{}":1,')(size) + '"k":1}',
    "one key many times": lambda size: "{" + '"k":1,' * (size // 6) + '"k":1}',
    "keys twice": lambda size: "{" + 2 * _numbered('"k{}":1,')(size // 2) + '"k":1}',
    "nested arrays": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "nested objects": lambda size: '{"a":' * (size // 6) + "1" + "}" * (size // 6),
    "nested to the limit": lambda size: "[" + ("[" * 40 + "]" * 40 + ",") * (size // 81) + "1]",
    "twenty levels": lambda size: (
        "[" + ('{"a":' * 20 + "1" + "}" * 20 + ",") * (size // 122) + "1]"
    ),
    "lines": lambda size: "[" + "1,\n" * (size // 3) + "1]",
    "white space": lambda size: " " * size + "1",
    "no value": lambda size: "[" + "1," * (size // 2) + "]",
    "not closed": lambda size: "[" * size,
    "an open string": lambda size: '"' + "x" * size,
    "a word": lambda size: "x" * size,
    "a key of its size": lambda size: '{"' + "k" * size + '":1}',
    "a long key of many parts": lambda size: (
        '{"' + "k" * (size // 2) + '":[' + "[1]," * (size // 8) + "1]}"
    ),
}
#: So many seeds in a row draw every place of every shape, each once (of a shape with fewer places
#: some again); so many times as many have each at full size.
TURNS = 8
_LEAF = re.compile(r"<([A-Za-z_][^\s<>/]*)((?:\s[^<>]*)?)>([^<>]*)</\1>")
_STRING = re.compile(
    r'(?<=[:\[,])\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null)(?=\s*[,\]}])'
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a document holds, where it stands in the sample, and what makes one of about so many
    bytes.
    """

    what: str
    place: str
    make: Callable[[int], bytes]

    @property
    def name(self) -> str:
        """Different for every shape of a sample."""
        return f"{self.what} {self.place}".rstrip()


def shapes(sample: bytes) -> Iterator[Shape]:
    """Every shape that a valid sample can be given: each filling in the sample's values (all at
    once, and the last alone), its parts repeated, and what stands around it.
    """
    text = sample.decode("latin-1" if b"ISO-8859-1" in sample[:80] else "utf-8")
    yield from (
        _json(text) if text.lstrip()[:1] in "{[" else _xml(text.replace("ISO-8859-1", "UTF-8"))
    )


def drawn(made: Iterable[Shape], seed: int) -> list[Shape]:
    """Every `what`, in the one of its places whose turn it is; in one of each eight, where it has
    more: the elements of a sample are the places of being repeated.
    """
    by_what: dict[str, list[Shape]] = {}
    for shape in made:
        by_what.setdefault(shape.what, []).append(shape)
    turn = seed % TURNS
    return [shape for places in by_what.values() for shape in places[turn % len(places) :: TURNS]]


def at_full_size(chosen: Sequence[Shape], seed: int) -> Sequence[Shape]:
    """One in eight of those that the same seed draws."""
    return chosen[seed // TURNS % TURNS :: TURNS]


def _filled(text: str, places: list[tuple[int, int]], fill: Filling) -> Callable[[int], bytes]:
    """The text with its places filled, each with its share of the size."""

    def make(size: int) -> bytes:
        share = fill(max(size // len(places), 32))
        parts: list[str] = []
        at = 0
        for start, end in places:
            parts += (text[at:start], share)
            at = end
        return "".join((*parts, text[at:])).encode()

    return make


def _xml(text: str) -> Iterator[Shape]:
    leaves = [match.span(3) for match in _LEAF.finditer(text)] or [_end_of_root(text)]
    for name, fill in (VALUES | XML_VALUES).items():
        yield Shape(name, "in every value", _filled(text, leaves, fill))
        yield Shape(name, "in the last value", _filled(text, leaves[-1:], fill))
    for name in ("letters", "digits", "spaces", "references", "forbidden strings", "codes"):
        yield Shape(
            name, "in the first value", _filled(text, leaves[:1], (VALUES | XML_VALUES)[name])
        )
    attributes = [
        match.span(1)
        for match in re.finditer(r'(?<!xmlns)(?<=[\w])="([^"]*)"(?=[^<]*>)', text[60:])
    ]
    attributes = [(start + 60, end + 60) for start, end in attributes]
    if attributes:
        for name in ("letters", "combining marks", "references", "spaces", "digits"):
            yield Shape(
                name, "in attributes", _filled(text, attributes, (VALUES | XML_VALUES)[name])
            )
    root = re.search(r"<[A-Za-z_][^\s<>/]*", text)
    assert root is not None, "a sample has a root"
    for name, form in {
        "attributes": ' a{}="1"',
        "declarations": ' xmlns:p{0}="urn:n:{0}"',
        "one namespace of many prefixes": ' xmlns:p{}="urn:n"',
    }.items():
        yield Shape(name, "of the root", _filled(text, [(root.end(), root.end())], _numbered(form)))
        last = list(_LEAF.finditer(text))[-1:]
        for leaf in last:
            yield Shape(name, "of the last element", _filled(text, [leaf.span(2)], _numbered(form)))
    for name, unit in {"comments": "<!--x-->", "instructions": "<?x y?>", "lines": "\n"}.items():
        place = (root.start(), root.start())
        yield Shape(f"{name} outside", "before the root", _filled(text, [place], _repeated(unit)))
        yield Shape(
            f"{name} outside",
            "after the root",
            _filled(text, [(len(text), len(text))], _repeated(unit)),
        )
    yield from _repetitions(text)
    inside = (root.end(), text.rindex("</"))
    yield Shape("another root", "", lambda size: b"<x>" + b"<y>1</y>" * (size // 8) + b"</x>")
    yield Shape(
        "cut short", "", lambda size: (text[: inside[1]] + "<e>1</e>" * (size // 8)).encode()
    )
    yield Shape(
        "a document type",
        "",
        lambda size: (
            "<!DOCTYPE x [" + '<!ENTITY a "b">' * (size // 15) + "]>" + text[root.start() :]
        ).encode(),
    )
    yield Shape(
        "words like a document type",
        "",
        lambda size: (text + "<!--" + "<!DOCTYPE" * (size // 9) + "-->").encode(),
    )


def _end_of_root(text: str) -> tuple[int, int]:
    place = text.rindex("</")
    return (place, place)


def _elements(text: str) -> list[tuple[int, int, int]]:
    """Start, end and depth of every element."""
    open_at: list[int] = []
    found = []
    for tag in re.finditer(r"<(/?)[A-Za-z_][^<>]*?(/?)>", text):
        if tag[1]:
            start = open_at.pop()
            found.append((start, tag.end(), len(open_at)))
        elif tag[2]:
            found.append((tag.start(), tag.end(), len(open_at)))
        else:
            open_at.append(tag.start())
    return sorted(found)


def _repetitions(text: str) -> Iterator[Shape]:
    """Each different element below the root, repeated: as it is, and with wrong values."""
    seen: set[str] = set()
    for start, end, depth in _elements(text):
        part = text[start:end]
        name = re.split(r"[\s/>]", part[1:], maxsplit=1)[0]
        if depth == 0 or name in seen:
            continue
        seen.add(name)
        wrong = _LEAF.sub(lambda match: f"<{match[1]}{match[2]}>--</{match[1]}>", part)
        for how, repeated in (("", part), (" with wrong values", wrong)):
            yield Shape(
                f"an element again{how}",
                f"({name})",
                _filled(text, [(end, end)], _repeated(repeated)),
            )


def _json(text: str) -> Iterator[Shape]:
    values = [match.span(1) for match in _STRING.finditer(text)]
    strings = [(start + 1, end - 1) for start, end in values if text[start] == '"']
    for name, fill in (VALUES | JSON_VALUES).items():
        if strings:
            yield Shape(name, "in every string", _filled(text, strings, fill))
            yield Shape(name, "in the last string", _filled(text, strings[-1:], fill))
    for name, fill in JSON_PARTS.items():
        if values:
            yield Shape(name, "for every value", _filled(text, values, fill))
            yield Shape(name, "for the last value", _filled(text, values[-1:], fill))
        yield Shape(name, "alone", lambda size, fill=fill: fill(size).encode())  # type: ignore[misc]
        end = text.rindex("}")
        yield Shape(
            name,
            "under an unknown key",
            _filled(text, [(end, end)], lambda size, fill=fill: f',"unknown":{fill(size)}'),  # type: ignore[misc]
        )
    end = text.rindex("}")
    for name, form in {"many unknown keys": ',"k{}":1', "one unknown key": ',"k":{}'}.items():
        yield Shape(name, "", _filled(text, [(end, end)], _numbered(form)))
    lists = {match[1]: match for match in re.finditer(r'"(\w+)"\s*:\s*\[\s*(?=[{"])', text)}
    for match in lists.values():
        element = _value_at(text, match.end())
        wrong = re.sub(r'"[^"]*"(?!\s*:)', '"--"', element)
        for how, repeated in (("", element), (" with wrong values", wrong)):
            place = (match.end(), match.end())
            yield Shape(
                f"members again{how}",
                f"of {match[1]}",
                _filled(text, [place], _repeated(repeated + ",")),
            )


def _value_at(text: str, start: int) -> str:
    """The object or string that begins at `start`."""
    depth, at, quoted = 0, start, False
    while True:
        sign = text[at]
        if quoted and sign == "\\":
            at += 1
        elif sign == '"':
            quoted = not quoted
        elif not quoted and sign in "{[":
            depth += 1
        elif not quoted and sign in "}]":
            depth -= 1
        at += 1
        if depth == 0 and not quoted:
            return text[start:at]
