"""Valid synthetic messages between Kela and providers of social services: documents with files,
notices and their transfers, withdrawals and reminders of requests, questions for work lists.
"""

from __future__ import annotations

import datetime
import json
import random
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from exchange.schemas.call import JSON
from exchange.schemas.generated import Generated
from exchange.schemas.kelmu.codes import NOTICE_KINDS, STATEMENTS
from exchange.schemas.persons import person

_DOCUMENT_KINDS = ("bank-statement", "rental-agreement", "invoice", "income-statement", "other")
_REASONS = (
    "Hakemus on ratkaistu muulla selvityksellä.",
    "Asiakas on muuttanut toiselle hyvinvointialueelle.",
)


def _encoded(value: dict[str, Any], mark: str, rng: random.Random, serial: int) -> Generated:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Generated(body, JSON, f"{mark}-{serial:x}-{rng.getrandbits(32):08x}")


def _official(rng: random.Random) -> str:
    return f"user{rng.randint(1, 400):04d}"


def _adult(rng: random.Random, day: datetime.date) -> str:
    of_age = day.replace(year=day.year - 18, day=1)
    return person(rng, day, born_before=of_age).personal_identity_code


def document(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """What goes with a client's documents; the files are beside it (`with_files`)."""
    told = {
        "person": _adult(rng, day),
        "matter": "basic-social-assistance",
        "document_kind": rng.choice(_DOCUMENT_KINDS),
        "requested_by_client": True,
        "user": _official(rng),
    }
    return _encoded(told, "d", rng, serial)


def notice(
    rng: random.Random, day: datetime.date, serial: int, authority: str = "county.pirkanmaa"
) -> Generated:
    """Kela tells the provider of social services of somebody."""
    kind = rng.choice(list(NOTICE_KINDS.values()))
    told = {
        "authority": authority,
        "notice_kind": kind.id,
        "person": _adult(rng, day),
        "user": f"kela{rng.randint(1, 900):04d}",
    }
    if kind.time == "day-after-decision":
        told["decided_on"] = day.isoformat()
    return _encoded(told, "n", rng, serial)


def notice_transfer(
    rng: random.Random,
    day: datetime.date,
    serial: int,
    reference: str = "",
    authority: str = "county.pirkanmaa",
) -> Generated:
    """An official moves the notice `reference` (default: some) to another authority."""
    told = {
        "notice": reference or f"n-{serial:x}-{rng.getrandbits(32):08x}",
        "authority": authority,
        "reason": _REASONS[1],
        "user": _official(rng),
    }
    return _encoded(told, "t", rng, serial)


def withdrawal(
    rng: random.Random,
    day: datetime.date,
    serial: int,
    reference: str = "",
    county: str = "county.pirkanmaa",
) -> Generated:
    """Kela withdraws the request `reference` (default: some)."""
    told = {
        "information_request": reference or f"r-{serial:x}-{rng.getrandbits(32):08x}",
        "county": county,
        "reason": _REASONS[0],
        "user": f"kela{rng.randint(1, 900):04d}",
    }
    return _encoded(told, "w", rng, serial)


def reminder(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """That the day of some answer has come."""
    told = {
        "information_request": f"r-{serial:x}-{rng.getrandbits(32):08x}",
        "county": "county.pirkanmaa",
        "statements": rng.sample(list(STATEMENTS), rng.randint(1, 2)),
        "answer_by": day.isoformat(),
    }
    return _encoded(told, "m", rng, serial)


def work_list_query(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """An official opens the work list."""
    told = {
        "work_list": rng.choice(("information-requests", "notices")),
        "user": _official(rng),
    }
    return _encoded(told, "k", rng, serial)


def pdf(text: str) -> bytes:
    """A PDF of one page with a line of text (ASCII, without brackets)."""
    shown = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        page + b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(shown), shown),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    made, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj%b endobj\n" % (number, each)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 6\n0000000000 65535 f \n%b" % rows
    return b"%b%btrailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (made, table, len(made))


def png(width: int, height: int, grey: int) -> bytes:
    """A PNG picture of one grey."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([grey]) * width) * height
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def with_files(
    body: bytes, files: Sequence[tuple[str, str, bytes]], boundary: str
) -> tuple[str, bytes]:
    """A message and its files, (name, media type, bytes) each, as one body: its content type, and
    itself.
    """
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="message"\r\n'
    parts = [head.encode(), b"Content-Type: application/json\r\n\r\n", body, b"\r\n"]
    for name, media_type, content in files:
        told = f'Content-Disposition: form-data; name="file"; filename="{name}"'
        parts += [f"--{boundary}\r\n{told}\r\nContent-Type: {media_type}\r\n\r\n".encode()]
        parts += [content, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)
