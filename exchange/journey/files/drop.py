"""The folders in which partners leave files and fetch what is for them: a watch, the same for every
channel that has a `FileDrop`.

Each partner has a folder, as it has an SFTP account: `in` (it writes), `feedback` and `out` (it
reads and deletes). Which files are taken, and when, is told by `listing`. A file's feedback
lies there before the file leaves `in`, so that after a crash in between it is taken again and is a
duplicate. What is never taken is told, once, by `NAME.rejected` in `feedback`, is counted as
rejected, and stays where it is. No link is followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
from itertools import islice
from pathlib import Path

import structlog

from exchange.errors import Full, LedgerError
from exchange.journey.files.listing import Entry, FileListing, Version, version_of
from exchange.ports import Desk, Inbound, Watch
from exchange.ports.files import FileDrop
from exchange.schemas import guard
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Violation

log = structlog.get_logger(__name__)

#: Files of one partner taken in its turn, so that none waits for another's heap.
FILES_A_TURN = 20
EVERY_SECONDS = 2.0
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
        self._listings: dict[str, FileListing] = {}

    def watch(self) -> Watch:
        """Looks into them again and again."""
        return Watch("files", EVERY_SECONDS, self.round)

    async def round(self, desk: Desk) -> None:
        """Every partner's files, oldest first, then what waits for it, in turns until nobody has
        any more.
        """
        if desk.folder is None:
            return
        folder, moved = desk.folder, True
        while moved:
            moved = False
            for partner in desk.directory:
                try:
                    moved |= await self._turn(folder / partner.id, partner, desk)
                except OSError as error:  # (Nobody's folder keeps others from theirs.)
                    log.warning("files not exchanged", partner=partner.id, why=error.strerror)

    async def _turn(self, own: Path, partner: Partner, desk: Desk) -> bool:
        """One partner's turn; whether there may be more to do for it at once."""
        if not await asyncio.to_thread(_completed, own):
            return False
        listing = self._listings.get(partner.id)
        if listing is None:
            listing = self._listings[partner.id] = FileListing(own / IN, self._drop)
        await asyncio.to_thread(listing.look, desk.now() / 1000)
        taken = await self._take_all(own, listing, partner, desk)
        await self._tell_all(own, listing, partner, desk)
        laid_out = await self._lay_out(own / OUT, partner, desk)
        return taken + laid_out > 0 or listing.goes_on

    async def _take_all(self, own: Path, listing: FileListing, partner: Partner, desk: Desk) -> int:
        """How many were taken. Whoever is full, others are not: a file for whom there is no room
        stays where it is, and is tried again when all others were.
        """
        taken = 0
        for _ in range(min(FILES_A_TURN, len(listing.waiting))):
            entry = listing.waiting[0]
            try:
                await self._take(own, entry, partner, desk)
                taken += 1
            except Full:
                listing.no_room(entry)
            except FileNotFoundError:  # its sender took it back
                pass
            except LedgerError:  # (It stays the first.)
                raise
            except Exception:  # (One that can't be read keeps no other from being taken.)
                log.exception("file not taken", partner=partner.id)
                listing.no_room(entry)
            listing.waiting.popleft()
        return taken

    async def _take(self, own: Path, entry: Entry, partner: Partner, desk: Desk) -> None:
        drop, path = self._drop, own / IN / entry.name
        most = min(self._bytes_max, partner.body_bytes_max or self._bytes_max)
        body, version = await asyncio.to_thread(_read, path, most)
        if version != entry.version:
            return  # it changes, and is taken when it has not for a while
        if body is None:
            expected = f"at most {most} bytes"
            told = Violation("call.body-size", "the file is too large", expected=expected)
            await desk.refuse(Inbound(partner, b"", "", drop.endpoint), "too-large", [told])
            content = drop.refuse(told, desk)
        else:
            content = await drop.take(path.name, body, partner, desk)
        name = drop.feedback_name(path.name, content) if drop.feedback_name else path.name
        feedback = own / FEEDBACK / _named(name, drop.feedback_suffix)
        await asyncio.to_thread(_write, feedback, content)
        await asyncio.to_thread(_remove, path, entry.version)

    async def _tell_all(
        self, own: Path, listing: FileListing, partner: Partner, desk: Desk
    ) -> None:
        """Say of files that their names, or what they are, keep them from being taken."""
        for _ in range(min(FILES_A_TURN, len(listing.unfit))):
            entry = listing.unfit.popleft()
            note = own / FEEDBACK / _named(entry.name, REJECTED)
            if not await asyncio.to_thread(os.path.lexists, note):
                why = f"not taken: {self._drop.form}"
                # (The name itself is not repeated: it may be anything, a person's code too.)
                violation = Violation(self._drop.rule, why, expected=self._drop.form)
                unread = Inbound(partner, b"", "", self._drop.endpoint)
                await desk.refuse(unread, "file-name", [violation])
                await asyncio.to_thread(_write, note, f"{why}\n".encode())
            listing.told(entry)

    async def _lay_out(self, folder: Path, partner: Partner, desk: Desk) -> int:
        """Write what waits in the partner's mailbox as files, each whole before it has its name;
        how many.
        """
        room = OUT_FILES_MAX - await asyncio.to_thread(_count, folder, OUT_FILES_MAX)
        if room <= 0:
            return 0
        leased = await desk.lease(partner.id, min(room, LEASE_MOST), LEASE_SECONDS)
        for each in leased:
            name = f"{each.envelope.public_id}{self._drop.letter_suffix}"
            await asyncio.to_thread(_write, folder / name, self._drop.letter(each))
        if leased:
            await desk.acknowledge(partner.id, [each.hold for each in leased])
        return len(leased)


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


def _count(folder: Path, most: int) -> int:
    """How many files lie in a folder, as far as `most`."""
    with os.scandir(folder) as entries:
        return sum(1 for _ in islice(entries, most))


def _named(name: str, suffix: str) -> str:
    """The name of what is told of a file: its own with a suffix; a digest stands for one that
    leaves no room for more or may name a living person.
    """
    encoded = os.fsencode(name)
    plain = len(encoded) + len(suffix) <= NAME_BYTES_MAX and not guard.in_text(name)
    return f"{name if plain else hashlib.sha256(encoded).hexdigest()}{suffix}"


def _read(path: Path, most: int) -> tuple[bytes | None, Version | None]:
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
        if version_of(os.fstat(descriptor)) != version_of(before):
            return None, None
    return body, version_of(before)


def _remove(path: Path, version: Version) -> None:
    """The file that was read; a later one that has taken its place stays."""
    with contextlib.suppress(FileNotFoundError):
        if version_of(path.lstat()) == version:
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
