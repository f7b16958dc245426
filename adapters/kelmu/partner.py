"""The stubs of Kelmu: who queries, the benefit register that answers, Kela and the counties; no
code of the channel.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from exchange.adapters.kelmu import generate
from exchange.partners.stub import AtWill, Flow, Sending, Served, Situation
from exchange.schemas.call import Call, json_reply, problem
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.generated import Generated, Generator

_Sends = Callable[[Partner, Situation], Sending]

#: Queries in 2024 through the user interface (Tietotilinpäätös 2024); what is left of 6,025,122 is
#: put to the other authorities.
UI_QUERIES = {
    "municipality": 383_526,
    "wellbeing-county": 4_505_175,
    "helsinki": 840_666,
    "other-authority": 295_755,
}
#: Queries in 2024 through the technical interface: the work pension sector's are published, and
#: 1,320,523 in all. That the rest is the unemployment funds' and other authorities' is our
#: assumption, as is how much of it is in bulk, and that none of it is a county's.
API_QUERIES = {
    "pension-institution": 793_214,
    "unemployment-fund": 131_309,
    "other-authority": 393_000,
}
BULK_QUERIES = {"pension-institution": 3_000, "wellbeing-county": 0, "helsinki": 0}
INFORMATION_REQUESTS = 1_447
#: Residents in thousands at the end of 2023 (Statistics Finland, population structure), by which
#: the queries and requests of a sector are shared out among its organisations. That they ask by
#: size is *modelled*.
RESIDENTS = {
    "county.ita-uusimaa": 99,
    "county.keski-uusimaa": 206,
    "county.lansi-uusimaa": 493,
    "county.vantaa-kerava": 286,
    "county.varsinais-suomi": 491,
    "county.satakunta": 211,
    "county.kanta-hame": 169,
    "county.pirkanmaa": 545,
    "county.paijat-hame": 204,
    "county.kymenlaakso": 158,
    "county.etela-karjala": 125,
    "county.etela-savo": 129,
    "county.pohjois-savo": 248,
    "county.pohjois-karjala": 162,
    "county.keski-suomi": 273,
    "county.etela-pohjanmaa": 190,
    "county.pohjanmaa": 178,
    "county.keski-pohjanmaa": 68,
    "county.pohjois-pohjanmaa": 418,
    "county.kainuu": 70,
    "county.lappi": 176,
    "municipality.espoo": 314,
    "municipality.tampere": 255,
    "municipality.turku": 202,
    "municipality.oulu": 215,
    "municipality.vaasa": 69,
    "municipality.sodankyla": 8,
    "municipality.mariehamn": 12,
}
#: The size of an organisation that has none above.
RESIDENTS_OF_OTHERS = 100
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
#: Who provides social services; Mariehamn stands for the municipalities of Åland.
_SOCIAL_SERVICES = ("wellbeing-county", "helsinki")
_ALAND = ("municipality.mariehamn",)


def _day(situation: Situation) -> datetime.date:
    return datetime.datetime.fromtimestamp(situation.now / 1000, datetime.UTC).date()


def _sizes(partners: Sequence[Partner]) -> dict[str, float]:
    """How large each organisation is, in thousands of residents."""
    return {each.id: RESIDENTS.get(each.id, RESIDENTS_OF_OTHERS) for each in partners}


def _sending(partner: Partner, path: str, message: Generated) -> Sending:
    headers = {
        "Content-Type": message.content_type,
        "X-API-Key": partner.key,
        "X-Message-Id": message.message_id,
    }
    return Sending(Call("POST", path, headers, message.body))


def _query(partner: Partner, path: str) -> Callable[[Situation], Sending]:
    asker = partner.id if partner.id in generate.HABITS else partner.sector

    def make(situation: Situation) -> Sending:
        return _sending(
            partner,
            path,
            generate.benefit_query(situation.rng, _day(situation), situation.serial, asker),
        )

    return make


def _query_bulk(partner: Partner) -> Callable[[Situation], Sending]:
    def make(situation: Situation) -> Sending:
        message = generate.benefit_query_bulk(
            situation.rng, _day(situation), situation.serial, partner.sector
        )
        return _sending(partner, "/kelmu/v1/queries/bulk", message)

    return make


def _request(partner: Partner, counties: Sequence[Partner]) -> Callable[[Situation], Sending]:
    sizes = _sizes(counties)
    names = list(sizes)

    def make(situation: Situation) -> Sending:
        county = situation.choose(names, sizes)
        message = generate.information_request(
            situation.rng, _day(situation), situation.serial, county
        )
        return _sending(partner, "/kelmu/v1/information-requests", message)

    return make


def _by_hand(make: Callable[[Situation, Partner], Generated], path: str) -> _Sends:
    """What an official sends at the user interface whenever there is something to send."""

    def send(partner: Partner, situation: Situation) -> Sending:
        message = make(situation, partner)
        if path.endswith("/documents"):
            message = _with_files(message)
        return _sending(partner, path, message)

    return send


def _made(generator: Generator) -> Callable[[Situation, Partner], Generated]:
    return lambda situation, _: generator(situation.rng, _day(situation), situation.serial)


def _notice(situation: Situation, partner: Partner) -> Generated:
    authorities = situation.directory.in_sector("wellbeing-county")
    authority = situation.choose([each.id for each in authorities], _sizes(authorities))
    return generate.notice(situation.rng, _day(situation), situation.serial, authority)


def _list_query(situation: Situation, partner: Partner) -> Generated:
    return generate.list_query(situation.rng, _day(situation), situation.serial, partner.sector)


def _with_files(message: Generated) -> Generated:
    """A document's message with a letter and a picture of one."""
    files = [
        ("hakemus.pdf", "application/pdf", generate.pdf("Liite hakemukseen")),
        ("tosite.png", "image/png", generate.png(24, 32, 200)),
    ]
    # (The same each time, so that a line of a shell that names it sends any sample.)
    boundary = "kelmu-message-and-files"
    content_type, body = generate.with_files(message.body, files, boundary)
    return Generated(body, content_type, message.message_id)


class KelmuStub:
    """All partners of Kelmu."""

    channel = "kelmu"
    at_will: ClassVar[AtWill] = {
        "kelmu.document": _by_hand(_made(generate.document), "/kelmu/v1/ui/documents"),
        "kelmu.work-list-query": _by_hand(
            _made(generate.work_list_query), "/kelmu/v1/ui/work-lists"
        ),
        "kelmu.list-query": _by_hand(_list_query, "/kelmu/v1/ui/lists"),
        "kelmu.notice": _by_hand(_notice, "/kelmu/v1/notices"),
    }

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """The queries of 2024, spread over the partners of a sector by their size, and Kela's
        information requests.
        """
        flows: list[Flow] = []
        for endpoint, path, queries in (
            ("ui", "/kelmu/v1/ui/queries", UI_QUERIES),
            ("api", "/kelmu/v1/queries", API_QUERIES),
        ):
            for sector, yearly in queries.items():
                partners = directory.in_sector(sector)
                sizes = _sizes(partners)
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
            message = _with_files(message)
        return _sending(partner, SUBMITTED[message_type], message).call

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
        if call.path == "/kelmu/information-requests" and _provides(partner):
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


def _provides(partner: Partner) -> bool:
    return partner.sector in _SOCIAL_SERVICES or partner.id in _ALAND


def _takes(partner: Partner, path: str) -> bool:
    sector = _TAKEN[path]
    return partner.sector == sector if sector else _provides(partner)


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
    return _sending(partner, f"/kelmu/v1/information-requests/{reference}/answers", message)


STUB = KelmuStub()
