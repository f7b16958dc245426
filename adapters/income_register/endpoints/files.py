"""The file channel: takes deliveries that partners leave as files, answers with feedback files,
lays out what they are to fetch; a watch.

Each partner has a folder, as it has an SFTP account at the real register: `in` (it writes),
`feedback` and `out` (it reads and deletes). A file is taken when its name ends in `.xml`, in any
case; a sender writes under another name and renames. What lies there untouched under another name
for `UNFIT_SECONDS` is told, once, by `NAME.rejected` in `feedback`, and counted as rejected; it
stays where it is. Names that begin with a dot are the sender's own business. The outcome lies in `feedback` under the same name, as
StatusResponseFromIR, before the file leaves `in`; after a crash in between the file is taken again
and is a duplicate. Source: "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021",
chapters 2.3 and 12.3.1 (vero.fi): schema errors of a file are message errors. The names of folders
and files are *modelled*: the register's own were not public in the material at hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from pathlib import Path

from exchange.adapters.income_register import answer
from exchange.adapters.income_register.document import FILE_ENDPOINT
from exchange.adapters.income_register.register.originals import with_references
from exchange.adapters.income_register.register.verdict import details
from exchange.adapters.income_register.signature.sign import sign, signing_key
from exchange.errors import Full
from exchange.ports import Desk, Inbound, Watch
from exchange.ports.desk import Outcome
from exchange.schemas.call import XML
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Violation

#: Largest file that is taken (the register's upload takes 50 MB); a larger one is refused unread.
FILE_BYTES_MAX = 52_428_800
#: Files of one partner taken in one round, so that none waits for another's heap.
FILES_A_ROUND = 20
#: After so long without a change a file is not being written any more.
UNFIT_SECONDS = 60
REJECTED = ".rejected"
#: The longest name that file systems take, in bytes.
NAME_BYTES_MAX = 255
LEASE_SECONDS, LEASE_MOST = 300.0, 20
IN, OUT, FEEDBACK = "in", "out", "feedback"


async def watch(desk: Desk) -> None:
    """One round: every partner's files, oldest first, then what waits for it."""
    if desk.folder is None:
        return
    for partner in await asyncio.to_thread(_accounts, desk.folder, list(desk.directory)):
        own = desk.folder / partner.id
        for path in await asyncio.to_thread(_waiting, own / IN):
            # Whoever is full, others are not: the file stays where it is until there is room.
            with contextlib.suppress(Full):
                await take(path, partner, desk)
        before = desk.now() / 1000 - UNFIT_SECONDS
        for path in await asyncio.to_thread(_unfit, own, before):
            await tell(path, partner, desk)
        await lay_out(own / OUT, partner, desk)


def _accounts(folder: Path, partners: list[Partner]) -> list[Partner]:
    """The partners that have a folder, each made complete."""
    found = [each for each in partners if (folder / each.id).is_dir()]
    for each in found:
        for name in (IN, OUT, FEEDBACK):
            (folder / each.id / name).mkdir(exist_ok=True)
    return found


def _fits(entry: os.DirEntry[str]) -> bool:
    """Whether it is a regular file whose name ends in `.xml`; links are not followed."""
    return entry.name.lower().endswith(".xml") and entry.is_file(follow_symlinks=False)


def _waiting(folder: Path) -> list[Path]:
    """Files that are taken, by the time at which they came in whole."""
    found = []
    for entry in os.scandir(folder):
        if _fits(entry) and not entry.name.startswith("."):
            found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path))
    return [Path(path) for _, path in sorted(found)[:FILES_A_ROUND]]


def _unfit(own: Path, before: float) -> list[Path]:
    """What is never taken and lies unchanged since a time (seconds since 1970), and is not told
    yet.
    """
    return [
        Path(entry.path)
        for entry in os.scandir(own / IN)
        if not _fits(entry)
        and not entry.name.startswith(".")
        and entry.stat(follow_symlinks=False).st_mtime < before
        and not (own / FEEDBACK / _note_of(entry.name)).exists()
    ][:FILES_A_ROUND]


def _note_of(name: str) -> str:
    """The name of the note on a file; a digest stands for a name that leaves no room for more."""
    encoded = os.fsencode(name)
    fits = len(encoded) + len(REJECTED) <= NAME_BYTES_MAX
    return f"{name if fits else hashlib.sha256(encoded).hexdigest()}{REJECTED}"


async def tell(path: Path, partner: Partner, desk: Desk) -> Outcome:
    """Say of a file that its name, or what it is, keeps it from being taken."""
    why = "not taken: a delivery is a regular file whose name ends in .xml"
    # (The name itself is not repeated: it may be anything, a person's code too.)
    violation = Violation("ir.file-name", why, expected="NAME.xml")
    outcome = await desk.refuse(Inbound(partner, b"", "", FILE_ENDPOINT), "file-name", [violation])
    note = path.parent.parent / FEEDBACK / _note_of(path.name)
    await asyncio.to_thread(_write, note, f"{why}\n".encode())
    return outcome


async def take(path: Path, partner: Partner, desk: Desk) -> Outcome:
    """Take one file in, and leave its feedback; one that is too large is refused unread."""
    feedback = path.parent.parent / FEEDBACK / path.name
    most = min(FILE_BYTES_MAX, partner.body_bytes_max or FILE_BYTES_MAX)
    body = await asyncio.to_thread(_read, path, most)
    if body is None:
        unread = Inbound(partner, b"", XML, FILE_ENDPOINT)
        told = Violation(
            "call.body-size", "the file is too large", expected=f"at most {most} bytes"
        )
        outcome = await desk.refuse(unread, "too-large", [told])
        refusal = sign(answer.refused_file(desk.now(), details(told)), signing_key())
        await asyncio.to_thread(_write, feedback, refusal)
        await asyncio.to_thread(path.unlink)
        return outcome
    inbound = Inbound(partner, body, XML, FILE_ENDPOINT)
    outcome = await desk.accept(await with_references(inbound, desk))
    document = answer.status_response(
        outcome.envelope, answer.detail_of(outcome), outcome.envelope.received_at
    )
    await asyncio.to_thread(_write, feedback, sign(document, signing_key()))
    await asyncio.to_thread(path.unlink)
    return outcome


async def lay_out(folder: Path, partner: Partner, desk: Desk) -> int:
    """Write what waits in the partner's mailbox as files, each whole before it has its name; how
    many.
    """
    leased = await desk.lease(partner.id, LEASE_MOST, LEASE_SECONDS)
    for each in leased:
        await asyncio.to_thread(_write, folder / f"{each.envelope.public_id}.xml", each.body)
    if leased:
        await desk.acknowledge(partner.id, [each.hold for each in leased])
    return len(leased)


def _read(path: Path, most: int) -> bytes | None:
    """The file's bytes; None when they are more than `most`."""
    return None if path.stat().st_size > most else path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    """A whole file or none, also after a crash."""
    # (Under a short name, for the file's own may be as long as one can be.)
    part = path.with_name(f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


WATCH = Watch("files", 2.0, watch)
