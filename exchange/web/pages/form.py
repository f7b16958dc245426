"""Reads a form that a page sent (multipart/form-data, RFC 7578): a few fields, byte for byte, in
time that grows with its bytes; what they mean is for others to say.

aiohttp's own reader takes the encoding of texts, and of each part, from whoever calls, so that one
of them may take for ever, and it reads what stands before the first part without a pause.
"""

from __future__ import annotations

import re

from exchange.schemas.attachments import multipart

MEDIA_TYPE = "multipart/form-data"
_NAME = re.compile(r'\bname="([^"]{1,80})"')


class NoForm(ValueError):
    """The body is no form; it says what is wanted."""


def fields_of(body: bytes, content_type: str, most: int) -> dict[str, bytes]:
    """The fields by their names; of those with one name the last.

    Raises:
        NoForm: when it is none, or has more than `most` fields.
    """
    return dict(_fields(body, content_type, most))


def values_of(body: bytes, content_type: str, most: int) -> dict[str, list[str]]:
    """The texts of the fields by their names, in order; bytes that are no UTF-8 are replaced.

    Raises:
        NoForm: when it is none, or has more than `most` fields.
    """
    values: dict[str, list[str]] = {}
    for name, content in _fields(body, content_type, most):
        values.setdefault(name, []).append(content.decode("utf-8", "replace"))
    return values


def _fields(body: bytes, content_type: str, most: int) -> list[tuple[str, bytes]]:
    boundary = multipart.boundary_of(content_type)
    if not content_type.lower().startswith(MEDIA_TYPE) or not boundary:
        raise NoForm(f"{MEDIA_TYPE} with its boundary is taken")
    try:
        spans = multipart.spans(body, boundary, most)
    except multipart.TooManyParts:
        raise NoForm(f"a form of at most {most} fields is taken") from None
    except multipart.NotClosed:
        raise NoForm("the form is not closed by its boundary") from None
    fields: list[tuple[str, bytes]] = []
    for start, end in spans:
        part = multipart.opened(body[start:end])
        headers = multipart.Headers(part[0]) if part else {}
        name = _NAME.search(headers.get("Content-Disposition", ""))
        if part is None or name is None:
            raise NoForm('each field is named by Content-Disposition: form-data; name="..."')
        fields.append((name[1], part[1]))
    return fields
