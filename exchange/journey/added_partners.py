"""The partners that were added to a running exchange: puts them into the directory that everybody
in this worker holds, and looks for those that other workers added.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from exchange.errors import PartnerError
from exchange.ports.operators import AT_ONCE, Actor, fingerprint
from exchange.ports.partners import AddedPartners as Store
from exchange.ports.partners import Kept
from exchange.ports.time import Clock
from exchange.schemas.directory import KEYS_MAX, Directory, Partner, check_added, digest_of

log = structlog.get_logger(__name__)

#: How often what other workers added is to be looked for, in seconds.
LOOK_SECONDS = 0.5
#: Partners that may be added.
PARTNERS_MAX = 1_000


class AddedPartners:
    """Adds partners, gives them other keys and removes them; each change counts from its commit
    here, and within `LOOK_SECONDS` in every other worker.
    """

    def __init__(self, store: Store, directory: Directory, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        #: Those of the files, which nothing that was added takes the place of.
        self._of_files = frozenset(partner.id for partner in directory)
        self._known: dict[str, Kept] = {}

    async def look(self) -> None:
        """Put what the ledger has into the directory. What a file of the directory has by now as
        well is the file's.
        """
        known = {partner_id: kept.version for partner_id, kept in self._known.items()}
        for kept in await self._store.changed(known):
            self._known[kept.partner.id] = kept
            if kept.partner.id in self._of_files:
                log.warning("an added partner stands in a file as well", partner=kept.partner.id)
            else:
                self._tell(kept)

    def _tell(self, kept: Kept) -> None:
        if kept.removed:
            self._directory.remove(kept.partner.id)
        else:
            self._directory.put([kept.partner])

    def is_added(self, partner_id: str) -> bool:
        """Whether the partner was added, is still one, and stands in no file."""
        kept = self._known.get(partner_id)
        return kept is not None and not kept.removed and partner_id not in self._of_files

    def keyed_at(self, partner_id: str) -> int:
        """When the newest key of an added partner was made (milliseconds since 1970 UTC); 0 where
        that is not known, as of a partner of the files.
        """
        return self._known[partner_id].keyed_at if self.is_added(partner_id) else 0

    async def add(self, partner: Partner, key: str, actor: Actor) -> None:
        """Commit a partner with its first key. One that was removed may be added again: what waits
        for its id is its own then.

        Raises:
            DirectoryFault: when something of it is another partner's.
            PartnerError: when there are as many as there may be.
        """
        await self.look()
        partner = replace(partner, key="", key_sha256=(digest_of(key).hex(),))
        check_added(self._directory, partner)
        before = self._known.get(partner.id)
        if before is None and len(self._known) >= PARTNERS_MAX:
            raise PartnerError(
                f"{PARTNERS_MAX} partners were added, with those that were removed: no more are "
                "taken"
            )
        version = before.version + 1 if before else 1
        kept = Kept(partner, version, keyed_at=self._clock.now())
        told = f"{partner.sector}, key {fingerprint(digest_of(key))}"
        await self._keep(kept, actor, "partner-add", told)

    async def rotate(self, partner_id: str, key: str, actor: Actor, at_once: bool) -> None:
        """Commit another key. The newest one before it counts until the next rotation, unless
        `at_once`.

        Raises:
            PartnerError: when no partner of that id was added.
        """
        kept = await self._added(partner_id, "its keys stand in")
        before = () if at_once else kept.partner.key_sha256[: KEYS_MAX - 1]
        partner = replace(kept.partner, key_sha256=(digest_of(key).hex(), *before))
        told = AT_ONCE if at_once else "the last key counts too"
        told = f"{told}, key {fingerprint(digest_of(key))}"
        rotated = Kept(partner, kept.version + 1, keyed_at=self._clock.now())
        await self._keep(rotated, actor, "partner-rotate", told)

    async def remove(self, partner_id: str, actor: Actor) -> None:
        """Commit that a partner is none any more: its keys open nothing, nothing more is sent to
        it, and what waits for it waits until its deadline. Its messages and counts stay, and so
        does its name in the statistics.

        Raises:
            PartnerError: when no partner of that id was added.
        """
        kept = await self._added(partner_id, "to remove it, take it out of")
        without = replace(kept.partner, key_sha256=(), callback_secret="")
        removed = Kept(without, kept.version + 1, removed=True)
        await self._keep(removed, actor, "partner-remove", kept.partner.sector)

    async def _added(self, partner_id: str, otherwise: str) -> Kept:
        await self.look()
        if not self.is_added(partner_id):
            raise PartnerError(
                f"{partner_id[:64]} was not added to the running exchange: {otherwise} the file of "
                "the directory that it is in"
            )
        return self._known[partner_id]

    async def _keep(self, kept: Kept, actor: Actor, what: str, outcome: str) -> None:
        name = kept.partner.id
        row = actor.did(self._clock.now(), what, name, outcome)
        if not await self._store.keep(kept, row):
            raise PartnerError(f"{name} was changed just now by somebody else: look again")
        self._known[name] = kept
        self._tell(kept)
