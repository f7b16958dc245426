"""`exchange partners list|pause|resume`: the partners of a running exchange as receivers."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from exchange.cli.api import Api, AsJson, Exchange, Key, moment, print_json
from exchange.cli.tables import print_table

PATH = "/api/v1/partners"

Partner = Annotated[str, typer.Argument(help="The partner's id in the directory.")]


def list_all(as_json: AsJson = False, exchange: Exchange = "", key: Key = "") -> None:
    """List the receivers that are, or ever were, failing or paused, that are full, or for which
    deliveries are held up behind dead letters. All others are up.
    """
    receivers = Api(exchange, key).rows(PATH)
    if as_json:
        print_json(receivers)
        return
    heads = ("receiver", "state", "since", "why", "next probe", "waiting", "held up")
    print_table(heads, [_row(each) for each in receivers])


def pause(
    partner: Partner,
    why: Annotated[str, typer.Option(help="Shown wherever the state is.")] = "",
    exchange: Exchange = "",
    key: Key = "",
) -> None:
    """Make no deliveries to a partner until it is resumed; what comes for it waits."""
    data = {"reason": why} if why else {}
    told = Api(exchange, key).post(f"{PATH}/{_path(partner)}/pause", data)
    print(f"{partner} is paused" + ("" if told["changed"] else " already"))


def resume(partner: Partner, exchange: Exchange = "", key: Key = "") -> None:
    """Make deliveries to a partner again, at once."""
    told = Api(exchange, key).post(f"{PATH}/{_path(partner)}/resume", {})
    print(f"{partner} is up" + ("" if told["changed"] else " already"))


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    state = each["state"] + (", full" if each["full"] else "")
    held_up = str(each["held_up"])
    if each["held_up"]:
        held_up = f"{held_up} (the oldest of {moment(each['held_up_oldest_at'])})"
    return (
        each["receiver"],
        state,
        moment(each["since"]),
        each["reason"],
        moment(each["next_probe_at"]),
        str(each["waiting"]),
        held_up,
    )


def _path(partner: str) -> str:
    """An id as a part of a path."""
    return quote(partner, safe="")
