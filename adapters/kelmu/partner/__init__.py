"""The stubs of Kelmu: who queries, the benefit register that answers, Kela and the counties; no
code of the channel.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from exchange.adapters.kelmu import generate
from exchange.adapters.kelmu.partner.officials import AT_WILL, flows_by_hand
from exchange.adapters.kelmu.partner.sending import (
    day_of,
    provides,
    sending,
    sizes_of,
    with_files,
)
from exchange.adapters.kelmu.partner.volumes import (
    API_QUERIES,
    ASKED_SHARE,
    BULK_QUERIES,
    INFORMATION_REQUESTS,
    RESIDENTS,
    UI_QUERIES,
)
from exchange.partners.stub import AtWill, Flow, Sending, Served, Situation
from exchange.schemas.call import Call, json_reply, problem
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.generated import Generated

#: Where a message that was made elsewhere goes, by type.
SUBMITTED = {
    "kelmu.benefit-query": "/kelmu/v1/queries",
    "kelmu.benefit-query-bulk": "/kelmu/v1/queries/bulk",
    "kelmu.information-request": "/kelmu/v1/information-requests",
    "kelmu.document": "/kelmu/v1/documents",
    "kelmu.notice": "/kelmu/v1/notices",
    "kelmu.list-query": "/kelmu/v1/lists",
    "kelmu.work-list-query": "/kelmu/v1/work-lists",
}
#: One answer in so many to an information request has a file beside it (*modelled*).
_WITH_FILE_ONE_IN = 3


def _query(partner: Partner, path: str) -> Callable[[Situation], Sending]:
    asker = partner.id if partner.id in generate.HABITS else partner.sector

    def make(situation: Situation) -> Sending:
        return sending(
            partner,
            path,
            generate.benefit_query(situation.rng, day_of(situation), situation.serial, asker),
        )

    return make


def _query_bulk(partner: Partner) -> Callable[[Situation], Sending]:
    def make(situation: Situation) -> Sending:
        message = generate.benefit_query_bulk(
            situation.rng, day_of(situation), situation.serial, partner.sector
        )
        return sending(partner, "/kelmu/v1/queries/bulk", message)

    return make


def _request(partner: Partner, counties: Sequence[Partner]) -> Callable[[Situation], Sending]:
    sizes = sizes_of(counties)
    # Those that use the function, the largest, and counties of one's own: others are not asked by
    # it.
    own = [name for name in sizes if name not in RESIDENTS]
    shipped = sorted((name for name in sizes if name in RESIDENTS), key=lambda name: -sizes[name])
    names = [*shipped[: round(len(shipped) * ASKED_SHARE)], *own]

    def make(situation: Situation) -> Sending:
        county = situation.choose(names, sizes)
        message = generate.information_request(
            situation.rng, day_of(situation), situation.serial, county
        )
        return sending(partner, "/kelmu/v1/information-requests", message)

    return make


class KelmuStub:
    """All partners of Kelmu."""

    channel = "kelmu"
    at_will: ClassVar[AtWill] = AT_WILL

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """The queries of 2024, spread over the partners of a sector by their size, Kela's
        information requests, and what officials send besides.
        """
        flows = list(flows_by_hand(directory))
        for endpoint, path, queries in (
            ("ui", "/kelmu/v1/ui/queries", UI_QUERIES),
            ("api", "/kelmu/v1/queries", API_QUERIES),
        ):
            for sector, yearly in queries.items():
                partners = directory.in_sector(sector)
                sizes = sizes_of(partners)
                residents = sum(sizes.values())
                for partner in partners:
                    make = _query(partner, path)
                    name = f"kelmu.{endpoint}.{partner.id}"
                    flows.append(
                        Flow(
                            name=name,
                            partner=partner.id,
                            message_type="kelmu.benefit-query",
                            weight=yearly * sizes[partner.id] / residents,
                            make=make,
                        )
                    )
        for sector, yearly in BULK_QUERIES.items():
            partners = directory.in_sector(sector)
            for partner in partners:
                name = f"kelmu.bulk.{partner.id}"
                weight = yearly / len(partners)
                flows.append(
                    Flow(
                        name=name,
                        partner=partner.id,
                        message_type="kelmu.benefit-query-bulk",
                        weight=weight,
                        make=_query_bulk(partner),
                    )
                )
        kela, counties = directory.get("kela.benefits"), directory.in_sector("wellbeing-county")
        if kela and counties:
            make = _request(kela, counties)
            flows.append(
                Flow(
                    name="kelmu.requests",
                    partner=kela.id,
                    message_type="kelmu.information-request",
                    weight=INFORMATION_REQUESTS,
                    make=make,
                )
            )
        return flows

    def begin(self, directory: Directory, situation: Situation) -> Sequence[Sending]:
        """Nothing."""
        return ()

    def submit(
        self, partner: Partner, message_type: str, message_id: str, body: bytes, receiver: str
    ) -> Call:
        """A query through the technical interface, or an information request; answers name a
        request in their path.
        """
        if message_type not in SUBMITTED:
            raise ValueError(
                f"Kelmu takes no {message_type or 'message of unknown type'}: "
                f"{', '.join(SUBMITTED)}"
            )
        message = Generated(body, "application/json", message_id)
        if message_type == "kelmu.document":
            message = with_files(message, "Liite hakemukseen")
        return sending(partner, SUBMITTED[message_type], message).call

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        """The register's answers, a county's receipt (and then its answer), Kela's receipt of an
        answer.
        """
        if not call.path.startswith("/kelmu/"):
            return None
        if call.method == "POST" and call.path in _TAKEN and _takes(partner, call.path):
            return Served(json_reply({"received": True}, 202))
        document = _document(call.body)
        if call.method != "POST" or document is None:
            return Served(problem(400, "Bad request", "a JSON object by POST is expected"))
        if call.path == "/kelmu/benefit-register/query" and "benefit-register" in partner.serves:
            return _answer(document)
        if call.path == "/kelmu/benefit-register/list" and "benefit-register" in partner.serves:
            return _list(document, call.headers.get("X-Sender", ""))
        if call.path == "/kelmu/information-requests" and provides(partner):
            return Served(
                json_reply({"received": True}, 202),
                [_statements(partner, call, document, situation)],
            )
        return Served(problem(404, "Not found", "this partner serves no such call"))


#: What is only taken, and by whom: Kela, or who provides social services.
_TAKEN = {
    "/kelmu/information-request-answers": "kela",
    "/kelmu/documents": "kela",
    "/kelmu/notice-transfers": "kela",
    "/kelmu/notices": "",
    "/kelmu/information-request-reminders": "",
    "/kelmu/information-request-withdrawals": "",
}


def _takes(partner: Partner, path: str) -> bool:
    sector = _TAKEN[path]
    return partner.sector == sector if sector else provides(partner)


def _list(query: Mapping[str, Any], asker: str) -> Served:
    try:
        return Served(json_reply(generate.listed(query, asker)))
    except (KeyError, TypeError, ValueError) as error:
        return Served(problem(400, "Bad request", f"not a question: {type(error).__name__}"))


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _answer(query: Mapping[str, Any]) -> Served:
    """What the register knows; a single person that it does not know is a 404, in a bulk it is left
    out.
    """
    try:
        codes = query["persons"] if "persons" in query else [query["person"]]
        known = [entry for code in codes if (entry := generate.records(code, query)) is not None]
    except (KeyError, TypeError, ValueError) as error:
        return Served(problem(400, "Bad request", f"not a query: {type(error).__name__}"))
    if not known and "persons" not in query:
        return Served(
            problem(
                404,
                "Person unknown",
                "the register does not know the person",
                reason="person-unknown",
            )
        )
    return Served(json_reply({"results": known}))


def _statements(
    partner: Partner, call: Call, request: Mapping[str, Any], situation: Situation
) -> Sending:
    """A county's answer, made at the user interface."""
    reference = call.headers.get("X-Information-Request", "")
    body = generate.statements(situation.rng, reference, request.get("statements", []))
    message_id = f"s-{situation.serial:x}-{situation.rng.getrandbits(32):08x}"
    message = Generated(body, "application/json", message_id)
    if situation.rng.randrange(_WITH_FILE_ONE_IN) == 0:
        message = with_files(message, "Lausunto")
    return sending(partner, f"/kelmu/v1/information-requests/{reference}/answers", message)


STUB = KelmuStub()
