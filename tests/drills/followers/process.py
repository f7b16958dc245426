"""One run of a follower of the population register as a process that may be killed at any moment:
what it keeps between runs is a file, which it changes in whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
from pathlib import Path
from typing import Any

import aiohttp

from exchange.lifetime import end_with
from tests.adapters.population_register.followers import Evaka, Oph, State

#: Buckets of a follower that has some; the last one is empty.
BUCKETS = 5


class Files:
    """What a follower keeps, and whom it follows."""

    def __init__(self, path: Path, codes: Path) -> None:
        self._path = path
        self._codes = codes

    def kept(self) -> dict[str, Any]:
        """What the run before left."""
        found: dict[str, Any] = pickle.loads(self._path.read_bytes()) if self._path.exists() else {}
        return found

    def listed(self) -> list[str]:
        """Identity codes."""
        found: list[str] = json.loads(self._codes.read_text())
        return found

    def keep(self, values: dict[str, Any]) -> None:
        """Change the file in whole."""
        beside = self._path.with_suffix(".new")
        beside.write_bytes(pickle.dumps(values))
        os.replace(beside, self._path)


async def run(kind: str, base: str, user: str, key: str, files: Files, day: str) -> None:
    """Follow until the register says that this is all, and keep what is to be kept."""
    kept, codes = files.kept(), files.listed()
    state = kept.get("state", State())

    def keep(**values: Any) -> None:
        files.keep({"state": state, **values})

    async with aiohttp.ClientSession() as session:
        if kind == "evaka":
            evaka = Evaka(session, base, user, key, kept.get("key", ""), state)
            if not evaka.key:
                await evaka.begin(day)
                keep(key=evaka.key)
            await evaka.run(codes)
            keep(key=evaka.key)
            return
        oph = Oph(session, base, user, key, kept.get("keys", {}), state)
        oph.keep = lambda: keep(keys=oph.keys)
        buckets = [codes[number :: BUCKETS - 1] for number in range(BUCKETS - 1)]
        await oph.run([*buckets, []], day)


def follow(kind: str, base: str, user: str, key: str, path: str, codes: str, day: str) -> None:
    """One run: `kind` is evaka or oph, `path` the file of what is kept, `codes` that of whom it
    follows, `day` where it begins.
    """
    end_with(os.getppid())
    asyncio.run(run(kind, base, user, key, Files(Path(path), Path(codes)), day))
