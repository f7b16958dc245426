"""Signing in and out at the page: a form takes a key and opens a session, which the ledger
keeps.
"""

from __future__ import annotations

import asyncio
import secrets
from urllib.parse import parse_qs

from aiohttp import web
from yarl import URL

from exchange.ports import Actor, Clock, Operators
from exchange.schemas.directory import digest_of
from exchange.settings import Settings
from exchange.web.access.guard import (
    ACTOR,
    BACK,
    BACK_CHARACTERS_MAX,
    CHALLENGE,
    COOKIE,
    SIGN_IN,
    SIGNED_IN,
    WATCHER,
    Guard,
    Need,
    too_many,
)
from exchange.web.access.hosts import address_of
from exchange.web.pages.layout import language_of, page
from exchange.web.pages.translations import LANGUAGES

SIGN_OUT = "/sign-out"
#: What the form sends is far smaller.
FORM_BYTES_MAX = 4096
FORM_SECONDS = 10.0


class SignIn:
    """The form and what it does; `guard` lets its sessions in."""

    def __init__(self, settings: Settings, operators: Operators, clock: Clock) -> None:
        self.guard = Guard(settings.operators, settings.server.host, operators, clock)
        self._operators = operators
        self._clock = clock
        self._session_seconds = settings.operators.session_seconds

    def attach(self, app: web.Application) -> None:
        """Add the form's routes; nobody needs a key for them."""
        router = app.router
        for route in (
            router.add_get(SIGN_IN, self.show),
            router.add_post(SIGN_IN, self.sign_in),
            router.add_post(SIGN_OUT, self.sign_out),
        ):
            self.guard.declare(route, Need(""))

    async def show(self, request: web.Request) -> web.Response:
        """The form; the page at once for whoever needs none."""
        return _to(_wanted(request), request) if ACTOR in request else _form(request, 200)

    async def sign_in(self, request: web.Request) -> web.Response:
        """Open a session with the key, or show the form again."""
        key = await _key(request)
        if key is None:
            return _form(request, 400, failed=True)
        operator = await self.guard.by_key(key)
        # (A watcher is a program; its key has no place in the ledger.)
        if operator is None or operator == WATCHER:
            if seconds := self.guard.failed(request):
                return too_many(seconds)
            refused = _form(request, 401, failed=True)
            refused.headers["WWW-Authenticate"] = CHALLENGE
            return refused
        token, now = secrets.token_urlsafe(32), self._clock.now()
        until = now + self._session_seconds * 1000
        await self._operators.begin_session(
            digest_of(token), digest_of(key), now, until, Actor(operator, address_of(request))
        )
        answer = _to(_wanted(request), request)
        answer.set_cookie(
            COOKIE,
            token,
            max_age=self._session_seconds,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=_is_secure(request),
        )
        return answer

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session, if there is one."""
        if request.get(SIGNED_IN):
            token = request.cookies[COOKIE]
            await self._operators.end_session(digest_of(token), self._clock.now(), request[ACTOR])
        answer = _to(SIGN_IN, request)
        answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
        return answer


async def _key(request: web.Request) -> str | None:
    """The key that the form sent; None when it sent no form, or too much, or too slowly."""
    if request.content_type != "application/x-www-form-urlencoded":
        return None
    sent = b""
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for part in request.content.iter_any():
                sent += part
                if len(sent) > FORM_BYTES_MAX:
                    return None
        fields = parse_qs(sent.decode("ascii"), max_num_fields=10)
    except (TimeoutError, ValueError):
        return None
    return fields.get("key", [""])[0].strip()


def _is_secure(request: web.Request) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy that says so."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def _wanted(request: web.Request) -> str:
    """Where the browser wanted to go before it was led to the form: an address of ours; else the
    overview.
    """
    text = request.query.get(BACK, "")[:BACK_CHARACTERS_MAX]
    # (A browser takes `//host`, and a backslash in the place of either, for another host, and
    # leaves line ends out.)
    if not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    if not text.isprintable():
        return "/"
    try:
        wanted = URL(text)
    except ValueError:
        return "/"
    return "/" if wanted.absolute or wanted.path in (SIGN_IN, SIGN_OUT) else str(wanted)


def _to(path: str, request: web.Request) -> web.Response:
    """Lead to an address of ours, in the language of the page."""
    url, language = URL(path), request.query.get("lang", "")
    if language in LANGUAGES:
        url = url.update_query(lang=language)
    return web.Response(status=303, headers={"Location": str(url), "Cache-Control": "no-store"})


def _form(request: web.Request, status: int, failed: bool = False) -> web.Response:
    query = {name: request.query[name] for name in ("lang", BACK) if name in request.query}
    return page(
        request,
        "sign_in.html",
        status=status,
        failed=failed,
        menu=(),
        action=str(URL.build(path=SIGN_IN, query={"lang": language_of(request), **query})),
    )
