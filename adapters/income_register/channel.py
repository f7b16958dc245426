"""Declares the Incomes Register channel: its endpoints, its parts and where its deliveries
go; no logic of its own but the route.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from exchange.adapters.income_register import deliver, identify, interface, listen, parse
from exchange.adapters.income_register.document import (
    BENEFIT_REPORTS,
    CHECK_ENDPOINT,
    DELIVERIES,
    ENDPOINTS,
    FROM_IR,
    INVALIDATIONS,
    PAYER_SUMMARY_REPORTS,
    QUERY_ENDPOINT,
    QUESTIONS,
    REGISTER,
    SUBSCRIPTION_ENDPOINT,
    SUBSCRIPTIONS,
    WAGE_REPORTS,
)
from exchange.adapters.income_register.endpoints import files, soap
from exchange.adapters.income_register.hand_out import extraction
from exchange.adapters.income_register.hand_out.query import judge_question
from exchange.adapters.income_register.recognition import RecognitionCache
from exchange.adapters.income_register.register import remember, verdict, versions
from exchange.adapters.income_register.rules.judge import needs_whole, rules, rules_of_abridged
from exchange.adapters.income_register.signature.signer import check_signer
from exchange.errors import Unroutable
from exchange.ports import Channel, Context, Destination, Identity, Parsed, Permitted, Verdict
from exchange.ports.message import Mode
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.envelope import EMPTY
from exchange.schemas.violation import Finding

#: Where a signature is verified: of a document that is only judged, too, when it has one.
SIGNED_ENDPOINTS = ENDPOINTS | {CHECK_ENDPOINT}


def route(
    parsed: Parsed, identity: Identity, ruled: Verdict, directory: Directory
) -> Sequence[Destination]:
    """What others report stays with the register, and goes to whoever subscribes to it: an
    extraction to its subscriber.

    What Kela reports is delivered to the register, a partner of its own, so that it is counted as
    sent; a question is the register's own to answer.

    Raises:
        Unroutable: `receiver-unknown`, when the directory has no such partner; `no-route`, for
        documents that only the
            register itself sends or that are no delivery.
    """
    if parsed.inbound.endpoint == SUBSCRIPTION_ENDPOINT:
        subscriber = directory.get(parsed.inbound.hints["receiver"])
        if subscriber is None:
            raise Unroutable("receiver-unknown", "the subscriber is no partner any more")
        mode: Mode = "mailbox" if subscriber.delivery == "mailbox" else "push"
        return (Destination(subscriber.id, mode, ruled.items),)
    if parsed.inbound.endpoint == QUERY_ENDPOINT and parsed.message_type in QUESTIONS:
        return (Destination(REGISTER, "ask"),) if directory.get(REGISTER) is not None else ()
    if parsed.message_type in (
        INVALIDATIONS,
        SUBSCRIPTIONS,
        PAYER_SUMMARY_REPORTS,
    ):
        return ()
    if parsed.message_type not in (WAGE_REPORTS, BENEFIT_REPORTS):
        raise Unroutable("no-route", f"{parsed.message_type} is not handed on")
    if parsed.inbound.partner.sector != "kela":
        return ()
    receiver = directory.get(REGISTER)
    if receiver is None:
        raise Unroutable("receiver-unknown", "the register is no partner")
    return (Destination(receiver.id, "push", ruled.items),)


def permitted(partner: Partner) -> Permitted:
    """Whoever has a business id reports, asks and subscribes; the register gets what Kela reports."""
    if partner.id == REGISTER:
        return Permitted(receives=(BENEFIT_REPORTS, WAGE_REPORTS))
    if not partner.business_id:
        return Permitted()
    return Permitted(tuple(sorted(DELIVERIES | QUESTIONS)), tuple(sorted(FROM_IR)), mailbox=True)


def judge(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """The rules of fields, the signature, and what the register's memory adds; abridged or in
    pieces only as long as nothing is found.

    What the register itself renders was judged when it came in.
    """
    if parsed.inbound.endpoint == SUBSCRIPTION_ENDPOINT:
        return []
    if parsed.inbound.endpoint == QUERY_ENDPOINT:
        return judge_question(parsed, identity, context)
    if isinstance(parsed, parse.Document) and parsed.abridged is not None:
        of_rest = rules_of_abridged(parsed, context)
        if of_rest is not None and parsed.inbound.endpoint in SIGNED_ENDPOINTS:
            of_rest += check_signer(parsed, context)
        if of_rest is not None and not any(
            map(needs_whole, found := versions.check(parsed, identity, context, of_rest))
        ):
            return found
        parsed.become_unabridged()
    if isinstance(parsed, parse.Document) and parsed.pieces is not None:
        found = versions.check(
            parsed,
            identity,
            context,
            check_signer(parsed, context),
        )
        names = {item.report_id or item.register_id for item in parsed.items}
        plain = all(finding.rule == "ir.many-reports" for finding in found) and len(names) == len(
            parsed.items
        )
        if plain and not any(rules(piece, identity, context) for piece in parse.in_pieces(parsed)):
            return found
        parsed.become_whole()
    found = rules(parsed, identity, context)
    if parsed.inbound.endpoint in SIGNED_ENDPOINTS:
        found += check_signer(parsed, context)
    return versions.check(parsed, identity, context, found)


def declare(known: RecognitionCache | None) -> Channel:
    """The channel with its caches of what it has judged; None: it recognises nothing."""
    return Channel(
        name="income-register",
        titles={"fi": "Tulorekisteri", "sv": "Inkomstregistret", "en": "Incomes Register"},
        families=("income_register",),
        endpoints=listen.ENDPOINTS,
        parse=partial(parse.parse, known=known),
        identify=identify.identify,
        route=route,
        permitted=permitted,
        request=deliver.request,
        judge=deliver.judge,
        rules=judge,
        verdict=verdict.verdict,
        recall=versions.recall,
        remember=remember.remember,
        remember_rejected=remember.remember_rejected,
        item_of=identify.item_of,
        refuse=soap.refuse,
        pushes=deliver.PUSHES,
        shapes=interface.SHAPES,
        refusals=interface.FAULT,
        processes={
            EMPTY: {
                "fi": "Poiminta, jossa ei ollut ilmoituksia",
                "sv": "Uttag utan anmälningar",
                "en": "Extraction without reports",
            }
        },
        watches=(extraction.WATCH,),
        files=files.FILES,
        without_recognition=partial(declare, None),
    )


CHANNEL = declare(RecognitionCache())
