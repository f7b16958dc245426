"""The guard before the operators' pages and API: host, origin, key or session, role, and JSON for
changes; partners' endpoints pass.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from exchange.errors import LedgerError
from exchange.ports import Actor, Clock, Operator, Operators
from exchange.schemas.call import problem
from exchange.schemas.directory import digest_of
from exchange.settings import Operators as OperatorSettings
from exchange.web.access.callers import NOT_HERE, listener_of
from exchange.web.access.failures import Failures
from exchange.web.access.hosts import (
    address_of,
    is_forwarded,
    is_loopback,
    is_our_host,
    is_our_page,
    plain,
)

log = structlog.get_logger(__name__)

COOKIE = "exchange_session"
#: A clock that steps back by less, as when it is set by another one, ends no session.
STEP_SECONDS = 60
SIGN_IN = "/sign-in"
#: The field of its address that says where a browser wanted to go, and its longest value.
BACK = "back"
BACK_CHARACTERS_MAX = 2000
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
CHALLENGE = 'Bearer realm="exchange operators"'
#: Longer keys and cookies are not looked for: those that were given out are shorter.
SECRET_CHARACTERS_MAX = 200
#: What operators are told names persons and keys: no browser or proxy is to keep it, or to take it
#: for something else than it says.
KEPT_NOWHERE = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
#: Who operates where no key is demanded.
EVERYBODY = Operator("open", "admin")
WATCHER = Operator("watcher", "viewer")

ACTOR = web.RequestKey("actor", Actor)
SIGNED_IN = web.RequestKey("signed_in", bool)


@dataclass(frozen=True, slots=True)
class Need:
    """What an address demands: a role (empty: none), JSON because it changes something, and whether
    the Host must be ours.
    """

    role: str = "viewer"
    changes: bool = False
    any_host: bool = False


class Guard:
    """Decides for each request. What nobody declared needs a viewer."""

    def __init__(
        self, settings: OperatorSettings, bound_host: str, operators: Operators, clock: Clock
    ) -> None:
        self._open = settings.open and is_loopback(bound_host)
        self._hosts = frozenset(plain(host) for host in settings.hosts)
        self._watcher = bytes.fromhex(settings.watcher_sha256)
        self._session_seconds = settings.session_seconds
        self._operators = operators
        self._clock = clock
        self._failures = Failures(
            settings.failed_keys_max, settings.failed_keys_seconds, settings.failed_addresses_max
        )
        self._partners: frozenset[web.AbstractRoute] = frozenset()
        self._needs: dict[web.AbstractRoute, Need] = {}

    def pass_partners(self, routes: Collection[web.AbstractRoute]) -> None:
        """Let calls of these routes through: partners have keys of their own, and any Host."""
        self._partners |= frozenset(each for route in routes for each in _with_head(route))

    def declare(self, route: web.AbstractRoute, need: Need) -> None:
        """Say what a route demands."""
        self._needs |= dict.fromkeys(_with_head(route), need)

    def middleware(self) -> Middleware:
        """The guard as aiohttp's middleware."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            route = request.match_info.route
            if route in self._partners:
                return await handler(request)
            if listener_of(request) is not None:
                # Pages, API, metrics and health are the plain listener's.
                return problem_response(404, "Not found", NOT_HERE.message)
            try:
                refused = await self._refusal(request, self._needs.get(route, Need()))
            except LedgerError as error:
                refused = problem_response(503, "No ledger", f"keys can't be looked up: {error}")
                refused.headers[hdrs.RETRY_AFTER] = "1"
            answered = refused or await handler(request)
            if not answered.prepared:
                for name, value in KEPT_NOWHERE.items():
                    answered.headers.setdefault(name, value)
            return answered

        return guard

    def is_open(self, request: web.BaseRequest) -> bool:
        """Whether the request needs no key: on loopback, when the settings say so and no proxy
        hands it on.
        """
        return self._open and not is_forwarded(request)

    async def _refusal(self, request: web.Request, need: Need) -> web.Response | None:
        """What is wrong with a request; None when nothing is, and then it tells who acts.

        Raises:
            HTTPUnsupportedMediaType: when its body is compressed: no handler would open it.
        """
        if not need.any_host and not is_our_host(request, self._hosts):
            return problem_response(
                421,
                "Host not served",
                "the operators' pages and API are served for the hosts in the setting "
                f"operators.hosts only: {', '.join(sorted(self._hosts))}",
            )
        if not is_our_page(request):
            return problem_response(
                403,
                "Foreign page",
                "the request's Origin is another one than the host and port that it calls",
            )
        if refused := await self._identify(request, need.role):
            return refused
        if need.changes and request.content_type != "application/json":
            return problem_response(
                415, "Not JSON", "a change is taken with Content-Type: application/json only"
            )
        if request.body_exists and hdrs.CONTENT_ENCODING in request.headers:
            raise web.HTTPUnsupportedMediaType
        return None

    async def _identify(self, request: web.Request, role: str) -> web.Response | None:
        """Note who acts; the refusal of whoever may not."""
        operator, wrong = None, False
        if hdrs.AUTHORIZATION in request.headers:
            operator = await self.by_key(_bearer(request))
            wrong = operator is None
        elif cookie := request.cookies.get(COOKIE, ""):
            operator = await self._by_session(cookie)
            request[SIGNED_IN] = operator is not None
            if operator is not None and self._is_blind_change(request):
                return problem_response(
                    403, "No Origin", "a change by a signed-in browser names its page in Origin"
                )
        if wrong and (seconds := self.failed(request)):
            return too_many(seconds)
        if operator is None and self.is_open(request) and not wrong:
            operator = EVERYBODY
        if operator is not None:
            request[ACTOR] = Actor(operator, address_of(request))
        if not role:
            return None
        if operator is None:
            return _unknown(request, wrong)
        if not operator.may(role):
            return problem_response(
                403,
                "Not allowed",
                f"{operator.name} is {operator.role}; the role {role} or a higher one is wanted",
            )
        return None

    async def by_key(self, key: str) -> Operator | None:
        """The operator that holds a key."""
        if not 0 < len(key) <= SECRET_CHARACTERS_MAX:
            return None
        digest = digest_of(key)
        if hmac.compare_digest(digest, self._watcher):
            return WATCHER
        return await self._operators.by_key(digest)

    async def _by_session(self, token: str) -> Operator | None:
        if len(token) > SECRET_CHARACTERS_MAX:
            return None
        now = self._clock.now()
        furthest = now + (self._session_seconds + STEP_SECONDS) * 1000
        return await self._operators.by_session(digest_of(token), now, furthest)

    def failed(self, request: web.BaseRequest) -> int:
        """Note a wrong key; seconds to wait when there were too many, else 0."""
        seconds = self._failures.add(request.remote or "?", self._clock.now())
        if not seconds:
            log.warning("wrong operator's key", address=address_of(request))
        return seconds

    def _is_blind_change(self, request: web.BaseRequest) -> bool:
        return request.method not in SAFE_METHODS and hdrs.ORIGIN not in request.headers


