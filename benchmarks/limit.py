"""The limit server: bare aiohttp that does what a channel demands and nothing else, as the measure
of what an exchange could reach; it counts, routes and remembers nothing.

A message is parsed and judged by its schema, its signature is verified, it becomes one row in a
group commit (`synchronous=FULL`), the reply is given (signed where the channel signs), and the
receiver is called. No duplicates, no rules, no events, no second attempt, no commit of an outcome.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from aiohttp import web
from lxml import etree
from pydantic import BaseModel, TypeAdapter, ValidationError

from exchange.adapters.income_register.signature.errors import Refused
from exchange.adapters.income_register.signature.sign import sign_canonical, signing_key
from exchange.adapters.income_register.signature.verify import verify
from exchange.benchmarks.servers import BODY_BYTES_MAX, schema_judge, serve
from exchange.journey.deliver.sign import signature
from exchange.schemas import directory
from exchange.schemas.directory import Partner
from exchange.schemas.kelmu.models import BenefitAnswer, BenefitQuery
from exchange.schemas.population.models import Changes

#: Calls to receivers at once, as the exchange's default.
CALLS_MAX = 64
#: Most rows in a commit, as the exchange's default.
GROUP_MAX = 512
SBDH = "{http://eessi.dgempl.ec.europa.eu/namespaces/sbdh}"


class NotValid(Exception):
    """The message is not what its channel takes."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """A call to make: to whom, at which path below its address, and what it carries besides the
    signature.
    """

    receiver: Partner
    path: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Demand:
    """What a channel demands. `judge` takes headers and body and tells whom to call (None: nobody),
    or raises `NotValid`; `reply` makes the answer of the row's number and what the call brought.
    `answers` says that the sender waits for what the receiver answers, `unknown` what a 404 means.
    """

    judge: Callable[[Mapping[str, str], bytes], Outbound | None]
    reply: Callable[[int, bytes], bytes]
    status: int = 202
    content_type: str = "application/json"
    answers: bool = False
    unknown: bytes = b""


class Store:
    """Rows in SQLite: what came in one turn of the event loop is one transaction, as in the
    exchange.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE message (id INTEGER PRIMARY KEY, received_at INTEGER, body BLOB)",
        ):
            self._connection.execute(statement)
        self._waiting: list[tuple[asyncio.Future[int], int, bytes]] = []
        self._last = 0

    def keep(self, body: bytes) -> asyncio.Future[int]:
        """The row's number, once it is on the disk."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._commit)
        future: asyncio.Future[int] = loop.create_future()
        self._waiting.append((future, time.time_ns() // 1_000_000, body))
        return future

    def _commit(self) -> None:
        group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._commit)
        first = self._last + 1
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "INSERT INTO message VALUES (?, ?, ?)",
            [(number, at, body) for number, (_, at, body) in enumerate(group, first)],
        )
        self._connection.execute("COMMIT")
        self._last += len(group)
        for number, (future, _, _) in enumerate(group, first):
            if not future.cancelled():
                future.set_result(number)


@dataclass(slots=True)
class Limit:
    """The server's handlers; `address` is where partners are, each below its id."""

    demand: Demand
    store: Store
    address: str
    session: aiohttp.ClientSession
    calls: set[asyncio.Task[bytes]] = field(default_factory=set)

    async def take(self, request: web.Request) -> web.Response:
        """One message."""
        demand, body = self.demand, await request.read()
        try:
            outbound = demand.judge(request.headers, body)
        except NotValid as error:
            return web.Response(status=400, text=str(error))
        number, answer = await self.store.keep(body), b""
        if outbound is not None and demand.answers:
            answer = await self._call(outbound, number, body)
        elif outbound is not None:
            call = asyncio.create_task(self._call(outbound, number, body))
            self.calls.add(call)
            call.add_done_callback(self.calls.discard)
        return web.Response(
            status=demand.status,
            body=demand.reply(number, answer),
            content_type=demand.content_type,
        )

    async def snapshot(self, _request: web.Request) -> web.Response:
        """What still waits, in the form in which the exchange tells it."""
        return web.json_response({"channels": {"limit": {"waiting": len(self.calls)}}})

    async def _call(self, outbound: Outbound, number: int, body: bytes) -> bytes:
        delivery_id, timestamp = f"{number:032x}", str(int(time.time()))
        headers = {**outbound.headers, "X-Delivery-Id": delivery_id}
        if secret := outbound.receiver.callback_secret:
            headers["X-Timestamp"] = timestamp
            headers["X-Signature"] = signature(delivery_id, timestamp, body, secret)
        url = f"{self.address}/{outbound.receiver.id}{outbound.path}"
        async with self.session.post(url, data=body, headers=headers) as response:
            answer = await response.read()
            if response.status == 404 and self.demand.unknown:
                return self.demand.unknown
            if response.status != 200:
                raise RuntimeError(f"{url} answered {response.status}: {answer[:200]!r}")
            return answer


def demand_of(channel: str, schemas: list[Path]) -> Demand:
    """What the channel of a case demands; `schemas` are the case's XSDs."""
    makers: dict[str, Callable[[directory.Directory], Demand]] = {
        "luova": _luova,
        "kelmu": _kelmu,
        "eessi": partial(_eessi, schemas),
        "income-register": partial(_income_register, schemas),
    }
    return makers[channel](directory.load())


