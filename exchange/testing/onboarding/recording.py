"""`exchange pushes`: writes the calls that the exchange makes to a partner as lines for a load
test, in the form of `exchange samples --calls`; nobody is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from exchange import discovery
from exchange.cli.simulating.scenario_run import only_errors_logged
from exchange.errors import SettingsError, Unreachable
from exchange.partners.recorded import ID_DIGITS_MIN, as_line, digits_of, slots
from exchange.ports import Channel
from exchange.schemas.call import Call, Reply
from exchange.schemas.directory import SECTORS, Directory, Partner
from exchange.settings import Settings
from exchange.testing.embedded import Embedded
from exchange.testing.onboarding.command import tried_partner
from exchange.testing.onboarding.forged import DELIVERY, MESSAGE_IDS, SIGNATURE
from exchange.testing.onboarding.right_messages import NoSample, RightMessages
from exchange.web.partner_calls import HttpTransport

FILE = "pushes.calls.jsonl"
#: One attempt each, also to who takes nothing.
DELIVERIES = {"attempts_max": 1, "failures_max": 1_000_000}
#: What is made for each call anew.
SIGNED = (SIGNATURE, "X-Timestamp")


class Noting(HttpTransport):
    """Notes the calls to a partner in place of making them."""

    def __init__(self, settings: Settings, partner_id: str) -> None:
        super().__init__(settings.partners.address, settings.deliveries, settings.limits)
        self._partner_id = partner_id
        self.calls: list[Call] = []

    async def send(self, partner: Partner, call: Call, timeout_seconds: float) -> Reply:
        """As ever, but to that partner.

        Raises:
            Unreachable: as ever, and for each call to it.
        """
        if partner.id != self._partner_id:
            return await super().send(partner, call, timeout_seconds)
        self.calls.append(call)
        raise Unreachable("it is only noted")


def pushes(
    partner: Annotated[
        str, typer.Option(help="The partner's id: of the directory or, with --sector, a new one.")
    ],
    url: Annotated[str, typer.Option(help="Where the partner is called.")] = "",
    sector: Annotated[str, typer.Option(help=f"Of a new one: {', '.join(SECTORS)}.")] = "",
    count: Annotated[int, typer.Option("-n", help="How many of each type.", min=1)] = 5,
    seed: Annotated[int, typer.Option(help="Of the messages.", min=1)] = 1,
    out: Annotated[Path, typer.Option("--out", help="The folder to write into.")] = Path("pushes"),
) -> None:
    """Write COUNT pushes of each type that the partner gets without asking for it. A load test
    signs each call made of one (`make load TO=ID`).
    """
    tried = tried_partner(partner, url, sector)
    if not tried.url:
        raise typer.BadParameter(f"{partner} has no address", param_hint="--url")
    lines = [*_lines(tried, count, seed)]
    if not lines:
        told = f"nobody sends anything to {partner} without being asked"
        raise typer.BadParameter(told, param_hint="--partner")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / FILE).write_text("".join(map(as_line, lines)), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--out: {out}: {error.strerror}") from error
    types = sorted({line["type"] for line in lines})
    print(f"{len(lines)} pushes of {', '.join(types)} in {out / FILE}")


def _lines(partner: Partner, count: int, seed: int) -> Iterator[dict[str, Any]]:
    made: list[Noting] = []

    def noting(settings: Settings) -> Noting:
        made.append(Noting(settings, partner.id))
        return made[0]

    with (
        TemporaryDirectory(prefix="pushes-") as folder,
        only_errors_logged(),
        Embedded(Path(folder), transport=noting, deliveries=DELIVERIES) as exchange,
    ):
        exchange.put(partner)
        right = RightMessages(exchange, partner, seed)
        for channel in discovery.channels().values():
            for message_type in channel.permitted(partner).receives:
                made[0].calls.clear()
                try:
                    for message in right.put(channel, message_type, count):
                        right.ended(message)
                except NoSample:
                    continue
                weight = weight_of(exchange.directory, channel, message_type)
                for call in made[0].calls:
                    line = line_of(call, channel.name, message_type, weight, partner.url)
                    sender = exchange.directory.get(call.headers["X-Sender"])
                    if line is not None and sender is not None:
                        yield {**line, "sender": sender.id, "sector": sender.sector}


def weight_of(directory: Directory, channel: Channel, message_type: str) -> float:
    """How many calls with a type a partner gets in a year: those of its flows, as if everybody who
    may get them got as many; 1 where no flow has it.
    """
    stubs = [stub for stub in discovery.stubs() if stub.channel == channel.name]
    sent = sum(
        flow.weight
        for stub in stubs
        for flow in stub.flows(directory)
        if flow.message_type == message_type
    )
    receivers = sum(message_type in channel.permitted(each).receives for each in directory)
    return sent / receivers if sent else 1.0


def line_of(
    call: Call, channel: str, message_type: str, weight: float, url: str
) -> dict[str, Any] | None:
    """A push to an address as plain data, without its signature; None when its body is no text."""
    try:
        body = call.body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    headers = {name: each for name, each in call.headers.items() if name not in SIGNED}
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + call.path
    ids = {headers[name] for name in (DELIVERY, *MESSAGE_IDS) if name in headers}
    return {
        "flow": f"{message_type} pushed",
        "channel": channel,
        "type": message_type,
        "weight": weight,
        "items": 1,
        "method": call.method,
        "path": path,
        "headers": headers,
        "body": body,
        "slots": [slot for each in _long(ids) for slot in slots(each, headers, call.body, path)],
        "pushed": True,
        "host": f"{parts.scheme}://{parts.netloc}",
    }


def _long(ids: Iterable[str]) -> Sequence[str]:
    """Those of the ids that can be made anew; the delivery's always can."""
    return sorted(
        each for each in ids if sum(width for _, width, _ in digits_of(each)) >= ID_DIGITS_MIN
    )
