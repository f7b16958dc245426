"""What every page shares: its headers, its language, the names in its menu and its template."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from yarl import URL

from exchange.schemas.instants import milliseconds_of
from exchange.schemas.violation import visible
from exchange.statistics.days import FINLAND
from exchange.statistics.table import euros, figure
from exchange.web.access.guard import ACTOR, SIGNED_IN
from exchange.web.pages.translations import (
    LANGUAGES,
    OWN_NAMES,
    gettext,
    ngettext,
    wanted_language,
)

TEMPLATES = Path(__file__).with_name("templates")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # (With `no-referrer` a browser sends a form with `Origin: null`.)
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

#: The pages in the menu: address and name.
MENU = (
    ("/", "Overview"),
    ("/messages", "Messages"),
    ("/dead-letters", "Dead letters"),
    ("/partners", "Partners"),
    ("/stubs", "Stubs"),
    ("/nodes", "Nodes"),
    ("/statistics", "Statistics"),
    ("/validate", "Validate"),
    ("/disclosures", "Disclosures"),
    ("/audit", "Audit log"),
    ("/docs", "Interface"),
)


def language_of(request: web.BaseRequest) -> str:
    """The language of the page that a request wants."""
    return wanted_language(request.query.get("lang"), request.headers.get("Accept-Language", ""))


def signed_in_name(request: web.BaseRequest) -> str:
    """The name of the operator who signed in; empty where nobody needs to."""
    return request[ACTOR].operator.name if request.get(SIGNED_IN) else ""


def may(request: web.Request, role: str) -> bool:
    """Whether who asks has that role, or a higher one."""
    actor = request.get(ACTOR)
    return actor is not None and actor.operator.may(role)


def link(language: str) -> Callable[..., str]:
    """The function that writes an address of ours with what its query says, in that language."""

    def written(path: str, **query: str) -> str:
        said = {name: text for name, text in query.items() if text}
        return str(URL.build(path=path, query={**said, "lang": language}))

    return written


def page(request: web.Request, name: str, status: int = 200, **values: Any) -> web.Response:
    """A page from a template with its values."""
    return web.Response(
        text=rendered(request, name, **values),
        status=status,
        content_type="text/html",
        headers={**HEADERS, "Content-Language": language_of(request)},
    )


def rendered(request: web.BaseRequest, template_name: str, **values: Any) -> str:
    """The text of a page; languages link to the same page."""
    language = language_of(request)
    # (Without the path, of which `//host` would be taken for another host.)
    languages = [
        (code, OWN_NAMES[code], f"?{request.rel_url.update_query(lang=code).raw_query_string}")
        for code in LANGUAGES
    ]
    frame = shared(language, signed_in_name(request), request.path)
    return template(language, template_name).render({**frame, "languages": languages, **values})


def shared(language: str, operator: str, path: str) -> dict[str, Any]:
    """What the frame of every page needs; `operator` is empty where nobody signs in."""
    return {
        "language": language,
        "operator": operator,
        "menu": MENU,
        "path": path,
        "link": link(language),
    }


@cache
def template(language: str, name: str) -> Template:
    """A template whose texts are in that language."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, extensions=["jinja2.ext.i18n"],
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    i18n: Any = environment
    i18n.install_gettext_callables(gettext(language), ngettext(language), newstyle=True)
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters["figure"] = figure
    environment.filters["euros"] = euros
    environment.filters["moment"] = moment
    environment.filters["day"] = day
    environment.filters["visible"] = visible
    # (Plain text, so that what stands around it escapes it.)
    environment.filters["json"] = json.dumps
    return environment.get_template(name)


#: How each language writes a moment.
_MOMENTS = {
    "fi": "{0.day}.{0.month}.{0.year} klo {0:%H.%M.%S}",
    "sv": "{0.day}.{0.month}.{0.year} kl. {0:%H.%M.%S}",
    "en": "{0.day} {0:%b} {0.year} {0:%H:%M:%S %Z}",
}


def moment(milliseconds: int, language: str) -> str:
    """Date and time in Finland, to the second, as the language writes them; empty for 0."""
    if not milliseconds:
        return ""
    return _MOMENTS[language].format(datetime.datetime.fromtimestamp(milliseconds / 1000, FINLAND))


def finnish_time(text: str) -> str:
    """A time that was typed into a page: one without an offset is Finland's, as pages show times.
    What is no time comes back as it is.
    """
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.replace(tzinfo=FINLAND).isoformat() if at.tzinfo is None else text


def what_is_wrong(error: ValueError, language: str) -> str:
    """What an error says, in the language where its text has a translation."""
    return gettext(language)(str(error))


#: A time as messages write it, with its offset.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def day(text: str, language: str) -> str:
    """An ISO date as the language writes it, a time (RFC 3339) as `moment`; any other text as it
    is.
    """
    try:
        if _INSTANT.fullmatch(text):
            return moment(milliseconds_of(text), language)
        date = datetime.date.fromisoformat(text) if len(text) == len("2026-11-29") else None
    except ValueError:
        date = None
    if date is None:
        return text
    return (
        f"{date.day} {date:%b %Y}" if language == "en" else f"{date.day}.{date.month}.{date.year}"
    )