def _reader(model: type[BaseModel]) -> Callable[[bytes], Any]:
    """Reads JSON and judges it by the model, in one go."""
    validate = TypeAdapter(model).validator.validate_json

    def read(body: bytes) -> Any:
        try:
            return validate(body, strict=True)
        except ValidationError as error:
            raise NotValid(str(error)) from None

    return read


def _receipt(number: int, _answer: bytes) -> bytes:
    return b'{"id":"%032x","state":"accepted"}' % number


def _luova(everybody: directory.Directory) -> Demand:
    """Births from the population register, delivered to Kela."""
    read, receiver = _reader(Changes), _serving(everybody, "core-data")

    def judge(headers: Mapping[str, str], body: bytes) -> Outbound:
        read(body)
        names = ("Content-Type", "X-Message-Type", "X-Message-Id")
        return Outbound(receiver, "/luova/deliveries", {name: headers[name] for name in names})

    return Demand(judge, _receipt)


def _kelmu(everybody: directory.Directory) -> Demand:
    """A query that the benefit register answers."""
    read, sound = _reader(BenefitQuery), _reader(BenefitAnswer)
    register = _serving(everybody, "benefit-register")

    def judge(headers: Mapping[str, str], body: bytes) -> Outbound:
        read(body)
        told = {"Content-Type": "application/json", "X-Message-Id": headers["X-Message-Id"]}
        return Outbound(register, "/kelmu/benefit-register/query", told)

    def reply(number: int, answer: bytes) -> bytes:
        sound(answer)
        return b'{"id":"%032x",%b' % (number, answer.lstrip()[1:])

    return Demand(judge, reply, status=200, answers=True, unknown=b'{"results":[]}')


def _eessi(schemas: list[Path], everybody: directory.Directory) -> Demand:
    """A SED in its header, judged by the schemas of both, delivered to the institution it names."""
    valid = schema_judge(schemas)
    identifier = etree.XPath("string(.//s:Receiver/s:Identifier)", namespaces={"s": SBDH[1:-1]})
    instance = etree.XPath("string(.//s:InstanceIdentifier)", namespaces={"s": SBDH[1:-1]})
    sender = etree.XPath("string(.//s:Sender/s:Identifier)", namespaces={"s": SBDH[1:-1]})

    def judge(_headers: Mapping[str, str], body: bytes) -> Outbound:
        root = _tree(body)
        receiver = everybody.by_eessi_id(str(identifier(root)))
        if receiver is None or not valid(root):
            raise NotValid("not a SED by its schemas, or to nobody")
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "X-EESSI-Message-Id": str(instance(root)),
            "X-EESSI-Sender": str(sender(root)),
            "X-EESSI-Receiver": receiver.eessi_id,
        }
        return Outbound(receiver, "/eessi/inbox", headers)

    return Demand(judge, _receipt)


def _income_register(schemas: list[Path], _everybody: directory.Directory) -> Demand:
    """A delivery of wage reports in SOAP, verified where it is signed; the acknowledgement is
    signed.
    """
    valid = schema_judge(schemas)
    namespace = "http://www.tulorekisteri.fi/2017/1/AckFromIR"
    key = signing_key()

    def judge(_headers: Mapping[str, str], body: bytes) -> None:
        root = _tree(body)
        with suppress(Refused, IndexError, ValueError):
            verify(root, root[-1][0])
            if valid(root):
                return
        raise NotValid("not a delivery by its schema, or its signature does not fit")

    def reply(number: int, _answer: bytes) -> bytes:
        ack = (
            f'<ack:AckFromIR xmlns:ack="{namespace}"><AckData><IRResponseId>{number:032x}'
            "</IRResponseId><DeliveryDataStatus>2</DeliveryDataStatus></AckData></ack:AckFromIR>"
        )
        return (
            b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            + sign_canonical(ack.encode(), key)
            + b"</s:Body></s:Envelope>"
        )

    return Demand(judge, reply, status=200, content_type="text/xml")


def _tree(body: bytes) -> Any:
    try:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise NotValid(str(error)) from None


def _serving(everybody: directory.Directory, service: str) -> Partner:
    partner = everybody.serving(service)
    assert partner is not None, service
    return partner


async def limit(channel: str, sink_port: int, folder: Path, schemas: list[Path]) -> web.Application:
    """The server for one channel's messages, with a new file in the folder."""
    connector = aiohttp.TCPConnector(limit=CALLS_MAX)
    handlers = Limit(
        demand_of(channel, schemas),
        Store(folder / "limit.db"),
        f"http://127.0.0.1:{sink_port}",
        aiohttp.ClientSession(connector=connector),
    )
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_get("/api/v1/snapshot", handlers.snapshot)
    app.router.add_post("/{path:.*}", handlers.take)

    async def close(_app: web.Application) -> None:
        await handlers.session.close()

    app.on_cleanup.append(close)
    return app


async def _main(port: int, channel: str, sink_port: int, folder: str, *schemas: str) -> None:
    await serve(await limit(channel, sink_port, Path(folder), [*map(Path, schemas)]), port)


if __name__ == "__main__":
    _port, _channel, _sink, *_rest = sys.argv[1:]
    uvloop.run(_main(int(_port), _channel, int(_sink), *_rest))
