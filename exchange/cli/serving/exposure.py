"""Whether an exchange may be reached from beyond loopback with these settings; asked at the
start.
"""

from __future__ import annotations

import sys

from exchange.assembly import directory_of
from exchange.errors import SettingsError
from exchange.schemas import directory
from exchange.settings import Settings
from exchange.web.access.hosts import is_loopback


def check(settings: Settings) -> None:
    """Refuse what must not be reached from beyond loopback.

    Raises:
        DirectoryFault: when the directory of partners can't be read.
        SettingsError: when an address to bind is not loopback and the guard against real persons
            is turned off, or the plain one is not and the directory holds keys that the product
            ships (keys open nothing at the others), unless a setting says by name that this is
            meant.
    """
    host = settings.server.host
    partners = directory_of(settings)
    hosts = {"server.host": host}
    hosts |= {
        f"listeners.{number}.host": each.host for number, each in enumerate(settings.listeners)
    }
    beyond = {name: each for name, each in hosts.items() if not is_loopback(each)}
    if not beyond:
        return
    if "server.host" in beyond and not settings.partners.allow_shipped_keys:
        public = directory.load().digests()
        if known := [
            partner.id
            for partner in partners
            if not public.isdisjoint(directory.digests_of(partner))
        ]:
            raise SettingsError(
                f"server.host {host} is beyond loopback, where everybody knows the shipped keys of "
                f"{len(known)} partners ({known[0]}, ...): make a directory with `exchange keys "
                "init DIR` and name it in partners.directory, or set "
                "partners.allow_shipped_keys = true"
            )
    identity = settings.identity
    if identity.allow_real_persons and not identity.allow_real_persons_beyond_loopback:
        name, host = next(iter(beyond.items()))
        raise SettingsError(
            f"{name} {host} is beyond loopback and identity.allow_real_persons turns the guard "
            "against real persons off: turn it on, or set "
            "identity.allow_real_persons_beyond_loopback = true"
        )


def tell_hosts(settings: Settings) -> None:
    """Say by which hosts the pages answer, where nobody beyond loopback can call them by one."""
    beyond = not is_loopback(settings.server.host)
    if beyond and all(is_loopback(each) for each in settings.operators.hosts):
        hosts = ", ".join(settings.operators.hosts)
        print(
            f"exchange: the operators' pages answer by the hosts {hosts} only (operators.hosts)",
            file=sys.stderr,
            flush=True,
        )
