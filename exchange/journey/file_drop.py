"""The folders in which partners leave files and fetch what is for them: a watch, the same for every
channel that has a `FileDrop`.

Each partner has a folder, as it has an SFTP account: `in` (it writes), `feedback` and `out` (it
reads and deletes). A file is taken when its name fits and it has not changed for `QUIET_SECONDS`;
its feedback lies there before the file leaves `in`, so that after a crash in between it is taken
again and is a duplicate. What lies there unchanged for `UNFIT_SECONDS` and is never taken is told,
once, by `NAME.rejected` in `feedback`, is counted as rejected, and stays where it is. Names that
begin with a dot are the sender's own business. No link is followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import structlog

from exchange.errors import Full, LedgerError
from exchange.ports import Desk, Inbound, Watch
from exchange.ports.files import FileDrop
from exchange.schemas import guard
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Violation

log = structlog.get_logger(__name__)

#: Files of one partner taken in one round, so that none waits for another's heap.
FILES_A_ROUND = 20
EVERY_SECONDS = 2.0
#: After so long without a change a file is not being written any more, under a name that fits and
#: under another one, which may be there to be renamed.
QUIET_SECONDS, UNFIT_SECONDS = 2.0, 60.0
#: Files that lie in `out` at most: who fetches none finds the rest in its mailbox.
OUT_FILES_MAX = 1_000
LEASE_SECONDS, LEASE_MOST = 300.0, 20
REJECTED = ".rejected"
#: The longest name that file systems take, in bytes.
NAME_BYTES_MAX = 255
IN, OUT, FEEDBACK = "in", "out", "feedback"


class Folders:
    """The partners' folders of one channel. A file larger than `bytes_max`, or than its partner may
    send, is refused unread.
    """

    def __init__(self, drop: FileDrop, bytes_max: int) -> None:
        self._drop = drop
        self._bytes_max = bytes_max
        #: By partner, what waits until there is room for it, and what was told already.
        self._full: dict[str, set[str]] = {}
        self._told: dict[str, set[tuple[str, int]]] = {}

    def watch(self) -> Watch:
        """Looks into them again and again."""
        return Watch("files", EVERY_SECONDS, self.round)

    async def round(self, desk: Desk) -> None:
        """Every partner's files, oldest first, then what waits for it."""
        if desk.folder is None:
            return
        for partner in desk.directory:
            own = desk.folder / partner.id
            try:
                if await asyncio.to_thread(_completed, own):
                    await self._take_all(own, partner, desk)
                    await self._tell_all(own, partner, desk)
                    await self._lay_out(own / OUT, partner, desk)
            except OSError as error:  # (Nobody's folder keeps others from theirs.)
                log.warning("files not exchanged", partner=partner.id, why=error.strerror)

    async def _take_all(self, own: Path, partner: Partner, desk: Desk) -> None:
        """Whoever is full, others are not: a file for whom there is no room stays where it is, and
        is tried again when all others were.
        """
        waiting = await asyncio.to_thread(self._waiting, own / IN, desk.now() / 1000)
        full = self._full.setdefault(partner.id, set())
        if full.issuperset(path.name for path in waiting):
            full.clear()
        for path in [each for each in waiting if each.name not in full][:FILES_A_ROUND]:
            try:
                await self._take(path, partner, desk)
            except Full:
                full.add(path.name)
            except FileNotFoundError:  # its sender took it back
                continue
            except LedgerError:
                raise
            except Exception:  # (One that can't be read keeps no other from being taken.)
                log.exception("file not taken", partner=partner.id)
                full.add(path.name)

    async def _take(self, path: Path, partner: Partner, desk: Desk) -> None:
        drop = self._drop
        most = min(self._bytes_max, partner.body_bytes_max or self._bytes_max)
        body, version = await asyncio.to_thread(_read, path, most)
        if version is None:
            return  # it changes, and is taken when it has not for a while
        if body is None:
            expected = f"at most {most} bytes"
            told = Violation("call.body-size", "the file is too large", expected=expected)
            await desk.refuse(Inbound(partner, b"", "", drop.endpoint), "too-large", [told])
            content = drop.refuse(told, desk.now())
        else:
            content = await drop.take(path.name, body, partner, desk)
        feedback = path.parent.parent / FEEDBACK / _named(path.name, drop.feedback_suffix)
        await asyncio.to_thread(_write, feedback, content)
        await asyncio.to_thread(_remove, path, version)

    async def _tell_all(self, own: Path, partner: Partner, desk: Desk) -> None:
        """Say of files that their names, or what they are, keep them from being taken."""
        unfit = await asyncio.to_thread(self._unfit, own / IN, desk.now() / 1000)
        told = self._told.get(partner.id, set()) & set(unfit)
        self._told[partner.id] = told
        for each in [each for each in unfit if each not in told][:FILES_A_ROUND]:
            note = own / FEEDBACK / _named(each[0], REJECTED)
            if not await asyncio.to_thread(os.path.lexists, note):
                why = f"not taken: {self._drop.form}"
                # (The name itself is not repeated: it may be anything, a person's code too.)
                violation = Violation(self._drop.rule, why, expected=self._drop.form)
                unread = Inbound(partner, b"", "", self._drop.endpoint)
                await desk.refuse(unread, "file-name", [violation])
                await asyncio.to_thread(_write, note, f"{why}\n".encode())
            told.add(each)

    async def _lay_out(self, folder: Path, partner: Partner, desk: Desk) -> None:
        """Write what waits in the partner's mailbox as files, each whole before it has its name."""
        room = OUT_FILES_MAX - await asyncio.to_thread(lambda: len(os.listdir(folder)))
        if room <= 0:
            return
        leased = await desk.lease(partner.id, min(room, LEASE_MOST), LEASE_SECONDS)
        for each in leased:
            name = f"{each.envelope.public_id}{self._drop.letter_suffix}"
            await asyncio.to_thread(_write, folder / name, self._drop.letter(each))
        if leased:
            await desk.acknowledge(partner.id, [each.hold for each in leased])

    def _waiting(self, folder: Path, now: float) -> list[Path]:
        """Files that are taken, by the time at which they came in whole."""
        found = [
            (told.st_mtime_ns, entry.path)
            for entry, told in _entries(folder)
            if self._fits(entry.name, told) and not 0 <= now - told.st_mtime < QUIET_SECONDS
        ]
        return [Path(path) for _, path in sorted(found)]

    def _unfit(self, folder: Path, now: float) -> list[tuple[str, int]]:
        """Names, and times of the last change, of what is never taken and is not being written."""
        return [
            (entry.name, told.st_mtime_ns)
            for entry, told in _entries(folder)
            if not self._fits(entry.name, told) and not 0 <= now - told.st_mtime < UNFIT_SECONDS
        ]

    def _fits(self, name: str, told: os.stat_result) -> bool:
        return stat.S_ISREG(told.st_mode) and self._drop.names.fullmatch(name) is not None


