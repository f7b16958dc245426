"""What officials send over Kelmu when there is something to send: documents, questions for lists
and work lists at the user interface, Kela's notices; as flows, and for a partner without any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from exchange.adapters.kelmu import generate
from exchange.adapters.kelmu.partner.sending import (
    day_of,
    providers_of,
    sending,
    sizes_of,
    with_files,
)
from exchange.adapters.kelmu.partner.volumes import DOCUMENTS, LISTS, NOTICES, WORK_LISTS_EACH
from exchange.partners.stub import AtWill, Flow, Sending, Situation
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.generated import Generated, Generator

_Sends = Callable[[Partner, Situation], Sending]


def _by_hand(make: Callable[[Situation, Partner], Generated], path: str) -> _Sends:
    """What an official sends at the user interface whenever there is something to send."""

    def send(partner: Partner, situation: Situation) -> Sending:
        message = make(situation, partner)
        if path.endswith("/documents"):
            message = with_files(message, "Liite hakemukseen")
        return sending(partner, path, message)

    return send


def _made(generator: Generator) -> Callable[[Situation, Partner], Generated]:
    return lambda situation, _: generator(situation.rng, day_of(situation), situation.serial)


def _notice(situation: Situation, partner: Partner) -> Generated:
    authorities = providers_of(situation.directory)
    authority = situation.choose([each.id for each in authorities], sizes_of(authorities))
    return generate.notice(situation.rng, day_of(situation), situation.serial, authority)


def _list_query(situation: Situation, partner: Partner) -> Generated:
    return generate.list_query(situation.rng, day_of(situation), situation.serial, partner.sector)


AT_WILL: AtWill = {
    "kelmu.document": _by_hand(_made(generate.document), "/kelmu/v1/ui/documents"),
    "kelmu.work-list-query": _by_hand(_made(generate.work_list_query), "/kelmu/v1/ui/work-lists"),
    "kelmu.list-query": _by_hand(_list_query, "/kelmu/v1/ui/lists"),
    "kelmu.notice": _by_hand(_notice, "/kelmu/v1/notices"),
}


def flows_by_hand(directory: Directory) -> Iterator[Flow]:
    """The same as yearly flows: documents and lists by the size of who sends them, notices of
    Kela's.
    """
    providers, kela = providers_of(directory), directory.get("kela.benefits")
    yield from _flows("documents", "kelmu.document", providers, DOCUMENTS)
    opened = WORK_LISTS_EACH * len(providers)
    each_alike = {partner.id: 1.0 for partner in providers}
    yield from _flows("work-lists", "kelmu.work-list-query", providers, opened, each_alike)
    for sector, yearly in LISTS.items():
        yield from _flows("lists", "kelmu.list-query", directory.in_sector(sector), yearly)
    if kela and providers:
        yield from _flows("notices", "kelmu.notice", [kela], NOTICES)


def _flows(
    what: str,
    message_type: str,
    partners: Sequence[Partner],
    yearly: float,
    weights: Mapping[str, float] | None = None,
) -> Iterator[Flow]:
    sizes = weights or sizes_of(partners)
    for partner in partners:
        yield Flow(
            name=f"kelmu.{what}.{partner.id}",
            partner=partner.id,
            message_type=message_type,
            weight=yearly * sizes[partner.id] / sum(sizes[each.id] for each in partners),
            make=partial(AT_WILL[message_type], partner),
        )
