"""`exchange dead-letters`: those of a running exchange, listed, sent again, skipped."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from exchange.cli.api import Api, AsJson, Exchange, Key, moment, print_json
from exchange.cli.tables import print_table
from exchange.errors import ApiError

app = typer.Typer(help="What could not be delivered: list, send again, skip.", no_args_is_help=True)

PATH = "/api/v1/dead-letters"
#: How often it is asked how far a resend is, in seconds.
LOOK_SECONDS = 0.5

Receiver = Annotated[str, typer.Option(help="Only those to this partner (its id).")]
Type = Annotated[str, typer.Option("--type", help="Only those of this message type.")]
Reason = Annotated[
    str, typer.Option(help="Only those of this cause: the code before the colon, say http-503.")
]
Since = Annotated[
    str, typer.Option(help="Only those that died at this time or later: 2026-11-29T08:00:00Z.")
]
Ids = Annotated[list[str], typer.Argument(help="Ids of dead letters, as `list` shows them.")]


@app.command("list")
def list_some(
    receiver: Receiver = "",
    type_name: Type = "",
    reason: Reason = "",
    since: Since = "",
    before: Annotated[
        str, typer.Option(help="The last id of the page before, for the next one.")
    ] = "",
    as_json: AsJson = False,
    exchange: Exchange = "",
    key: Key = "",
) -> None:
    """List the newest dead letters (500 at once), and how many there are of each cause."""
    api = Api(exchange, key)
    wanted = _filter(receiver, type_name, reason, since)
    letters = api.get(PATH, {**wanted, "before": before})
    causes = api.get(f"{PATH}/causes", wanted)
    if as_json:
        print_json({"dead_letters": letters, "causes": causes})
        return
    heads = ("id", "died at", "receiver", "type", "attempts", "reason")
    columns = ("receiver", "messageType", "attempts", "reason")
    print_table(
        heads,
        [
            (each["id"], moment(each["endedAt"]), *(str(each[name]) for name in columns))
            for each in letters
        ],
    )
    told = ", ".join(f"{count} {cause}" for cause, count in causes.items())
    print(f"{sum(causes.values())} dead letters" + (f": {told}" if told else ""))


@app.command("resend")
def resend(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids, or none with a filter.")] = None,
    receiver: Receiver = "",
    type_name: Type = "",
    reason: Reason = "",
    since: Since = "",
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    per_second: Annotated[
        float, typer.Option(help="How many a second are sent again by a filter.")
    ] = 100.0,
    detach: Annotated[
        bool, typer.Option("--detach", help="Begin, and do not wait for the end.")
    ] = False,
    as_json: AsJson = False,
    exchange: Exchange = "",
    key: Key = "",
) -> None:
    """Send dead letters again: those named, or all that match the filters, at a rate.

    A resend by a filter runs in the exchange, also when this command is interrupted; it passes
    over receivers that are failing or paused.
    """
    wanted = _filter(receiver, type_name, reason, since)
    if bool(ids) == bool(wanted or everything):
        raise ApiError(
            "name ids, or a filter (--receiver, --type, --reason, --since), or --all: one of them"
        )
    api = Api(exchange, key)
    if ids:
        _show_done(api.post(f"{PATH}/resend", {"deliveries": ids}), "resent", as_json)
        return
    job = api.post(f"{PATH}/resend", {"filter": wanted, "per_second": per_second})
    while job["state"] == "running" and not detach:
        time.sleep(LOOK_SECONDS)
        job = api.get(f"{PATH}/resend")
    _show_job(job, as_json)


@app.command("progress")
def progress(as_json: AsJson = False, exchange: Exchange = "", key: Key = "") -> None:
    """Show how far the resend by a filter is that runs, or that ran last."""
    _show_job(Api(exchange, key).get(f"{PATH}/resend"), as_json)


@app.command("stop")
def stop(as_json: AsJson = False, exchange: Exchange = "", key: Key = "") -> None:
    """Stop the resend by a filter that runs; what was sent again stays so."""
    _show_job(Api(exchange, key).post(f"{PATH}/resend/stop", {}), as_json)


@app.command("skip")
def skip(ids: Ids, as_json: AsJson = False, exchange: Exchange = "", key: Key = "") -> None:
    """Give dead letters up for good, so that what they hold up in their conversations goes on."""
    _show_done(Api(exchange, key).post(f"{PATH}/skip", {"deliveries": ids}), "skipped", as_json)


def _filter(receiver: str, type_name: str, reason: str, since: str) -> dict[str, str]:
    given = {"receiver": receiver, "type": type_name, "reason": reason, "since": since}
    return {name: each for name, each in given.items() if each}


def _show_done(told: dict[str, Any], what: str, as_json: bool) -> None:
    """What was done to letters named by id; one that nothing was done to is an error."""
    if as_json:
        print_json(told)
    else:
        print(f"{len(told[what])} {what}")
    if refused := told["refused"]:
        raise ApiError(
            "; ".join(f"{each['delivery']}: {each['reason']}" for each in refused[:10])
            + (f"; and {len(refused) - 10} more" if len(refused) > 10 else "")
        )


def _show_job(job: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    why = f": {job['why']}" if job["why"] else ""
    left = f", {job['left']} left" if job["left"] else ""
    print(f"{job['state']}: {job['resent']} of {job['matched']} resent{left}{why}")