def _completed(own: Path) -> bool:
    """Whether the partner has a folder, now complete.

    Raises:
        OSError: when a folder in it is none, or a link.
    """
    if not own.is_dir():
        return False
    for name in (IN, OUT, FEEDBACK):
        (own / name).mkdir(exist_ok=True)
        if (own / name).is_symlink():
            raise NotADirectoryError(0, f"{name} is a link")
    return True


def _entries(folder: Path) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
    """What lies in a folder, each with what it is itself; nothing hidden."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                with contextlib.suppress(FileNotFoundError):
                    yield entry, entry.stat(follow_symlinks=False)


def _named(name: str, suffix: str) -> str:
    """The name of what is told of a file: its own with a suffix; a digest stands for one that
    leaves no room for more or may name a living person.
    """
    encoded = os.fsencode(name)
    plain = len(encoded) + len(suffix) <= NAME_BYTES_MAX and not guard.in_text(name)
    return f"{name if plain else hashlib.sha256(encoded).hexdigest()}{suffix}"


def _version(told: os.stat_result) -> tuple[int, int, int]:
    return told.st_ino, told.st_mtime_ns, told.st_size


def _read(path: Path, most: int) -> tuple[bytes | None, tuple[int, int, int] | None]:
    """The file's bytes (None when they are more than `most`) and what tells it from a later one
    under its name (None when it changes while it is read).

    Raises:
        OSError: when it can't be read, or is no file any more.
    """
    # (A pipe that took the file's place would keep whoever opens it waiting.)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise FileNotFoundError
        body = file.read(most + 1) if before.st_size <= most else None
        if _version(os.fstat(descriptor)) != _version(before):
            return None, None
    return body, _version(before)


def _remove(path: Path, version: tuple[int, int, int]) -> None:
    """The file that was read; a later one that has taken its place stays."""
    with contextlib.suppress(FileNotFoundError):
        if _version(path.lstat()) == version:
            path.unlink()


def _write(path: Path, content: bytes) -> None:
    """A whole file or none, also after a crash."""
    # (Under a short name, for the file's own may be as long as one can be; made anew, for somebody
    # may have put a link there.)
    part = path.with_name(f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]}.part")
    part.unlink(missing_ok=True)
    with part.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
