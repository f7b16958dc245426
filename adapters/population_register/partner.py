"""The followers of the register as stubs: Kela and the municipalities ask for changes on each
working day and read page after page; no code of the channel.
"""

from __future__ import annotations

import base64
import datetime
import json
import random
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from exchange.adapters.population_register import generate
from exchange.partners.stub import AtWill, Flow, Sending, Served, Situation
from exchange.schemas.call import JSON, XML, Call, Reply
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.persons import single_changes
from exchange.schemas.persons.reported_deaths import TOLD
from exchange.schemas.population.change_kinds import deaths

BASE = "/population-register/api/v1"
#: Where a message that was made elsewhere goes, by type.
SUBMITTED = {
    "population-register.changes-query": f"{BASE}/muutokset",
    "population-register.basic-data-query": f"{BASE}/perustiedot",
    "population-register.person-query": "/population-register/vtjkysely",
}
#: A follower asks on each working day (*modelled*: DVV asks for daily polls, at most two weeks
#: apart).
POLLS_A_YEAR = 250
#: Pages that are read one after the other, at most.
PAGES_MAX = 100
SECTORS = ("municipality", "helsinki")
#: Which of Kela's systems follows.
KELA = "core-data"
#: Changes of 2024 (Kela, statistics of information exchange).
CHANGES_2024 = {
    single_changes.BIRTH: 43_725,
    single_changes.DEATH: 81_410,
    single_changes.ADDRESS: 1_533_116,
    single_changes.REGISTRATION: 87_816,
}
#: Fewest and most persons of a list that Kela follows (*modelled*: Kela's own lists are not public;
#: another public follower has a hundred of them).
PERSONS = {
    single_changes.BIRTH: (1, 5),
    single_changes.DEATH: (1, 5),
    single_changes.ADDRESS: (1, 19),
    single_changes.REGISTRATION: (1, 5),
}
#: Days before the working day before from which on a list is followed at most: as many more as it
#: takes until there are changes that are in no list.
_EARLIER_DAYS, _EARLIER_DAYS_MAX = 7, 350
_SATURDAY = 5


def _call(partner: Partner, path: str, body: bytes, kind: str = JSON) -> Call:
    coded = base64.b64encode(f"{partner.id}:{partner.key}".encode()).decode()
    headers = {"Authorization": f"Basic {coded}", "Accept": kind, "Content-Type": kind}
    return Call("POST", path, headers, body)


class _Kela:
    """Kela as a follower: its lists of persons, no two of which share a change."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Nothing stands in a list."""
        self._lists = single_changes.Lists()
        #: By kind and day, from which day on there are changes in no list.
        self._since: dict[tuple[str, datetime.date], datetime.date] = {}

    def flows(self, directory: Directory) -> list[Flow]:
        """Lists by what each is told of on a day: who gets an address with the first registration
        counts among the changes of address already.
        """
        kela = directory.serving(KELA)
        if kela is None:
            return []
        changes = dict(CHANGES_2024)
        changes[single_changes.ADDRESS] -= changes[single_changes.REGISTRATION]
        return [
            Flow(
                name=f"population-register.{kind} {kela.id}",
                partner=kela.id,
                message_type="population-register.changes-query",
                weight=count * 2 / sum(PERSONS[kind]),
                make=partial(self._follow, kela, kind),
            )
            for kind, count in changes.items()
        ]

    def _follow(self, kela: Partner, kind: str, situation: Situation) -> Sending:
        """What is asked of a list with the key of the working day before, or of an earlier one
        where all that was written down since is in lists.
        """
        count = situation.wanted("population-register.changes-query")
        count = situation.rng.randint(*PERSONS[kind]) if count is None else count
        since, codes = self._list(situation.rng, kind, _today(situation), count)
        document = {"viimeisinKirjausavain": generate.key_of(since), "hetulista": codes}
        call = _call(kela, f"{BASE}/muutokset", json.dumps(document).encode())
        return Sending(call, partial(_next, kela, codes, PAGES_MAX), items=count)

    def _list(
        self, rng: random.Random, kind: str, day: datetime.date, count: int
    ) -> tuple[datetime.date, list[str]]:
        if (kind, day) not in self._since:
            self._since = {key: since for key, since in self._since.items() if key[1] == day}
            self._since[kind, day] = _working_day_before(day)
        while True:
            since, codes = self._since[kind, day], dict[str, None]()
            try:
                while len(codes) < count:
                    life = single_changes.followed(rng, kind, since, day, self._lists)
                    codes[life.code_on(day.toordinal())] = None
                return since, list(codes)
            except LookupError:
                # Fewer changes were written down since than are asked for.
                self._since[kind, day] -= datetime.timedelta(days=_EARLIER_DAYS)
                if (day - since).days > _EARLIER_DAYS_MAX:
                    self.begin()
                    self._since[kind, day] = _working_day_before(day)


def _working_day_before(day: datetime.date) -> datetime.date:
    before = day - datetime.timedelta(days=1)
    while before.weekday() >= _SATURDAY:
        before -= datetime.timedelta(days=1)
    return before


def _today(situation: Situation) -> datetime.date:
    return datetime.datetime.fromtimestamp(situation.now / 1000, datetime.UTC).date()


def _poll(partner: Partner, situation: Situation) -> Sending:
    made = generate.changes_query(situation.rng, _today(situation), situation.serial)
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
    if partner.sector == "kela":
        for code, day in deaths(page):
            TOLD.tell(code, day)
    if page["ajanTasalla"]:
        return ()
    asked = {"viimeisinKirjausavain": page["viimeisinKirjausavain"], "hetulista": codes}
    call = _call(partner, f"{BASE}/muutokset", json.dumps(asked).encode())
    return (Sending(call, partial(_next, partner, codes, pages_left - 1)),)


class Followers:
    """Who follows the register."""

    channel = "population-register"
    at_will: ClassVar[AtWill] = {"population-register.changes-query": _poll}

    def __init__(self) -> None:
        self._kela = _Kela()

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """Each municipality's polls, and Kela's by what it is told."""
        return self._kela.flows(directory) + [
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
        """Nothing; lists are made anew."""
        self._kela.begin()
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
        kind = XML if body.lstrip()[:1] == b"<" else JSON
        return _call(partner, SUBMITTED[message_type], body, kind)

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        """The register calls nobody."""
        return None


STUB = Followers()
