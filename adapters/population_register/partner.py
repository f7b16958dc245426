"""The followers of the register as stubs: municipalities ask for changes each day and read page
after page; no code of the channel.
"""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from exchange.adapters.population_register import generate
from exchange.partners.stub import AtWill, Flow, Sending, Served, Situation
from exchange.schemas.call import JSON, Call, Reply
from exchange.schemas.directory import Directory, Partner

BASE = "/population-register/api/v1"
#: Where a message that was made elsewhere goes, by type.
SUBMITTED = {
    "population-register.changes-query": f"{BASE}/muutokset",
    "population-register.basic-data-query": f"{BASE}/perustiedot",
}
#: A follower asks on each working day (*modelled*: DVV asks for daily polls, at most two weeks
#: apart).
POLLS_A_YEAR = 250
#: Pages that are read one after the other, at most.
PAGES_MAX = 100
SECTORS = ("municipality", "helsinki")


def _call(partner: Partner, path: str, body: bytes) -> Call:
    coded = base64.b64encode(f"{partner.id}:{partner.key}".encode()).decode()
    headers = {"Authorization": f"Basic {coded}", "Accept": JSON, "Content-Type": JSON}
    return Call("POST", path, headers, body)


def _poll(partner: Partner, situation: Situation) -> Sending:
    day = datetime.datetime.fromtimestamp(situation.now / 1000, datetime.UTC).date()
    made = generate.changes_query(situation.rng, day, situation.serial)
    codes = json.loads(made.body)["hetulista"]
    return Sending(
        _call(partner, f"{BASE}/muutokset", made.body), partial(_next, partner, codes, PAGES_MAX)
    )


def _next(
    partner: Partner, codes: list[str], pages_left: int, reply: Reply, situation: Situation
) -> Sequence[Sending]:
    """The next page, until the register says that it told everything."""
    if reply.status != 200 or not pages_left:
        return ()
    page = json.loads(reply.body)
    if page["ajanTasalla"]:
        return ()
    asked = {"viimeisinKirjausavain": page["viimeisinKirjausavain"], "hetulista": codes}
    call = _call(partner, f"{BASE}/muutokset", json.dumps(asked).encode())
    return (Sending(call, partial(_next, partner, codes, pages_left - 1)),)


class Followers:
    """Who follows the register."""

    channel = "population-register"
    at_will: ClassVar[AtWill] = {"population-register.changes-query": _poll}

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """Each municipality's polls."""
        return [
            Flow(
                name=f"population-register.changes {each.id}",
                partner=each.id,
                message_type="population-register.changes-query",
                weight=POLLS_A_YEAR,
                make=partial(_poll, each),
            )
            for each in directory.in_sector(*SECTORS)
        ]

    def begin(self, directory: Directory, situation: Situation) -> Sequence[Sending]:
        """Nothing."""
        return ()

    def submit(
        self, partner: Partner, message_type: str, message_id: str, body: bytes, receiver: str
    ) -> Call:
        """A question to its address.

        Raises:
            ValueError: for what is no question.
        """
        if message_type not in SUBMITTED:
            raise ValueError(
                f"the population register takes no {message_type or 'message of unknown type'}: "
                f"{', '.join(SUBMITTED)}"
            )
        return _call(partner, SUBMITTED[message_type], body)

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        """The register calls nobody."""
        return None


STUB = Followers()
