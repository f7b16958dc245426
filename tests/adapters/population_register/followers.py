"""Two followers of the population register written as its public clients behave, with no code of
the product: one as eVaka (one list, recursion, the key stored when all pages are through), one as
Oppijanumerorekisteri (buckets, a gateway's signature, the key stored after each page).
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import aiohttp

Group = dict[str, Any]


class Killed(Exception):
    """The follower ended in the midst of its work."""


def never(page: int) -> bool:
    """Nobody kills it."""
    return False


@dataclass
class State:
    """What a follower has of each person: address, municipality, family name, day of death."""

    persons: dict[str, dict[str, Any]] = field(default_factory=dict)
    handled: int = 0
    #: How often each change was handled, by person, time and what it tells.
    told: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def handle(self, change: Group, blanks: bool = True) -> None:
        """Take a change over, field by field as the clients do."""
        assert change["muutospv"].endswith("Z"), "a time of UTC"
        person = self.persons.setdefault(change["henkilotunnus"], {})
        for group in change["tietoryhmat"]:
            handle(person, group, blanks)
        self.handled += 1
        told = crc32(json.dumps(change["tietoryhmat"]).encode())
        self.told[change["henkilotunnus"], change["muutospv"], told] += 1


def handle(person: dict[str, Any], group: Group, blanks: bool) -> None:
    """One group: what is in force is taken, what ended is not. A follower that blanks forgets where
    somebody lives when disclosure is restricted; another one does when it is told so by a list.
    """
    if "loppupv" in group or group.get("muutosattribuutti") in ("POISTETTU", "KORJATTAVA"):
        return
    match group["tietoryhma"]:
        case "VAKINAINEN_KOTIMAINEN_OSOITE" if "turvakiellonAlaisetKentat" in group:
            person.pop("address", None)
        case "VAKINAINEN_KOTIMAINEN_OSOITE":
            apartment = group["huoneistokirjain"], group["huoneistonumero"]
            person["address"] = (group["katunimi"]["fi"], group["katunumero"], *apartment)
        case "KOTIKUNTA" if "turvakiellonAlaisetKentat" in group:
            person.pop("municipality", None)
        case "KOTIKUNTA":
            day = datetime.date.fromisoformat(group["kuntaanMuuttopv"]["arvo"])
            person["municipality"] = (group["kuntakoodi"], day)
        case "HENKILON_NIMI":
            person["name"] = group["sukunimi"]
        case "KUOLINPAIVA" if group["kuollut"]:
            person["dead"] = group["kuolinpv"]["arvo"]
        case "KUOLINPAIVA":
            person.pop("dead", None)
        case "TURVAKIELTO" if group["turvakieltoAktiivinen"]:
            person["restricted"] = True
            if blanks:
                person.pop("address", None)
                person.pop("municipality", None)
        case "TURVAKIELTO":
            person.pop("restricted", None)


@dataclass
class Evaka:
    """A municipality's follower. `key` is what it keeps over runs."""

    session: aiohttp.ClientSession
    base: str
    user: str
    password: str
    key: str = ""
    state: State = field(default_factory=State)
    pages: int = 0
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    def headers(self) -> dict[str, str]:
        coded = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {
            "Accept": "application/json",
            "Authorization": f"Basic {coded}",
            "X-Road-Client": "FI-TEST/MUN/1234567-1/koe",
            "Content-Type": "application/json; charset=utf-8",
            "Accept-Encoding": "gzip",
            "User-Agent": "okhttp/4.12.0",
        }

    async def begin(self, day: str) -> None:
        """Ask for the first key by hand."""
        async with self.session.get(
            f"{self.base}/kirjausavain/{day}", headers=self.headers()
        ) as response:
            assert response.status == 200, await response.text()
            self.key = str(json.loads(await response.read())["viimeisinKirjausavain"])

    async def run(self, codes: Sequence[str], killed: Callable[[int], bool] = never) -> None:
        """One run: all pages, then all changes, then the new key."""
        changes: list[Group] = []
        key = await self._pages(self.key, codes, changes, killed)
        for change in changes:
            self.state.handle(change)
        if key != self.key:
            self.key = key

    async def _pages(
        self, key: str, codes: Sequence[str], changes: list[Group], killed: Callable[[int], bool]
    ) -> str:
        body = json.dumps(
            {"viimeisinKirjausavain": int(key), "hetulista": list(codes)}, separators=(",", ":")
        )
        page = await self._page(body)
        self.pages += 1
        if killed(self.pages):
            raise Killed
        changes += page["muutokset"]
        following = str(page["viimeisinKirjausavain"])
        if page["ajanTasalla"]:
            return following
        return await self._pages(following, codes, changes, killed)

    async def _page(self, body: str) -> Group:
        """A page; where it is told to wait for whole seconds, it does, five times."""
        for left in reversed(range(6)):
            async with self.session.post(
                f"{self.base}/muutokset", data=body, headers=self.headers()
            ) as response:
                if response.status != 429 or not left:
                    assert response.status == 200, await response.text()
                    found: Group = json.loads(await response.read())
                    return found
                wait = int(response.headers["Retry-After"])
            assert wait <= 600
            await self.pause(wait)
        raise AssertionError("the last answer is a page or an error")


@dataclass
class Oph:
    """A follower with buckets, of which some are empty; each has its own key."""

    session: aiohttp.ClientSession
    base: str
    user: str
    password: str
    keys: dict[int, int] = field(default_factory=dict)
    state: State = field(default_factory=State)
    pages: int = 0
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    #: Called when the key of a page is to be kept.
    keep: Callable[[], None] = lambda: None

    def headers(self) -> dict[str, str]:
        coded = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "x-authorization": f"Basic {coded}",
            "x-road-client": "FI-TEST/GOV/2769790-1/vtj-koe-client",
            "X-Amz-Date": "20261120T080000Z",
            "Authorization": "AWS4-HMAC-SHA256 Credential=koe/20261120/eu-west-1/execute-api",
        }

    async def run(
        self, buckets: Sequence[Sequence[str]], day: str, killed: Callable[[int], bool] = never
    ) -> None:
        """Every bucket in turn; the key is kept after each page."""
        for number, codes in enumerate(buckets):
            if number not in self.keys:
                async with self.session.get(
                    f"{self.base}/kirjausavain/{day}", headers=self.headers()
                ) as response:
                    self.keys[number] = json.loads(await response.read())["viimeisinKirjausavain"]
            while not await self._page(number, codes, killed):
                pass

    async def _page(self, number: int, codes: Sequence[str], killed: Callable[[int], bool]) -> bool:
        body = json.dumps({"viimeisinKirjausavain": self.keys[number], "hetulista": list(codes)})

        page = await self._asked(body)
        self.pages += 1
        for change in page["muutokset"]:
            self.state.handle(change, blanks=False)
        if killed(self.pages):
            raise Killed
        self.keys[number] = page["viimeisinKirjausavain"]
        self.keep()
        return bool(page["ajanTasalla"])

    async def _asked(self, body: str) -> Group:
        """A page; after 429, 500 and 502 it pauses, and asks three times in all."""

        async def chunks() -> AsyncIterator[bytes]:
            yield body.encode()

        for left in reversed(range(3)):
            async with self.session.post(
                f"{self.base}/muutokset", data=chunks(), headers=self.headers()
            ) as response:
                if response.status not in (429, 500, 502) or not left:
                    assert response.status == 200, await response.text()
                    found: Group = json.loads(await response.read())
                    return found
            await self.pause(15.0)
        raise AssertionError("the last answer is a page or an error")
