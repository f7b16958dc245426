"""Reads a form that a page sent (multipart/form-data, RFC 7578): a few fields, byte for byte, in
time that grows with its bytes; what they mean is for others to say.

aiohttp's own reader takes the encoding of texts, and of each part, from whoever calls, so that one
of them may take for ever, and it reads what stands before the first part without a pause.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from aiohttp import hdrs, web

from exchange.schemas.attachments import file_name, multipart

MEDIA_TYPE = "multipart/form-data"
_NAME = re.compile(r'\bname="([^"]{1,80})"')


class NoForm(ValueError):
    """The body is no form; it says what is wanted."""


class Field(NamedTuple):
    """A field as it was sent. A file has a name of its own, which is empty where none was chosen in
    a browser's field of files; a text has none.
    """

    name: str
    content: bytes
    file_name: str | None = None
    content_type: str = ""


def fields_of(body: bytes, content_type: str, most: int) -> dict[str, bytes]:
    """The fields by their names; of those with one name the last.

    Raises:
        NoForm: when it is none, or has more than `most` fields.
    """
    return {each.name: each.content for each in all_fields(body, content_type, most)}


async def posted(request: web.Request, most: int) -> list[Field]:
    """Every field of the form that a request brings, in order.

    Raises:
        NoForm: when it brings none, or one of more than `most` fields.
    """
    body = await request.read()
    return all_fields(body, request.headers.get(hdrs.CONTENT_TYPE, ""), most)


async def posted_texts(request: web.Request, most: int) -> dict[str, str]:
    """The texts of that form by their names, without blanks around them; of those with one name the
    last.

    Raises:
        NoForm: as `posted`.
    """
    values = values_of(await posted(request, most))
    return {name: texts[-1].strip() for name, texts in values.items()}


def values_of(fields: Iterable[Field]) -> dict[str, list[str]]:
    """The texts of the fields by their names, in order; bytes that are no UTF-8 are replaced."""
    values: dict[str, list[str]] = {}
    for each in fields:
        if each.file_name is None:
            values.setdefault(each.name, []).append(each.content.decode("utf-8", "replace"))
    return values


def all_fields(body: bytes, content_type: str, most: int) -> list[Field]:
    """Every field, in order.

    Raises:
        NoForm: when it is none, or has more than `most` fields.
    """
    boundary = multipart.boundary_of(content_type)
    if not content_type.lower().startswith(MEDIA_TYPE) or not boundary:
        raise NoForm(f"{MEDIA_TYPE} with its boundary is taken")
    try:
        spans = multipart.spans(body, boundary, most)
    except multipart.TooManyParts:
        raise NoForm(f"a form of at most {most} fields is taken") from None
    except multipart.NotClosed:
        raise NoForm("the form is not closed by its boundary") from None
    fields: list[Field] = []
    for start, end in spans:
        part = multipart.opened(body[start:end])
        headers = multipart.Headers(part[0]) if part else {}
        disposition = headers.get("Content-Disposition", "")
        name = _NAME.search(disposition)
        if part is None or name is None:
            raise NoForm('each field is named by Content-Disposition: form-data; name="..."')
        fields.append(
            Field(
                name=name[1],
                content=part[1],
                file_name=file_name(disposition),
                content_type=headers.get("Content-Type", ""),
            )
        )
    return fields
