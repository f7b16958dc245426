"""Samples for a partner of one's own (`exchange samples TYPE --from ID`), dated now, valid when
that partner sends them, and the line of curl that sends one.
"""

from __future__ import annotations

import base64
import shlex
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from urllib.parse import quote

import typer

from exchange import discovery
from exchange.assembly import checking, played_directory
from exchange.cli.api import Api
from exchange.errors import ApiError, UnknownMessageType
from exchange.journey.check import Checking
from exchange.partners.own_calls import OwnCalls
from exchange.partners.sender import chains_from
from exchange.ports import Channel
from exchange.schemas.attachments import is_split
from exchange.schemas.call import Call
from exchange.schemas.catalogue import Catalogue
from exchange.schemas.directory import Directory, Partner
from exchange.settings import load

#: What stands for a key that only the partner knows: the shell's variable.
KEY = "$KEY"
#: A message id that is another one each time, where the message itself names none.
FRESH_ID = "$(date +%s%N)"
STANDARD_OUTPUT = "-"
#: Messages that are made for one that is valid when its partner sends it.
TRIES = 25


def partner_of(partner_id: str, everybody: Directory, exchange: str, option: str) -> Partner:
    """A partner of the directory, or one that was added to the running exchange.

    Raises:
        BadParameter: when neither has it.
    """
    if (known := everybody.get(partner_id)) is not None:
        return known
    try:
        told = Api(exchange, "").get(f"/api/v1/partners/{quote(partner_id, safe='')}")
    except ApiError as error:
        raise typer.BadParameter(
            f"no partner {partner_id} in the directory; {error}", param_hint=option
        ) from error
    names = {field.name for field in fields(Partner)}
    own = {name: told[name] for name in ("id", "name", "sector")}
    return Partner(**{name: value for name, value in told.items() if name in names} | own)


def channel_of(message_type: str) -> Channel:
    """The channel that carries a type.

    Raises:
        UnknownMessageType: when there is no such type.
    """
    found = Catalogue.load().get(message_type)
    if found is None:
        raise UnknownMessageType(
            f"no message type {message_type!r}: `exchange catalogue` lists every one"
        )
    channels = discovery.channels().values()
    return next(each for each in channels if found.folder.name in each.families)


class OwnSamples:
    """Makes and writes the samples of a partner of this directory, to another one or (None) to whom
    they go by themselves.
    """

    def __init__(self, everybody: Directory, partner: Partner, to: Partner | None = None) -> None:
        self._everybody = everybody
        self._partner = partner
        self._to = to
        self._checking: Checking | None = None

    @classmethod
    def named(cls, sender: str, to: str = "", exchange: str = "") -> OwnSamples:
        """Those of partners by their ids, of the directory or added to the running exchange.

        Raises:
            BadParameter: when there is no such partner.
        """
        everybody = played_directory(load())
        own = partner_of(sender, everybody, exchange, "--from")
        partner = replace(own, key=KEY, key_sha256=())
        receiver = partner_of(to, everybody, exchange, "--to") if to else None
        everybody.put([partner, *([receiver] if receiver else [])])
        return cls(everybody, partner, receiver)

    def write(self, type_name: str, count: int, out: Path, seed: int, now: int = 0) -> None:
        """Write `count` messages into a folder, or one to standard output, and print how to send
        the first.

        Raises:
            BadParameter: when the partner can't send the type, or not validly.
        """
        calls = self.calls(type_name, count, seed, now)
        if str(out) == STANDARD_OUTPUT:
            sys.stdout.buffer.write(calls[0].body)
            return
        out.mkdir(parents=True, exist_ok=True)
        for number, call in enumerate(calls):
            kind = call.headers.get("Content-Type", "")
            suffix = "multipart" if is_split(kind) else "json" if "json" in kind else "xml"
            (out / f"{type_name}-{number:06d}.{suffix}").write_bytes(call.body)
            if number == 0:
                first = out / f"{type_name}-{number:06d}.{suffix}"
        print(f"{count} × {type_name} in {out}", file=sys.stderr)
        print(curl(calls[0], str(first)))

    def calls(self, type_name: str, count: int, seed: int, now: int = 0) -> list[Call]:
        """The calls, each judged as the exchange will judge it.

        Raises:
            BadParameter: when the partner can't send the type, or not validly.
        """
        generators, channel = discovery.generators(), channel_of(type_name)
        if type_name not in channel.permitted(self._partner).sends:
            raise typer.BadParameter(
                f"{self._partner.id} may not send {type_name}", param_hint="TYPE"
            )
        stub = next(stub for stub in discovery.stubs() if stub.channel == channel.name)
        own = OwnCalls(
            stub=stub,
            generators=generators,
            directory=self._everybody,
            partner=self._partner,
            to=self._to,
        )
        now = now or time.time_ns() // 1_000_000
        judge = self._checking = self._checking or checking(directory=self._everybody)
        made, why = list[Call](), ""
        try:
            # (What a generator makes for nobody in particular may be beyond a partner's rights.)
            tried = own.make(type_name, count * TRIES, seed, now, chains_from(now * 1_000_000))
            for call in (each.call for each in tried):
                kind = call.headers.get("Content-Type", "")
                kind = kind if is_split(kind) else ""
                checked = judge.check(call.body, type_name, self._partner, content_type=kind)
                errors = [each for each in checked.violations if each.severity == "error"]
                if not errors:
                    made.append(call)
                    if len(made) == count:
                        return made
                else:
                    why = errors[0].message
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="TYPE") from error
        told = f"no {type_name} of {self._partner.id} can be made that is valid: {why}"
        raise typer.BadParameter(told, param_hint="TYPE")


def curl(call: Call, file: str, exchange: str = "", fresh: bool = False) -> str:
    """The line of a shell that makes the call with the body in a file. `fresh`: with another
    message id each time, where a header tells it.
    """
    server = load().server
    address = exchange.rstrip("/") or f"http://{server.host}:{server.port}"
    parts = [f"curl --silent {shlex.quote(address + call.path)}"]
    for name, value in call.headers.items():
        if name == "Authorization":  # Basic, of the partner's id and what stands for its key
            user = base64.b64decode(value.partition(" ")[2]).decode()
            parts.append(f'-u "{user}"')
            continue
        given = FRESH_ID if fresh and name == "X-Message-Id" else value
        # What the shell is to put in stands in double quotes.
        bare = given in (KEY, FRESH_ID)
        parts.append(f'-H "{name}: {given}"' if bare else f"-H {shlex.quote(f'{name}: {given}')}")
    return " ".join([*parts, f"--data-binary @{shlex.quote(file)}"])
