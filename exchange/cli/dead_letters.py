"""`exchange dead-letters`: those of a running exchange, listed, sent again, skipped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from exchange.cli.api import Api, AsJson, Exchange, Key, moment, print_json
from exchange.cli.options import finite
from exchange.cli.tables import print_table
from exchange.errors import ApiError
from exchange.schemas.violation import on_one_line

app = typer.Typer(help="What could not be delivered: list, send again, skip.", no_args_is_help=True)

PATH = "/api/v1/dead-letters"
#: How often it is asked how far a job is, in seconds.
LOOK_SECONDS = 0.5
#: What was done to letters, by what is asked for.
DONE = {"resend": "resent", "skip": "skipped"}

Receiver = Annotated[str, typer.Option(help="Only those to this partner (its id).")]
Type = Annotated[str, typer.Option("--type", help="Only those of this message type.")]
Reason = Annotated[
    str, typer.Option(help="Only those of this cause: the code before the colon, say http-503.")
]
Since = Annotated[
    str, typer.Option(help="Only those that died at this time or later: 2026-11-29T08:00:00Z.")
]
SomeIds = Annotated[
    list[str] | None,
    typer.Argument(help="Ids of dead letters, as `list` shows them, or none with a filter."),
]
Everything = Annotated[bool, typer.Option("--all", help="Every dead letter.")]
PerSecond = Annotated[
    float, typer.Option(help="To how many a second it is done by a filter.", callback=finite)
]
Detach = Annotated[bool, typer.Option("--detach", help="Begin, and do not wait for the end.")]


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
    letters = api.rows(PATH, {**wanted, "before": before})
    causes = api.get(f"{PATH}/causes", wanted)
    if as_json:
        print_json({"dead_letters": letters, "causes": causes})
        return
    heads = ("id", "died at", "receiver", "type", "attempts", "reason")
    columns = ("receiver", "message_type", "attempts", "reason")
    print_table(
        heads,
        [
            (each["id"], moment(each["ended_at"]), *(str(each[name]) for name in columns))
            for each in letters
        ],
    )
    told = ", ".join(f"{count} {cause}" for cause, count in causes.items())
    print(f"{sum(causes.values())} dead letters" + (f": {on_one_line(told)}" if told else ""))


def _change(action: str) -> Callable[..., None]:
    """The command that does this to the letters named, or to all that match the filters."""

    def change(
        ids: SomeIds = None,
        receiver: Receiver = "",
        type_name: Type = "",
        reason: Reason = "",
        since: Since = "",
        everything: Everything = False,
        per_second: PerSecond = 100.0,
        detach: Detach = False,
        as_json: AsJson = False,
        exchange: Exchange = "",
        key: Key = "",
    ) -> None:
        wanted = _one_of(ids, _filter(receiver, type_name, reason, since), everything)
        _do(action, Api(exchange, key), wanted, per_second, detach, as_json)

    return change


app.command(
    "resend",
    help="""Send dead letters again: those named, or all that match the filters, at a rate.

    A resend by a filter runs in the exchange, also when this command is interrupted; it passes
    over receivers that are failing or paused.
    """,
)(_change("resend"))
app.command(
    "skip",
    help="""Give dead letters up for good, so that what they hold up in their conversations goes on:
    those named, or all that match the filters, at a rate, in the exchange as a resend does.
    """,
)(_change("skip"))


@app.command("progress")
def progress(as_json: AsJson = False, exchange: Exchange = "", key: Key = "") -> None:
    """Show how far the resend or skip by a filter is that runs, or that ran last."""
    _show_job(Api(exchange, key).get(f"{PATH}/job"), as_json)


@app.command("stop")
def stop(as_json: AsJson = False, exchange: Exchange = "", key: Key = "") -> None:
    """Stop the resend or skip by a filter that runs; what it did stays done."""
    _show_job(Api(exchange, key).post(f"{PATH}/job/stop", {}), as_json)


def _one_of(ids: list[str] | None, wanted: dict[str, str], everything: bool) -> dict[str, Any]:
    """What is wanted, as the exchange is told: ids or a filter."""
    if bool(ids) == bool(wanted or everything):
        raise ApiError(
            "name ids, or a filter (--receiver, --type, --reason, --since), or --all: one of them"
        )
    return {"deliveries": ids} if ids else {"filter": wanted}


def _do(
    action: str, api: Api, wanted: dict[str, Any], per_second: float, detach: bool, as_json: bool
) -> None:
    if "deliveries" in wanted:
        _show_done(api.post(f"{PATH}/{action}", wanted), DONE[action], as_json)
        return
    job = api.post(f"{PATH}/{action}", {**wanted, "per_second": per_second})
    while job["state"] == "running" and not detach:
        time.sleep(LOOK_SECONDS)
        job = api.get(f"{PATH}/job")
    _show_job(job, as_json)


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
    done = f"{job['handled']} of {job['matched']} {DONE[job['action']]}"
    print(f"{job['state']}: {done}{left}{why}")
