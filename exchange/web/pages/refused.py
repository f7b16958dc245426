"""What a browser is shown where a page is refused or fails: the problem document as a page, in its
reader's language.
"""

from __future__ import annotations

import json

from aiohttp import hdrs, web

from exchange.schemas.call import PROBLEM
from exchange.web.access.guard import SIGN_IN
from exchange.web.pages.layout import HEADERS, language_of, rendered
from exchange.web.pages.translations import gettext

#: By status, the heading and what it means for who reads it.
NOT_UNDERSTOOD = "Not understood", "This page does not take what was asked for or sent."
NOT_ALLOWED = "Not allowed", "You may not see or do this. Nothing was changed."
NOT_NOW = "Not available just now", "The exchange can't answer just now. Try again in a moment."
WORDS = {
    # (Whoever only wants to look is led to the form at once.)
    401: ("You are not signed in any more", "Nothing was changed, and what you sent was not kept."),
    403: NOT_ALLOWED,
    404: ("No such page", "There is no page at this address."),
    408: NOT_NOW,
    413: ("Too large", "What was sent is larger than what is taken. Nothing of it was kept."),
    421: ("Another name", "The pages are served under other names of this machine only."),
    429: ("Too many wrong keys", "Try again later, with a right one."),
    500: ("Something went wrong", "The fault is the exchange's, and its log tells of it."),
    503: NOT_NOW,
}


def as_page(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """The response; where it is a problem document and a browser asked for a page, with a page in
    its place. Words of the program that have no translation stay in English.
    """
    if (
        not isinstance(response, web.Response)
        or response.content_type != PROBLEM
        or not isinstance(response.body, bytes)
        or "text/html" not in request.headers.get(hdrs.ACCEPT, "")
    ):
        return response
    problem = json.loads(response.body)
    title, text = WORDS.get(response.status, NOT_UNDERSTOOD)
    detail, language = problem.get("detail", ""), language_of(request)
    said = gettext(language)(detail)
    html = rendered(
        request,
        "refused.html",
        name=title,
        text=text,
        detail=said,
        detail_language=language if said != detail else "en",
        sign_in=SIGN_IN if response.status == 401 else "",
    )
    response.body = html.encode()
    response.headers[hdrs.CONTENT_TYPE] = "text/html; charset=utf-8"
    response.headers[hdrs.CONTENT_LANGUAGE] = language
    response.headers.update(HEADERS)
    return response
