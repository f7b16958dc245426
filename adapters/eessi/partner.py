"""The institutions of EESSI as stubs: they open cases, acknowledge what they get and answer as
their process goes; no exchange code.

What a stub answers to which SED stands here once more, on purpose apart from the exchange's process
tables.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from exchange.adapters.eessi.generate.messages import (
    CONTENT_TYPE,
    KELA,
    PENSIONS,
    SBDH,
    Letter,
    Subject,
    follow,
    foreign,
    hex_id,
    open_case,
)
from exchange.partners.stub import AtWill, Flow, Sending, Served, Situation
from exchange.schemas import xml
from exchange.schemas.call import Call, Reply, json_reply
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.violation import Malformed

#: Messages of a year (2024, Kela's exchange statistics): 1,114,360 received by Finnish
#: institutions, 320,541 sent by them. Opening messages by kind, so that together with the answers
#: below (a claim gives 2.25 messages from the counterparty and 0.25 from the owner, a request one)
#: exactly those come out. How they divide by SED is an assumption.
FOREIGN_OPENINGS = {"A009": 904_360.0, "P2000": 20_000.0, "H001": 80_000.0}
FINNISH_OPENINGS = {"A009": 110_541.0, "P2000": 20_000.0, "H001": 60_000.0}
PROCESSES = {"A009": "LA_BUC_04", "P2000": "P_BUC_01", "H001": "H_BUC_01"}
#: Finnish institutions that take part, by what opens the case (public competences: only the Centre
#: for Pensions owns claims).
FINNISH_RECEIVERS = {"A009": (PENSIONS,), "P2000": (KELA, PENSIONS), "H001": (KELA,)}
FINNISH_OWNERS = {"A009": PENSIONS, "P2000": PENSIONS, "H001": KELA}
QUESTION_SHARE = 0.25


class Stub:
    """All institutions, Finnish and foreign."""

    channel = "eessi"
    at_will: ClassVar[AtWill] = {}

    def flows(self, directory: Directory) -> Sequence[Flow]:
        """What opens cases: foreign institutions towards Finnish ones and the other way round, each
        foreign one as often.
        """
        others = foreign(directory)
        flows = []
        for sed, weight in FOREIGN_OPENINGS.items():
            receivers = tuple(
                name for name in FINNISH_RECEIVERS[sed] if directory.by_eessi_id(name)
            )
            for partner in others if receivers else ():
                make = _opening(partner, sed, receivers)
                flows.append(
                    Flow(
                        name=f"{sed} to Finland",
                        partner=partner.id,
                        message_type=f"eessi.{sed.lower()}",
                        weight=weight / len(others),
                        make=make,
                    )
                )
        for sed, weight in FINNISH_OPENINGS.items():
            owner = directory.by_eessi_id(FINNISH_OWNERS[sed])
            if owner and others:
                make = _opening(owner, sed, tuple(partner.eessi_id for partner in others))
                flows.append(
                    Flow(
                        name=f"{sed} from Finland",
                        partner=owner.id,
                        message_type=f"eessi.{sed.lower()}",
                        weight=weight,
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
        """A document through the access point; its header names the receivers and the message."""
        return _sending(partner, body).call

    def serve(self, partner: Partner, call: Call, situation: Situation) -> Served | None:
        """An acknowledgement, and whatever the institution sends because of the document that it
        got.
        """
        if call.path != "/eessi/inbox":
            return None
        try:
            root = xml.parse(call.body)
        except Malformed:
            return Served(_error("EBMS:0009", "The message is not well-formed.", call))
        received = read(root)
        if received is None:
            return Served(_error("EBMS:0009", "The message has no header.", call))
        if partner.eessi_id not in received.receivers:
            return Served(_error("EBMS:0003", "The message is for another institution.", call))
        rng = situation.rng
        moment = _moment(situation.now)
        date = f"{moment.isoformat()[:19]}.{situation.now % 1000:03d}+0000"
        ack = {
            "id": hex_id(rng),
            "date": date,
            "sender": received.sender,
            "receiver": partner.eessi_id,
        }
        answers = _answers(received.sed, situation)
        # Most documents, notifications of posting, want no answer: then nobody asks whom they are
        # about.
        who = subject_of(root) if answers else None
        then = [
            _sending(partner, follow(rng, moment, sed, received, who, partner.eessi_id, related)[1])
            for sed, related in answers
            if who is not None
        ]
        return Served(json_reply(ack), tuple(then))


_REPLIES = {
    "P8000": "P9000",
    "H001": "H002",
    "H020": "H021",
    "H120": "H121",
    "X009": "X010",
    "X012": "X013",
}


def _answers(sed: str, situation: Situation) -> list[tuple[str, bool]]:
    """What an institution sends when it gets that SED, and whether as a reply to it."""
    if sed == "P2000":
        wanted = situation.wanted("eessi.p8000")
        asks = situation.rng.random() < QUESTION_SHARE if wanted is None else wanted > 0
        question = [("P8000", False)] if asks else []
        return [*question, ("P5000", False), ("P6000", False)]
    reply = _REPLIES.get(sed)
    return [(reply, True)] if reply else []


def _opening(
    partner: Partner, sed: str, receivers: tuple[str, ...]
) -> Callable[[Situation], Sending]:
    def make(situation: Situation) -> Sending:
        receiver = situation.choose(receivers)
        moment = _moment(situation.now)
        letter, body = open_case(
            situation.rng, moment, sed, PROCESSES[sed], partner.eessi_id, (receiver,)
        )
        return _sending(partner, body, (letter.message_id, letter.set_id, letter.case_id))

    return make


def _sending(partner: Partner, body: bytes, fresh: tuple[str, ...] = ()) -> Sending:
    headers = {"Content-Type": CONTENT_TYPE, "X-API-Key": partner.key}
    return Sending(Call("POST", "/eessi/v1/messages", headers, body), fresh=fresh)


def _moment(now: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(now // 1000, datetime.UTC) + datetime.timedelta(
        milliseconds=now % 1000
    )


def _error(code: str, description: str, call: Call) -> Reply:
    error = {
        "errorCode": code,
        "severity": "failure",
        "refToMessageInError": call.headers.get("X-EESSI-Message-Id", ""),
        "description": description,
    }
    return json_reply({"errors": [error]}, 400)


def _tag(name: str) -> str:
    return f"{{{SBDH}}}{name}"


_HEADER, _CASE = _tag("StandardBusinessDocumentHeader"), _tag("CaseId")
_SCOPE_PARTS = {_tag("SetId"): "set"}
_CASE_PARTS = {_tag("InstanceIdentifier"): "case", _tag("BusinessServiceName"): "service"}
#: What an answer needs of the header, by the section that it stands in.
_SECTIONS = {
    _tag("Sender"): {_tag("Identifier"): "sender", _tag("ContactTypeIdentifier"): "role"},
    _tag("Receiver"): {_tag("Identifier"): "receivers"},
    _tag("DocumentIdentification"): {_tag("Type"): "sed", _tag("InstanceIdentifier"): "message"},
    _tag("BusinessScope"): _SCOPE_PARTS,
}
#: So many parts a header has that says all that.
_PARTS_NEEDED = len(_CASE_PARTS) + sum(map(len, _SECTIONS.values()))
_DAY_ONE = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _texts(element: Any) -> list[str]:
    """The texts that the element itself holds: none when it is empty, several when something stands
    between them.
    """
    if len(element):
        return [str(text).strip() for text in element.xpath("text()")]
    return [element.text.strip()] if element.text else []


def _collect(section: Any, parts: Mapping[str, str], found: dict[str, list[str]]) -> None:
    """Add the texts of a section of the header, by what they are, to `found`."""
    for child in section:
        tag = child.tag
        if tag in parts:
            if texts := _texts(child):
                found.setdefault(parts[tag], []).extend(texts)
        elif tag == _CASE and parts is _SCOPE_PARTS:
            _collect(child, _CASE_PARTS, found)


def read(root: Any) -> Letter | None:
    """A received message as a letter, as far as an answer needs it; None when it has no header.

    One walk over the header: a path for each part takes twice as long.
    """
    found: dict[str, list[str]] = {}
    for top in root:
        if top.tag == _HEADER:
            for section in top:
                if (parts := _SECTIONS.get(section.tag)) is not None:
                    _collect(section, parts, found)
    if len(found) < _PARTS_NEEDED:
        return None
    return Letter(
        sed=found["sed"][0],
        process=found["service"][0].partition(":")[0],
        action="New",
        sender=found["sender"][0],
        receivers=tuple(found["receivers"]),
        sender_owns=found["role"][0] == "CaseOwner",
        message_id=found["message"][0],
        set_id=found["set"][0],
        case_id=found["case"][0],
        created_at=_DAY_ONE,
    )


def subject_of(root: Any) -> Subject:
    """The person that a received SED is about."""
    place = (
        "*/Person/PersonIdentification"
        if root.find("*/Person") is not None
        else "*/CaseContext/PersonContext"
    )
    texts = {
        name: root.findtext(f"{place}/{name}") or ""
        for name in ("familyName", "forename", "dateBirth", "sex/value")
    }
    numbers = root.findall(f"{place}/PINPersonInEachInstitution/PersonalIdentificationNumber")
    pins = tuple(
        (pin.findtext("country/value") or "", pin.findtext("personalIdentificationNumber") or "")
        for pin in numbers
    )
    nationality = root.findtext("*/Person/AdditionalInformationPerson/nationality/value") or "FI"
    return Subject(
        family_name=texts["familyName"],
        forename=texts["forename"],
        birth_date=texts["dateBirth"],
        sex=texts["sex/value"],
        pins=pins,
        nationality=nationality,
    )


STUB = Stub()
