"""The file channel: takes deliveries that partners leave as files, answers with feedback files,
lays out what they are to fetch; a watch.

Each partner has a folder, as it has an SFTP account at the real register: `in` (it writes),
`feedback` and `out` (it reads and deletes). A file is taken when its name ends in `.xml`, in any
case; a sender writes under another name and renames. Its name is `<DeliveryDataType>_<FileId>.xml`;
one with another name is refused with a processing feedback (release note 7.5.2020). The outcome, a
StatusResponseFromIR, is `<DeliveryDataType>_<FileId>_<IRDeliveryId>.xml` in `feedback` before the
file leaves `in`; after a crash in between the file is taken again and is a duplicate. What lies
there untouched for `UNFIT_SECONDS` under a name that does not end in `.xml` is told, once, by
`NAME.rejected` in `feedback`, and counted as rejected; it stays where it is. Names that begin with
a dot are the sender's own business. Source: "Tekninen rajapinta - Tietojen toimittaminen
tulorekisteriin 2021", chapters 2.3 and 12.3.1 (vero.fi): schema errors of a file are message
errors. The pattern of names is the register's, as far as it is public; how long a FileId may be (up
to 20 digits here) and the names of folders are *modelled*.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
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
#: DeliveryDataType (100 to 112 without 104, which there is not) and FileId.
_NAME = re.compile(r"1(?:0[0-35-9]|1[0-2])_[0-9]{1,20}\.xml", re.IGNORECASE)
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
    """Take one file in, and leave its feedback; one whose name is not as it should be, or that is
    too large, is refused unread.
    """
    most = min(FILE_BYTES_MAX, partner.body_bytes_max or FILE_BYTES_MAX)
    body = await asyncio.to_thread(_read, path, most) if _NAME.fullmatch(path.name) else b""
    if not _NAME.fullmatch(path.name):
        # (The name itself is not repeated: it may be anything, a person's code too.)
        expected = "<DeliveryDataType>_<FileId>.xml, say 100_0000001.xml"
        told = Violation(
            "ir.file-name", "the file's name is not as it should be", expected=expected
        )
        outcome, document = await _refuse("file-name", told, partner, desk)
    elif body is None:
        expected = f"at most {most} bytes"
        told = Violation("call.body-size", "the file is too large", expected=expected)
        outcome, document = await _refuse("too-large", told, partner, desk)
    else:
        inbound = Inbound(partner, body, XML, FILE_ENDPOINT)
        outcome = await desk.accept(await with_references(inbound, desk))
        received_at = outcome.envelope.received_at
        document = answer.status_response(outcome.envelope, answer.detail_of(outcome), received_at)
    feedback = path.parent.parent / FEEDBACK / _feedback_of(path, outcome)
    await asyncio.to_thread(_write, feedback, sign(document, signing_key()))
    await asyncio.to_thread(path.unlink)
    return outcome


async def _refuse(
    reason: str, told: Violation, partner: Partner, desk: Desk
) -> tuple[Outcome, bytes]:
    """A file that is refused unread: counted, and told in its feedback."""
    outcome = await desk.refuse(Inbound(partner, b"", XML, FILE_ENDPOINT), reason, [told])
    return outcome, answer.refused_file(desk.now(), details(told))


def _feedback_of(path: Path, outcome: Outcome) -> str:
    """`<DeliveryDataType>_<FileId>_<IRDeliveryId>.xml`; a digest stands for a name that leaves no
    room for more.
    """
    end = f"_{outcome.envelope.public_id}.xml"
    encoded = os.fsencode(path.stem)
    fits = len(encoded) + len(end) <= NAME_BYTES_MAX
    return f"{path.stem if fits else hashlib.sha256(encoded).hexdigest()}{end}"


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
