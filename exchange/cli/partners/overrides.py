"""`exchange stubs`: what the stubs of a running exchange answer in the place of their own answers;
what an override is lives in `partners.overrides`.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from exchange.cli.api import Api, AsJson, Exchange, Key, print_json
from exchange.cli.options import finite
from exchange.cli.tables import print_table
from exchange.schemas.violation import on_one_line

PATH = "/api/v1/stubs"

app = typer.Typer(no_args_is_help=True, help="See and change what the stubs answer while they run.")


@app.command("set")
def set_one(
    partner: Annotated[
        str, typer.Option(help="Calls to this partner, this sector, or * for all.")
    ] = "*",
    message_type: Annotated[str, typer.Option("--type", help="Only this message type.")] = "",
    person: Annotated[
        str, typer.Option(help="Only messages with this personal identity code.")
    ] = "",
    first: Annotated[int, typer.Option(help="From the n-th such call on.", min=1)] = 1,
    times: Annotated[int, typer.Option(help="So many calls; 0: all.", min=0)] = 0,
    state: Annotated[
        str, typer.Option(help="Only while the partner is in this state (at first: start).")
    ] = "",
    then_state: Annotated[str, typer.Option(help="The partner's state from then on.")] = "",
    priority: Annotated[
        int, typer.Option(help="Of several the highest is met, then the newest.")
    ] = 0,
    status: Annotated[int, typer.Option(help="Answer with this status.", min=0, max=599)] = 0,
    body: Annotated[str, typer.Option(help="And with this body.")] = "",
    body_file: Annotated[
        Path | None,
        typer.Option(help="Or with the body in this file.", exists=True, dir_okay=False),
    ] = None,
    content_type: Annotated[str, typer.Option(help="The body's media type.")] = "",
    fault: Annotated[
        str, typer.Option(help="Or misbehave: refuse, down, twice, garbage, drop.")
    ] = "",
    delay: Annotated[
        float, typer.Option(help="Seconds before the answer.", min=0, callback=finite)
    ] = 0.0,
    override_id: Annotated[
        str,
        typer.Option(
            "--id", help="Its id; one with the same id is replaced.", show_default="a new one"
        ),
    ] = "",
    exchange: Exchange = "",
    key: Key = "",
) -> None:
    """Let calls to partners be answered otherwise, from the next one on."""
    given = {
        "partner": partner,
        "message_type": message_type,
        "person": person,
        "first": first,
        "times": times,
        "state": state,
        "then_state": then_state,
        "priority": priority,
        "status": status,
        "body": body_file.read_text(encoding="utf-8") if body_file else body,
        "content_type": content_type,
        "fault": fault,
        "delay_seconds": delay,
    }
    said = {name: each for name, each in given.items() if each}
    told = Api(exchange, key).post(
        f"{PATH}/overrides", {"id": override_id or uuid.uuid4().hex[:8], **said}
    )
    print(told["id"])


@app.command("list")
def list_all(as_json: AsJson = False, exchange: Exchange = "", key: Key = "") -> None:
    """List what stands, in the order in which calls are looked at."""
    standing = Api(exchange, key).rows(f"{PATH}/overrides")
    if as_json:
        print_json(standing)
        return
    heads = ("id", "calls to", "type", "which", "answer", "alike so far")
    rows = [
        (
            each["id"],
            each["partner"],
            each["message_type"],
            _which(each),
            _answer(each),
            str(each["alike"]),
        )
        for each in standing
    ]
    print_table(heads, rows)


@app.command("remove")
def remove(
    override_id: Annotated[str, typer.Argument(metavar="[ID]", help="Which; or --all.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="All, and partners are in their first state again.")
    ] = False,
    exchange: Exchange = "",
    key: Key = "",
) -> None:
    """Let stubs give their own answers again."""
    if bool(override_id) == everything:
        raise typer.BadParameter("name an override, or --all", param_hint="ID")
    data: dict[str, Any] = {"all": True} if everything else {"id": override_id}
    told = Api(exchange, key).post(f"{PATH}/overrides/remove", data)
    print(f"{told['removed']} removed")


@app.command("calls")
def calls(
    partner: Annotated[str, typer.Option(help="Only calls to this partner.")] = "",
    as_json: AsJson = False,
    exchange: Exchange = "",
    key: Key = "",
) -> None:
    """Tell of the latest calls, the newest first: which override each met, and why no other."""
    told = Api(exchange, key).rows(f"{PATH}/calls", {"partner": partner})
    if as_json:
        print_json(told)
        return
    for each in told:
        met = f"met {each['met']}" if each["met"] else "met none"
        print(
            f"{each['number']}: {each['message_type'] or each['path']} to {each['partner']}: {met}"
        )
        for override, why in each["not_met"].items():
            print(f"    not {override}: {on_one_line(why)}")


def _which(override: dict[str, Any]) -> str:
    """Which of the calls, in words."""
    last = override["first"] + override["times"] - 1
    turn = f"{override['first']}-{last}" if override["times"] else f"{override['first']} and on"
    state = f", in state {override['state']}" if override["state"] else ""
    return turn + state + (", of one person" if override["person"] else "")


def _answer(override: dict[str, Any]) -> str:
    what = str(override["status"] or override["fault"] or "its own")
    return what + (f" after {override['delay_seconds']:g} s" if override["delay_seconds"] else "")
