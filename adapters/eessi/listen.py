"""The endpoints of the channel eessi: messages in, cases and messages to look at; no rules and no
rendering.
"""

from __future__ import annotations

from exchange.adapters.eessi import answer, case, identification, interface, rules, view
from exchange.ports import Desk, Endpoint, Inbound
from exchange.schemas.call import Call, Reply, json_reply, problem
from exchange.schemas.directory import Partner
from exchange.schemas.envelope import id_from_public

#: What a body may say it is; nothing said counts as XML.
MEDIA_TYPES = ("text/xml", "application/xml", "")


def said(call: Call, partner: Partner) -> Inbound:
    """What a call says beside its body: all that a message is called stands in the body."""
    return Inbound(partner, call.body, call.headers.get("Content-Type", ""), endpoint="api")


async def submit(call: Call, partner: Partner, desk: Desk) -> Reply:
    """A message (SBDH with its SED) from an institution: 202 with the acknowledgement, or a problem
    with every violation.
    """
    inbound = said(call, partner)
    if call.content_type not in MEDIA_TYPES:
        return answer.rejected(await desk.refuse(inbound, *answer.NOT_XML))
    outcome = await desk.accept(inbound)
    return answer.rejected(outcome) if outcome.kind == "rejected" else answer.acknowledged(outcome)


async def show_case(call: Call, partner: Partner, desk: Desk) -> Reply:
    """A case by its id, to its participants only; to everybody else there is none."""
    key = rules.key_of(call.parameters["id"][: case.ID_CHARACTERS + 1])
    remembered = (await desk.recall([key])).get(key)
    found = case.from_data(remembered.value) if remembered else None
    if found is None or partner.eessi_id not in found.roles:
        return problem(
            404,
            "No such case",
            "There is no such case, or the institution takes no part in it.",
            reason="not-found",
        )
    return json_reply(view.case_of(found, partner.eessi_id, desk.now(), desk.directory))


async def show_message(call: Call, partner: Partner, desk: Desk) -> Reply:
    """A message by its sender's InstanceIdentifier, or by the exchange's id (for sender and
    receivers).
    """
    text = call.parameters["id"]
    envelope = await desk.find(partner.id, text)
    if envelope is None:
        try:
            envelope = await desk.message(id_from_public(text))
        except ValueError:
            envelope = None
    if envelope is not None and "sender" not in envelope.detail:
        envelope = None  # It was rejected, so nothing was sent.
    deliveries = await desk.deliveries(envelope.id) if envelope else []
    if envelope is None or partner.id not in (
        envelope.sender,
        *(delivery["receiver"] for delivery in deliveries),
    ):
        detail = (
            "The institution neither sent nor received such a message. "
            "Its sender asks by InstanceIdentifier, a receiver by the exchange's id "
            "(X-EESSI-Exchange-Id)."
        )
        return problem(404, "No such message", detail, reason="not-found")
    shown = view.conversation(envelope, deliveries, desk.directory)
    if told := identification.told_to(partner, envelope):
        shown[identification.DETAIL] = told
    return json_reply(shown)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "POST",
        "/eessi/v1/messages",
        "Send a SED in its business document header (SBDH)",
        handler=submit,
        takes_messages=True,
        said=said,
        interface=interface.SUBMIT,
    ),
    Endpoint(
        "GET",
        "/eessi/v1/messages/{id}",
        "A message with the state of its deliveries",
        handler=show_message,
        interface=interface.MESSAGE,
    ),
    Endpoint(
        "GET",
        "/eessi/v1/cases/{id}",
        "A case with its documents and the actions possible now",
        handler=show_case,
        interface=interface.CASE,
    ),
)
