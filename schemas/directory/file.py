"""Reading a directory file: every fault in it with its line, what is allowed and the nearest right
name; keys are never repeated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from exchange.schemas import toml
from exchange.schemas.call import is_http_address
from exchange.schemas.directory.partners import (
    SECTORS,
    Directory,
    Partner,
    digest_of,
    digests_of,
)
from exchange.schemas.identifiers import is_business_id
from exchange.schemas.wrong_fields import nearest, told

#: The directory that the product carries.
DEFAULT_PATH = Path(__file__).parent.with_name("directory.toml")

#: Keys of a partner that count at once: the one in use and the one that takes its place.
KEYS_MAX = 2
NAME_CHARACTERS_MAX = 200
#: Faults that are told at once; the first ones explain the others.
FAULTS_MAX = 10
_SHA256 = re.compile("[0-9a-f]{64}")
#: A key stands in a header of each call.
_KEY = re.compile("[!-~]+")
_ID = re.compile("[a-z0-9][a-z0-9._-]{0,63}")
_COUNTRY = re.compile("[A-Z]{2}")
_TABLE = re.compile(r"^[ \t]*\[\[[ \t]*partner[ \t]*\]\]", re.MULTILINE)
#: Fields whose value stays unsaid.
_SECRET = frozenset({"key", "key_sha256", "callback_secret"})
_PARTNERS = TypeAdapter(list[Partner])

#: A fault: the place of the partner in the file, from 0, and what is wrong.
Fault = tuple[int, str]


class DirectoryFault(ValueError):
    """A directory file that can't be read, or says what can't be."""


def load(path: Path = DEFAULT_PATH, more: Sequence[Path] = ()) -> Directory:
    """Read a directory file, and further ones whose partners are added to it.

    Raises:
        DirectoryFault: in one line: the file and the line of the partner, what is wrong, what would
            be right.
    """
    partners: list[Partner] = []
    places: list[str] = []
    for each in (path, *more):
        text, found = _read(each)
        partners += found
        places += _places(each, text, len(found))
    if faults := list(_twice(partners)):
        raise _fault(places, faults)
    return Directory(partners)


def partner_of(data: Mapping[str, object]) -> Partner:
    """One partner from values such as a file's, named as there.

    Raises:
        DirectoryFault: what is wrong, and what would be right.
    """
    try:
        (partner,) = _PARTNERS.validate_python([data])
    except ValidationError as error:
        raise _fault((), [_told(each) for each in error.errors()]) from error
    if faults := list(_wrong([partner])):
        raise _fault((), faults)
    return partner


def check_added(directory: Directory, partner: Partner) -> None:
    """Raises:
    DirectoryFault: when the directory has a partner with that id, EESSI id, business id or key.
    """
    if faults := list(_twice([*directory, partner])):
        raise _fault((), faults)


def _read(path: Path) -> tuple[str, list[Partner]]:
    """A file's text and its partners, each of them right by itself."""
    try:
        written = path.read_bytes()
        content = toml.parse(written)
    except OSError as error:
        raise DirectoryFault(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DirectoryFault(f"{path}: {error}") from error
    text = written.decode("utf-8-sig")
    if set(content) != {"partner"} or not isinstance(content["partner"], list):
        told = ", ".join(sorted(content)) or "nothing"
        raise DirectoryFault(
            f"{path}: a directory holds tables [[partner]] and nothing else; found: {told}"
        )
    places = _places(path, text, len(content["partner"]))
    try:
        partners = _PARTNERS.validate_python(content["partner"])
    except ValidationError as error:
        raise _fault(places, [_told(each) for each in error.errors()]) from error
    if faults := [*_wrong(partners), *_twice(partners)]:
        raise _fault(places, faults)
    return text, partners


def _places(path: Path, text: str, count: int) -> list[str]:
    """The file and the line of each partner in it."""
    lines = [text.count("\n", 0, table.start()) + 1 for table in _TABLE.finditer(text)]
    # (Partners that are written as one inline array have no line of their own.)
    return [f"{path}:{lines[at]}: " if at < len(lines) else f"{path}: " for at in range(count)]


def _fault(places: Sequence[str], faults: Sequence[Fault]) -> DirectoryFault:
    """The faults in words; a partner that comes from no file has no place."""
    told = [
        (places[index] if index < len(places) else "") + what
        for index, what in sorted(faults)[:FAULTS_MAX]
    ]
    if len(faults) > FAULTS_MAX:
        told.append(f"and {len(faults) - FAULTS_MAX} more")
    return DirectoryFault("; ".join(told))


def _told(error: ErrorDetails) -> Fault:
    """A fault of the form, in words of the file."""
    index, *rest = error["loc"]
    return int(index), told(
        error, rest, "partner", [each.name for each in fields(Partner)], _SECRET
    )


def _wrong(partners: Sequence[Partner]) -> Iterator[Fault]:
    """What a partner's values can't be."""
    for index, partner in enumerate(partners):
        for what in (
            _wrong_keys(partner),
            _wrong_certificates(partner),
            _wrong_names(partner),
            _wrong_address(partner),
            _wrong_limits(partner),
        ):
            if what:
                yield index, f"{partner.id}: {what}"


def _wrong_names(partner: Partner) -> str:
    if not _ID.fullmatch(partner.id):
        return "id: small letters, digits, dots, hyphens, at most 64, as in county.pirkanmaa"
    name = partner.name.strip()
    if not 0 < len(name) <= NAME_CHARACTERS_MAX or not name.isprintable():
        return f"name: 1-{NAME_CHARACTERS_MAX} characters that can be printed"
    if partner.sector not in SECTORS:
        near = nearest(partner.sector, SECTORS)
        return f"sector: {partner.sector!r:.40} is none of {', '.join(SECTORS)}{near}"
    if not _COUNTRY.fullmatch(partner.country):
        return f"country: two capital letters of ISO 3166-1, not {partner.country!r:.20}"
    if partner.business_id and not is_business_id(partner.business_id):
        return (
            f"business_id: {partner.business_id!r:.20} is none: seven digits, a hyphen and the "
            "right check digit"
        )
    return ""


def _wrong_address(partner: Partner) -> str:
    if not partner.url or is_http_address(partner.url):
        return ""
    return f"url: {partner.url!r:.80} is no address such as http://127.0.0.1:9000/kelmu"


def _wrong_limits(partner: Partner) -> str:
    if not 0 <= partner.per_second < math.inf:
        return f"per_second: a number of calls a second, 0 for no limit, not {partner.per_second}"
    if partner.body_bytes_max < 0:
        return f"body_bytes_max: bytes, 0 for everybody's limit, not {partner.body_bytes_max}"
    return ""


def _twice(partners: Sequence[Partner]) -> Iterator[Fault]:
    """Ids, business ids, services and keys that two partners have."""
    for name in ("id", "eessi_id", "business_id"):
        first: dict[str, str] = {}
        for index, partner in enumerate(partners):
            value = getattr(partner, name)
            if value and value in first:
                yield index, f"{partner.id}: {name} {value} stands twice"
            first.setdefault(value, partner.id)
    servers: dict[str, str] = {}
    for index, partner in enumerate(partners):
        for service in partner.serves:
            if servers.setdefault(service, partner.id) != partner.id:
                told = f"{partner.id}: serves {service}, as {servers[service]} does"
                yield index, f"{told}: one partner is asked for it"
    yield from _held_twice(partners, _digests, "key")
    yield from _held_twice(partners, lambda partner: partner.certificate_sha256, "certificate")


def _digests(partner: Partner) -> Sequence[bytes]:
    return () if _wrong_keys(partner) else digests_of(partner)


def _held_twice(
    partners: Sequence[Partner], held: Callable[[Partner], Iterable[object]], what: str
) -> Iterator[Fault]:
    holders: dict[object, str] = {}
    for index, partner in enumerate(partners):
        for each in held(partner):
            if each in holders:
                yield index, f"the same {what} stands twice: {holders[each]}, {partner.id}"
            holders[each] = partner.id


def _wrong_certificates(partner: Partner) -> str:
    if all(_SHA256.fullmatch(sha256) for sha256 in partner.certificate_sha256):
        return ""
    return (
        "certificate_sha256: each is the SHA-256 of a certificate in 64 small hexadecimal digits "
        "without colons, as `exchange certificates` prints it"
    )


def _wrong_keys(partner: Partner) -> str:
    """What is wrong with a partner's keys, without repeating them; empty when nothing is."""
    if not all(_SHA256.fullmatch(digest) for digest in partner.key_sha256):
        return (
            "key_sha256: each is a SHA-256 in 64 hexadecimal digits, as `exchange keys make` prints"
        )
    if partner.key and not _KEY.fullmatch(partner.key):
        return "key: letters, digits and signs of ASCII without a space, as a header can have them"
    if len(partner.key_sha256) + bool(partner.key) > KEYS_MAX:
        return f"more than {KEYS_MAX} keys: the one in use and the one that takes its place"
    secret = partner.callback_secret
    if secret and digest_of(secret) in digests_of(partner):
        return "callback_secret is the same as a key: who knows one must not know the other"
    return ""
