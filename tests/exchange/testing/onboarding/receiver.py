"""A partner's endpoint that does all that is demanded of it, or all but one thing; no test."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from lxml import etree

from exchange.client.errors import NotSigned
from exchange.client.pushes import verify

#: By the fault of a partner, the demands that it fails.
FAULTS = {
    "": set[str](),
    "takes-anybodys": {
        *("signature.missing", "signature.other-secret"),
        *("signature.other-body", "signature.other-delivery"),
    },
    "takes-unsigned": {"signature.missing"},
    "takes-old": {"signature.old"},
    "takes-refused": {"signature.not-taken"},
    "takes-twice": {"repeat.once"},
    "fails-at-repeats": {"repeat.answered", "repeat.at-once"},
    "takes-in-any-order": {"order.kept"},
    "answers-early": {"read.whole"},
    "breaks-off": {"read.unreadable"},
    "refuses-all": {"right"},
    "fails-at-first": {"right"},
    "loses": {"right.kept", "repeat.once", "order.kept"},
}
#: After these nothing else can be tried.
TAKE_NOTHING = ("refuses-all", "fails-at-first")
#: What is seen in a journal alone.
IN_A_JOURNAL = ("takes-refused", "takes-twice", "takes-in-any-order", "loses")
#: After so long the early one answers, whatever has come.
EARLY_SECONDS = 0.05


class Receiver:
    """Serves pushes under a secret, and its journal at `/journal` or, where one is named, in a
    file. Use it as an async context.
    """

    def __init__(self, secret: str, fault: str, file: Path | None = None) -> None:
        self._secret = secret
        self._fault = fault
        self._known: set[str] = set()
        self._came: set[str] = set()
        self._journal: list[str] = []
        self._file = file
        self._write()

    async def __aenter__(self) -> Receiver:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_get("/journal", self._read)
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _read(self, _: web.Request) -> web.Response:
        return web.Response(text=self._lines())

    def _lines(self) -> str:
        taken = self._in_pairs() if self._fault == "takes-in-any-order" else self._journal
        return "".join(json.dumps({"delivery_id": each, "program": 1}) + "\n" for each in taken)

    def _write(self) -> None:
        if self._file is not None:
            self._file.write_text(self._lines(), encoding="utf-8")

    def _enter(self, delivery: str) -> None:
        self._journal.append(delivery)
        self._write()

    def _in_pairs(self) -> Sequence[str]:
        """Two by two the other way round."""
        pairs = itertools.zip_longest(self._journal[1::2], self._journal[::2])
        return [each for pair in pairs for each in pair if each is not None]

    async def _take(self, request: web.Request) -> web.Response:
        if self._fault == "answers-early":
            try:
                body = await asyncio.wait_for(request.read(), EARLY_SECONDS)
            except TimeoutError:
                return web.Response()
        else:
            body = await request.read()
        return web.Response(status=self._judge(request, body))

    def _judge(self, request: web.Request, body: bytes) -> int:
        delivery = request.headers["X-Delivery-Id"]
        try:
            self._verify(request, body)
        except NotSigned:
            if self._fault == "takes-refused":
                self._enter(delivery)
            return 401
        if self._fault == "refuses-all":
            return 422
        if self._fault == "fails-at-first" and delivery not in self._came:
            self._came.add(delivery)
            return 500
        if delivery in self._known:
            if self._fault == "takes-twice":
                self._enter(delivery)
            return 500 if self._fault == "fails-at-repeats" else 409
        if not _can_be_read(body):
            return 500 if self._fault == "breaks-off" else 422
        self._known.add(delivery)
        if self._fault != "loses":
            self._enter(delivery)
        return 200

    def _verify(self, request: web.Request, body: bytes) -> None:
        """Raises:
        NotSigned: when it is not from the exchange, as far as this partner looks.
        """
        at = int(request.headers["X-Timestamp"])
        if self._fault == "takes-unsigned" and "X-Signature" not in request.headers:
            return
        try:
            verify(self._secret, request.headers, body, at)
        except NotSigned:
            if self._fault != "takes-anybodys":
                raise
        if self._fault != "takes-old":
            # (Signed or not, what is old is refused.)
            _check_age(at)


def _check_age(at: int) -> None:
    if abs(time.time() - at) > 300:
        raise NotSigned("old")


def _can_be_read(body: bytes) -> bool:
    try:
        if body.lstrip()[:1] == b"{":
            json.loads(body)
        else:
            etree.fromstring(body)
    except (ValueError, etree.XMLSyntaxError):
        return False
    return True
