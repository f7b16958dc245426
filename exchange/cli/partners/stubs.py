"""`exchange partners`: the programs that play everyone else; how they behave lives with each
channel. Its commands `list`, `pause` and `resume` are in `states`, those for partners of one's own
in `own`.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvloop
from rich.console import Console

from exchange import discovery
from exchange.assembly import played_directory
from exchange.cli.api import Exchange
from exchange.cli.options import RATE_MAX, finite
from exchange.cli.partners import own as own_partners
from exchange.cli.partners import states
from exchange.cli.serving.clock_speed import factor_of, pace_of
from exchange.cli.serving.garbage_collection import collect_seldom
from exchange.errors import SettingsError
from exchange.lifetime import end_with
from exchange.partners import faults as scripts
from exchange.partners.faults import Faults
from exchange.partners.played import Played
from exchange.partners.sender import Sent, begin, chains_from, send_traffic
from exchange.partners.server import HOST, serve_stubs
from exchange.schemas import directory
from exchange.settings import Settings, load

console = Console(stderr=True, soft_wrap=True, markup=False)
app = typer.Typer()
app.command("list")(states.list_all)
app.command("pause")(states.pause)
app.command("resume")(states.resume)
app.command("check")(own_partners.check)
app.command("add")(own_partners.add)
app.command("show")(own_partners.show)
app.command("rotate")(own_partners.rotate)
app.command("remove")(own_partners.remove)

PORT = typer.Option(
    help="Port to bind; 0 picks one.", show_default="from the settings", min=0, max=65535
)
RATE = typer.Option(
    help="Calls a second that the partners send by themselves; 0: none.",
    min=0,
    max=RATE_MAX,
    callback=finite,
)
DURATION = typer.Option(
    help="Seconds after which the traffic ends; 0: at a signal.", min=0, callback=finite
)


@app.callback(invoke_without_command=True)
def partners(
    context: typer.Context,
    exchange: Exchange = "",
    host: Annotated[
        str, typer.Option(help="Address to bind.", show_default="from the settings")
    ] = "",
    port: Annotated[int | None, PORT] = None,
    rate: Annotated[float, RATE] = 0.0,
    duration: Annotated[float, DURATION] = 0.0,
    sector: Annotated[
        list[str] | None, typer.Option(help="Only these sectors send (may be given again).")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Only these channels' flows are sent (may be given again)."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of traffic and faults.", show_default="from the settings"),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="Misbehaviour: TARGET=KIND:PROBABILITY[:SECONDS], say kela.income-data=down:0.1."
        ),
    ] = None,
    script: Annotated[Path | None, typer.Option(help="A TOML file of faults.", exists=True)] = None,
    clock: Annotated[
        str, typer.Option(help="How fast time passes, as for the exchange that they talk to: 60x.")
    ] = "1x",
    parent: Annotated[
        int, typer.Option(hidden=True, help="End with this process, which started us.")
    ] = 0,
) -> None:
    """Answer as every partner, and send what partners send; or, with a command, see and change who
    is called.
    """
    if context.invoked_subcommand is not None:
        return
    if parent:
        end_with(parent)
    settings = load()
    everybody = played_directory(settings)
    listed = _faults(script, fault or [], everybody)
    _one_of("--sector", sector, directory.SECTORS)
    _one_of("--channel", channel, [stub.channel for stub in discovery.stubs()])
    chosen = settings.seed if seed is None else seed
    own = urlsplit(settings.partners.address)
    exchange = exchange or f"http://{settings.server.host}:{settings.server.port}"
    host, port = host or own.hostname or "127.0.0.1", (own.port or 80) if port is None else port
    uvloop.run(
        _partners(
            exchange,
            host,
            port,
            rate,
            duration,
            set(sector or ()),
            set(channel or ()),
            chosen,
            listed,
            factor_of(clock),
        )
    )


def check_faults(texts: Sequence[str], settings: Settings) -> None:
    """Raises:
    BadParameter: when one of the faults can't be read, or concerns nobody.
    """
    _faults(None, texts, played_directory(settings))


def _one_of(option: str, given: Sequence[str] | None, known: Sequence[str]) -> None:
    if unknown := sorted(set(given or ()) - set(known)):
        told = f"{', '.join(unknown)}: one of {', '.join(known)}"
        raise typer.BadParameter(told, param_hint=option)


def _faults(
    script: Path | None, texts: Sequence[str], everybody: directory.Directory
) -> list[scripts.Fault]:
    try:
        listed = [*(scripts.from_toml(script) if script else []), *map(scripts.from_text, texts)]
        scripts.check_targets(listed, everybody)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fault/--script") from error
    return listed


async def _partners(
    exchange: str,
    host: str,
    port: int,
    rate: float,
    duration: float,
    sectors: set[str],
    channels: set[str],
    seed: int,
    listed: list[scripts.Fault],
    factor: float,
) -> None:
    settings = load()
    ticking = (await pace_of(exchange, factor)).clock() if factor != 1 else None
    nanoseconds = time.time_ns if ticking is None else lambda: ticking.now() * 1_000_000
    everybody = played_directory(settings)
    if not any(partner.key for partner in everybody):
        raise SettingsError(
            "partners.directory keeps no readable key to play a partner with; name the file with "
            "the keys in partners.stubs_directory"
        )
    stubs = [Played(stub) for stub in discovery.stubs()]
    enough, end = ends(sends=bool(rate))
    try:
        runner = await serve_stubs(
            stubs=stubs,
            directory=everybody,
            host=host,
            port=port,
            faults=Faults(listed, seed),
            seed=seed,
            exchange_url=exchange,
            nanoseconds=nanoseconds,
            control_key=settings.partners.control_key,
        )
    except OSError as error:
        raise SettingsError(f"{host}:{port} can't be bound: {error.strerror}") from error
    console.print(
        f"partners: http://{host}:{runner.addresses[0][1]}/ ({len(everybody)} organisations)",
        highlight=False,
    )
    collect_seldom()
    beginning = asyncio.create_task(begin(stubs, everybody, exchange, seed, nanoseconds))
    try:
        if rate:
            sent = await send_traffic(
                _senders(sectors, channels, everybody),
                everybody,
                exchange,
                rate,
                duration,
                seed,
                nanoseconds=nanoseconds,
                stop=enough,
                first=chains_from(nanoseconds()),
            )
            console.print(summary(sent), highlight=False, markup=False, soft_wrap=True)
            await runner.app[HOST].settle()
            if not duration and not end.is_set():
                console.print("partners: they answer on; one more signal ends them")
        if not rate or not duration:
            await end.wait()
    finally:
        beginning.cancel()
        await asyncio.gather(beginning, return_exceptions=True)
        await runner.cleanup()
        answers = runner.app[HOST].sent
        if answers.total.sent:
            told = summary(answers, "answers sent")
            console.print(told, highlight=False, markup=False, soft_wrap=True)


def _senders(sectors: set[str], channels: set[str], everybody: directory.Directory) -> list[Played]:
    """The stubs of these channels, for senders of these sectors; none named: all of them."""
    found = [
        Played(stub, sectors)
        for stub in discovery.stubs()
        if not channels or stub.channel in channels
    ]
    if not any(stub.flows(everybody) for stub in found):
        raise SettingsError("nobody of these sectors sends anything over these channels")
    return found


def summary(sent: Sent, what: str = "calls sent") -> str:
    """What was sent, in a line, and the first refusal in another."""
    total = sent.total
    told = (
        f"partners: {total.sent} {what}: {total.accepted} accepted, {total.rejected} rejected, "
        f"{total.failed} failed"
    )
    if sent.latency_seconds_max:
        mean, longest = sent.latency_seconds_total / total.sent, sent.latency_seconds_max
        told += f"; latency mean {1000 * mean:.1f} ms, longest {1000 * longest:.0f} ms"
    if sent.first_refusal:
        told += f"\npartners: the first refusal: {sent.first_refusal}"
    return told


def ends(sends: bool) -> tuple[asyncio.Event, asyncio.Event]:
    """That traffic ends, and that answering does, as signals say it from now on. Ctrl-C (SIGINT)
    ends traffic where one `sends`, and answering when it comes again; SIGTERM ends both, since
    whoever ends a service sends it once.
    """
    enough, end = asyncio.Event(), asyncio.Event()
    if not sends:
        enough.set()

    def interrupted() -> None:
        if enough.is_set():
            end.set()
        enough.set()

    def terminated() -> None:
        enough.set()
        end.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGTERM, terminated)
    return enough, end