def _with_head(route: web.AbstractRoute) -> list[web.AbstractRoute]:
    """The route and, of one for GET, that for HEAD, which aiohttp makes beside it by itself."""
    if route.method != hdrs.METH_GET or route.resource is None:
        return [route]
    return [route, *(each for each in route.resource if each.method == hdrs.METH_HEAD)]


def _bearer(request: web.BaseRequest) -> str:
    scheme, _, key = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _unknown(request: web.Request, wrong: bool) -> web.Response:
    """To a browser that wants a page the sign-in form, to everybody else a problem: also to a
    browser that sends a form, which it would lose on the way to another page.
    """
    is_look = request.method in SAFE_METHODS and "text/html" in request.headers.get("Accept", "")
    if is_look and not wrong:
        query = {"lang": request.query.get("lang", ""), BACK: request.path_qs}
        if query["lang"] not in ("fi", "sv", "en"):
            del query["lang"]
        if request.path == "/" or len(request.path_qs) > BACK_CHARACTERS_MAX:
            del query[BACK]
        location = str(URL.build(path=SIGN_IN, query=query))
        return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})
    detail = (
        "the key in Authorization belongs to no operator"
        if wrong
        else "an operator's key is wanted: Authorization: Bearer KEY, or sign in at /sign-in; "
        "`exchange operators add NAME --role ROLE` makes a key"
    )
    refused = problem_response(401, "Unauthorized", detail)
    refused.headers[hdrs.WWW_AUTHENTICATE] = CHALLENGE
    return refused


def too_many(seconds: int) -> web.Response:
    """The refusal of an address that sent too many wrong keys."""
    refused = problem_response(
        429, "Too many wrong keys", f"try again in {seconds} s with a right one"
    )
    refused.headers[hdrs.RETRY_AFTER] = str(seconds)
    return refused


def problem_response(status: int, title: str, detail: str) -> web.Response:
    """A refusal as a problem document."""
    reply = problem(status, title, detail)
    headers = {"Content-Type": reply.content_type, "Cache-Control": "no-store"}
    return web.Response(status=status, body=reply.body, headers=headers)
