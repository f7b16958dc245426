"""Folders of simulated years: what determines each run, how far it is, and what it counted; reads
and writes their files and counts nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from exchange.publication.comparison import Counted, counted

#: In the folder of a run: what determines it, its ledgers, how far it is, and all that it counted
#: (there when it is done).
RUN, LEDGERS, PROGRESS, STATISTICS = "run.json", "ledgers", "progress.json", "statistics.json"
#: A run without a change beside one with it stand in a folder of these two.
WITHOUT, WITH = "without", "with"
#: Runs that are found in a folder, the newest, and entries of it that are looked at.
RUNS_MAX, ENTRIES_MAX = 100, 2_000
#: What one of the small files, and the statistics, may hold; larger ones are somebody else's.
SMALL_BYTES_MAX, STATISTICS_BYTES_MAX = 64 << 10, 64 << 20


class Told(BaseModel):
    """How far a run is: `at` and when it is expected to end (RFC 3339), the date that was lived
    last, days of its shards, and calls and items of them since it was started last.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    at: str
    date: str
    days: int = Field(ge=0)
    days_in_all: int = Field(gt=0)
    messages: int = Field(ge=0)
    items: int = Field(ge=0)
    ends_at: str | None


class What(BaseModel):
    """What determines a run, as `run.json` says it."""

    model_config = ConfigDict(frozen=True)

    year: int
    scale: str
    seed: int
    what_if: tuple[str, ...] = ()
    faults: tuple[dict[str, Any], ...] = ()
    days: tuple[str, ...] = ()


class FoundRun(NamedTuple):
    """A run: its name (its path in the folder), and how far it is (None: nothing is told)."""

    name: str
    what: What
    is_done: bool
    told: Told | None


def tell(folder: Path, told: Told) -> None:
    """Write how far the run of a folder is; whoever reads meanwhile sees the last time's.

    Raises:
        OSError: when it can't be written.
    """
    path = folder / PROGRESS
    written = path.with_suffix(".new")
    written.write_text(told.model_dump_json() + "\n", encoding="utf-8")
    os.replace(written, path)


def find_runs(folder: Path) -> list[FoundRun]:
    """The runs of a folder, the newest first, that without a change before that with it; what is no
    run is passed over.
    """
    groups = []
    for name in _folders(folder):
        paths = [Path(name), Path(name, WITHOUT), Path(name, WITH)]
        runs = [run for path in paths if (run := _found(folder, path)) is not None]
        if runs:
            groups.append((max(at for at, _ in runs), name, [run for _, run in runs]))
    groups.sort(key=lambda each: (-each[0], each[1]))
    return [run for _, _, runs in groups for run in runs][:RUNS_MAX]


def read_counted(folder: Path, run: FoundRun) -> Counted:
    """What a run counted.

    Raises:
        ValueError: when its statistics can't be read.
    """
    try:
        return counted(_read(folder / run.name / STATISTICS, STATISTICS_BYTES_MAX))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{run.name}/{STATISTICS} is no report of statistics") from error


def _folders(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (
                each.name
                for each in islice(entries, ENTRIES_MAX)
                if each.is_dir(follow_symlinks=False)
            )
    except OSError:
        return


def _found(folder: Path, path: Path) -> tuple[float, FoundRun] | None:
    """When a run was begun, and the run; None where there is none."""
    own = folder / path
    try:
        what = What.model_validate(_read(own / RUN, SMALL_BYTES_MAX))
        begun = (own / RUN).stat().st_mtime
    except (OSError, ValueError, RecursionError):
        return None
    try:
        told = Told.model_validate(_read(own / PROGRESS, SMALL_BYTES_MAX))
    except (OSError, ValueError, RecursionError):
        told = None
    return begun, FoundRun(path.as_posix(), what, (own / STATISTICS).is_file(), told)


def _read(path: Path, most: int) -> Any:
    """The JSON of a file, of which no more than so many bytes are read."""
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path.name} has more than {most} bytes")
    return json.loads(content)
