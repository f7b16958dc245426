"""How far a proof of a ledger has come, in a file, so that it can be broken off and go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exchange.clocks import WallClock
from exchange.errors import LedgerError
from exchange.ports.verification import Check
from exchange.schemas.instants import instant

#: The first and the last id that an event can have.
FIRST, LAST = -(1 << 63), (1 << 63) - 1
#: How many events are proved in one view, and lost when the proof is broken off.
EVENTS = 100_000


class Part(BaseModel):
    """What a part of a proof found that was broken off later, and when (RFC 3339)."""

    model_config = ConfigDict(extra="forbid")

    checks: list[Check]
    ended_at: str


class Progress(BaseModel):
    """What was proved: all commits of events before `next_event`, the newest of each writer in
    `heads` (see `heads_file`), and the `parts` that have ended of a proof that has not.

    What was found broken in those commits stays in `checks`: they are not read again.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    next_event: int = Field(FIRST, ge=FIRST, le=LAST)
    last_position: int = Field(0, ge=0, le=LAST)
    proved_at: str = ""
    heads: list[Annotated[str, Field(pattern=r"^(\d{1,18} ){3}[0-9a-f]{32}$")]] = []
    checks: list[Check] = []
    parts: dict[str, Part] = {}


class ProgressFile:
    """A file that holds how far a proof has come. Without one (None) all is proved, in one piece."""

    def __init__(self, path: Path | None) -> None:
        """Read it; one that is not there is made.

        Raises:
            LedgerError: when it is none, or can't be read or written.
        """
        self._path = path
        #: How many events are proved between two writings (None: all).
        self.events = EVENTS if path else None
        self.progress = Progress()
        if path is None:
            return
        try:
            self.progress = Progress.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            self.write()
        except OSError as error:
            raise LedgerError(f"{path} can't be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = "/".join(map(str, first["loc"])) or "the file"
            raise LedgerError(
                f"{path} does not say how far a proof has come ({place}: {first['msg']}): name "
                "another file, or remove it to begin anew"
            ) from error

    def write(self) -> None:
        """Write it, durably; it is as it was or as it is now, whenever that ends.

        Raises:
            LedgerError: when that can't be done.
        """
        if self._path is None:
            return
        new = self._path.with_name(self._path.name + ".new")
        try:
            with new.open("w", encoding="utf-8") as file:
                file.write(self.progress.model_dump_json(indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self._path)
        except OSError as error:
            raise LedgerError(f"{self._path} can't be written: {error.strerror}") from error


def now() -> str:
    """The time, by this machine's clock."""
    return instant(WallClock().now())
