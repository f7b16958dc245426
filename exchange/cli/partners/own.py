"""`exchange partners check|add|show|rotate|remove`: partners of one's own, in a file or added to a
running exchange.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from exchange import discovery
from exchange.assembly import directory_of
from exchange.cli.api import Api, AsJson, Exchange, Key, print_json
from exchange.cli.partners.own_samples import OwnSamples, curl
from exchange.cli.tables import print_table
from exchange.errors import ExchangeError
from exchange.schemas.directory import DEFAULT_PATH, SECTORS
from exchange.schemas.directory import load as load_directory
from exchange.settings import load

PATH = "/api/v1/partners"

Id = Annotated[str, typer.Argument(help="The partner's id.")]


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files to add to the directory; those of the settings when none."),
    ] = None,
) -> None:
    """Say whether files of partners can be added to the directory, and whom they add."""
    settings = load()
    before = load_directory(settings.partners.directory or DEFAULT_PATH)
    if files:
        everybody = load_directory(settings.partners.directory or DEFAULT_PATH, files)
    else:
        everybody = directory_of(settings)
    more = [partner for partner in everybody if before.get(partner.id) is None]
    heads = ("id", "sector", "delivery", "address", "played by a stub")
    rows = [
        (each.id, each.sector, each.delivery, each.url, "yes" if each.is_played else "no")
        for each in more
    ]
    print_table(heads, rows)
    print(f"{len(everybody)} partners, {len(more)} of them added: all right")


def add(
    partner: Id,
    sector: Annotated[str, typer.Option(help=f"One of {', '.join(SECTORS)}.")],
    url: Annotated[
        str, typer.Option(help="Where it is called; without one it has a mailbox.")
    ] = "",
    name: Annotated[str, typer.Option(help="Its name.", show_default="its id")] = "",
    delivery: Annotated[
        str, typer.Option(help="push or mailbox.", show_default="push where there is a url")
    ] = "",
    business_id: Annotated[str, typer.Option(help="Its business id.")] = "",
    eessi_id: Annotated[str, typer.Option(help="Its EESSI id, as FI:1234567890.")] = "",
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-2.", show_default="FI")] = "",
    as_json: AsJson = False,
    exchange: Exchange = "",
    key: Key = "",
) -> None:
    """Add a partner to a running exchange, at once and for as long as its ledger lasts; its key and
    callback secret are shown once.
    """
    given = {
        "id": partner,
        "sector": sector,
        "url": url,
        "name": name,
        "delivery": delivery,
        "business_id": business_id,
        "eessi_id": eessi_id,
        "country": country,
    }
    told = Api(exchange, key).post(PATH, {name: each for name, each in given.items() if each})
    _tell(told, as_json)


def rotate(
    partner: Id,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="The key before it counts no longer.")
    ] = False,
    as_json: AsJson = False,
    exchange: Exchange = "",
    key: Key = "",
) -> None:
    """Give an added partner another key, shown once; the one before it counts until the next
    rotation.
    """
    path = f"{PATH}/{quote(partner, safe='')}/rotate"
    _tell(Api(exchange, key).post(path, {"at_once": at_once}), as_json)


def remove(partner: Id, as_json: AsJson = False, exchange: Exchange = "", key: Key = "") -> None:
    """Remove an added partner: its keys open nothing any more, what waits for it waits until its
    deadline; its messages and counts stay.
    """
    told = Api(exchange, key).post(f"{PATH}/{quote(partner, safe='')}/remove", {})
    if as_json:
        print_json(told)
    else:
        print(f"removed: {told['id']}")


def show(partner: Id, as_json: AsJson = False, exchange: Exchange = "", key: Key = "") -> None:
    """Show a partner of a running exchange and what it may send and receive, each with a line that
    does it; the partner's key is the shell's KEY.
    """
    api = Api(exchange, key)
    told = api.get(f"{PATH}/{quote(partner, safe='')}")
    if as_json:
        print_json(told)
        return
    facts = [
        told["id"],
        told["sector"],
        told["business_id"],
        told["eessi_id"],
        told["url"] or told["delivery"],
        "played by a stub" if told["played"] else "plays itself",
    ]
    print(", ".join(fact for fact in facts if fact))
    for each in told["channels"]:
        for message_type in each["sends"]:
            print(f"\n# {each['channel']}: sends {message_type}")
            print(_sending(partner, message_type, exchange, api.address))
        for message_type in each["receives"]:
            print(f"\n# {each['channel']}: receives {message_type}")
            print(_receiving(told, each, api.address))


def _sending(partner: str, message_type: str, exchange: str, address: str) -> str:
    """The line that sends a message of the type; why there is none where it needs another one."""
    try:
        (call,) = OwnSamples.named(partner, exchange=exchange).calls(message_type, 1, 1)
    except (typer.BadParameter, ExchangeError) as error:
        return f"# no sample: {str(error).splitlines()[0]}"
    at = f" --exchange {exchange}" if exchange else ""
    line = curl(call, "-", address, fresh=True)
    return f"exchange samples {message_type} --from {partner}{at} --out - | {line}"


def _receiving(told: dict[str, Any], channel: dict[str, Any], address: str) -> str:
    """The line that fetches what comes, or where it is pushed."""
    if channel["mailbox"]:
        paths = (end.path for each in discovery.channels().values() for end in each.endpoints)
        mailbox = next(path for path in paths if path.endswith("/mailbox"))
        return f'curl --silent {address}{mailbox} -H "X-API-Key: $KEY"'
    if not told["url"]:
        return "# pushed, and the partner has no address: it needs a url"
    return "\n".join(f"# POST {told['url'].rstrip('/')}{path}" for path in channel["pushes"])


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    print(f"key (shown once): {told['key']}")
    if "callback_secret" in told:
        print(f"callback secret (shown once): {told['callback_secret']}")
