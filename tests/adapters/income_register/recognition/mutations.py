"""Changes to deliveries: of values, of tags, of order and of bytes; no assertion."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from lxml import etree

from tests.schemas.income_register.grown import VALUES

Mutation = Callable[[bytes, random.Random], bytes]

LEAF = re.compile(rb">([^<>]+)</")
_CODES = b"101 102 103 201 304 317 331 334 362 401 402 404 407 412 419".split()

#: What is no XML, or not what it seems, wherever it is put.
SPOILERS = (
    b"\x0b",
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbf\xbf",
    b"]]>",
    b"&amp;",
    b"&",
    b"<",
    b">",
    b"--",
    b"\r\n",
    b"\x0c",
    b"\xc2\x85",
    b"<!-- x -->",
    b"<?x?>",
    b"<![CDATA[x]]>",
    b" ",
    b"\t",
    b"</Report><Report>",
    b"</Reports><Reports>",
    b"<Report >",
    b"</Report >",
)


def revalue(body: bytes, rng: random.Random) -> bytes:
    """A value of another kind."""
    match = rng.choice(list(LEAF.finditer(body)))
    value = rng.choice(VALUES).replace("&", "&amp;").replace("<", "&lt;").encode()
    return body[: match.start(1)] + value + body[match.end(1) :]


def transplant(body: bytes, rng: random.Random) -> bytes:
    """A value of another element."""
    matches = list(LEAF.finditer(body))
    match, other = rng.choice(matches), rng.choice(matches)
    return body[: match.start(1)] + other[1] + body[match.end(1) :]


def respell(body: bytes, rng: random.Random) -> bytes:
    """A value written a little otherwise."""
    match = rng.choice(list(LEAF.finditer(body)))
    old = match[1]
    odd = (b" " + old, b"-" + old, b"0" + old, old + b"--", b"&#49;", old[::-1], old[:-1])
    spelled = rng.choice((*odd, old + b"9", old + b"Z", b"<![CDATA[" + old + b"]]>"))
    return body[: match.start(1)] + spelled + body[match.end(1) :]


def splice(body: bytes, rng: random.Random) -> bytes:
    """An element gone, doubled, or put where another of some report stands."""
    root = etree.fromstring(body)
    elements = [
        element for element in root.find("DeliveryData/Reports").iter() if element.tag != "Reports"
    ]
    chosen, other = rng.choice(elements), rng.choice(elements)
    which = rng.random()
    if which < 0.3:
        chosen.getparent().remove(chosen)
    elif which < 0.6:
        chosen.addnext(etree.fromstring(etree.tostring(chosen)))
    elif other not in chosen.iter() and chosen not in other.iter():
        other.addnext(etree.fromstring(etree.tostring(chosen)))
    return etree.tostring(root)


def recode(body: bytes, rng: random.Random) -> bytes:
    """An income type that is another one's."""
    codes = list(re.finditer(rb"<TransactionCode>(\d+)</TransactionCode>", body))
    match = rng.choice(codes)
    return body[: match.start(1)] + rng.choice(_CODES) + body[match.end(1) :]


def spoil(body: bytes, rng: random.Random) -> bytes:
    """Something put before or after a sign of a tag."""
    at = rng.choice([match.start() for match in re.finditer(rb"[<>]", body)]) + rng.choice((0, 1))
    return body[:at] + rng.choice(SPOILERS) + body[at:]


def lengthen(body: bytes, rng: random.Random) -> bytes:
    """A value as long as the schema lets values be, or longer by one."""
    match = rng.choice(list(LEAF.finditer(body)))
    length = rng.choice((1, 10, 11, 20, 30, 40, 50, 70, 100, 200, 500)) + rng.choice((0, 1))
    return body[: match.start(1)] + (match[1] * 600)[:length] + body[match.end(1) :]


def redate(body: bytes, rng: random.Random) -> bytes:
    """Another day, or none of the calendar."""
    match = rng.choice(list(re.finditer(rb">(\d{4}-\d{2}-\d{2})</", body)))
    year, month = rng.choice((2024, 2025, 2100, 1900)), rng.choice((2, 4, 12, 13, 0))
    day = b"%d-%02d-%02d" % (year, month, rng.choice((0, 28, 29, 30, 31, 32)))
    return body[: match.start(1)] + day + body[match.end(1) :]


def empty(body: bytes, rng: random.Random) -> bytes:
    """An element of a report without what is in it, its tags as they were or as one."""
    names = sorted(set(re.findall(rb"<([A-Z][A-Za-z]+)>", body[body.index(b"<Report>") :])))
    name = rng.choice([b"Transactions", *names])
    found = list(re.finditer(rb"<%b>.*?</%b>" % (name, name), body, re.DOTALL))
    chosen = rng.choice(found)
    tag = rng.choice((b"<%b></%b>" % (name, name), b"<%b/>" % name, b"<%b> </%b>" % (name, name)))
    return body[: chosen.start()] + tag + body[chosen.end() :]


def reorder(body: bytes, rng: random.Random) -> bytes:
    """Two neighbours of a report in each other's place."""
    root = etree.fromstring(body)
    holders = [each for each in root.find("DeliveryData/Reports").iter() if len(each) > 1]
    holder = rng.choice(holders)
    index = rng.randrange(len(holder) - 1)
    holder.insert(index, holder[index + 1])
    return etree.tostring(root)


def prefix(body: bytes, rng: random.Random) -> bytes:
    """An element of a report, or the root, in another prefix or with a namespace of its own."""
    if rng.random() < 0.3:
        return re.sub(rb"(</?)r:|xmlns:r=", lambda m: m[0].replace(b"r", b"q"), body)
    match = rng.choice(list(re.finditer(rb"<([A-Z][A-Za-z]+)>", body)))
    odd = rng.choice((b' xmlns="urn:x"', b' xmlns:x="urn:x"', b' x="1"', b" "))
    return body[: match.end() - 1] + odd + body[match.end() - 1 :]


MUTATIONS: tuple[Mutation, ...] = (
    revalue,
    transplant,
    respell,
    splice,
    recode,
    spoil,
    lengthen,
    redate,
    empty,
    reorder,
    prefix,
)


def mutated(body: bytes, rng: random.Random, times: int) -> bytes:
    """So many changes, or as many as can be made of what comes of them."""
    for _ in range(times):
        try:
            body = rng.choice(MUTATIONS)(body, rng)
        except (etree.XMLSyntaxError, IndexError, ValueError, AttributeError):
            break
    return body
