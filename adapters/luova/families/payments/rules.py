"""Business rules on payment messages: counts, control sums, accounts, references, days; their shape
is the XSD's.

Sources: ISO 20022 (counts and control sums), ISO 13616 (IBAN), ISO 11649 (RF references), Finance
Finland (national reference numbers, benefits as category purpose SALA), EPC132-08 (RF references
name issuer ISO).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import chain, islice
from typing import Any

from lxml import etree

from exchange.adapters.luova.rules.fields import Keys, Remembering, Rule, day_of
from exchange.ports.message import Context, Identity, Parsed
from exchange.ports.rows import Remember
from exchange.schemas.bank_days import bank_day_from, is_bank_day
from exchange.schemas.identifiers import is_creditor_reference, is_iban
from exchange.schemas.violation import Finding

Element = Any
NAMESPACE = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.09}"
#: Once so many findings stand, the payments that follow are not looked at.
FINDINGS_MAX = 200
MESSAGE_ID_CHARACTERS_MAX = 35
#: How many days ahead of its message a payment may lie (*modelled*).
AHEAD_DAYS_MAX = 365

_DOWN = f"/{NAMESPACE}"
_CATEGORY = f"{NAMESPACE}PmtTpInf{_DOWN}CtgyPurp{_DOWN}Cd"
_REFERENCE = f"{NAMESPACE}Ref"
#: Between texts that are looked at as one: no XML document can hold it.
_BETWEEN = "\0"
#: Amounts as banks write them, each with that character after it.
_PLAIN_AMOUNTS = re.compile(r"(?:[0-9]{1,15}\.[0-9]{2}\0)*")
_FINNISH_IBAN = re.compile(r"FI[0-9]{16}")
#: Those with check digits from 02 to 98, that character after each.
_FINNISH_IBANS = re.compile(r"(?:FI(?:0[2-9]|[1-8][0-9]|9[0-8])[0-9]{14}\0)+")
_FI_AS_DIGITS = "1518"


def _path(path: str, function: str = "") -> Any:
    """An XPath down these elements, compiled once; one call in C instead of one for each
    payment.
    """
    steps = "/".join(f"p:{step}" for step in path.split("/"))
    return etree.XPath(
        f"{function}({steps})" if function else steps, namespaces={"p": NAMESPACE[1:-1]}
    )


_COUNT = _path("CdtTrfTxInf", "count")
_AMOUNTS = _path("CdtTrfTxInf/Amt/InstdAmt")
_ENDS = _path("CdtTrfTxInf/PmtId/EndToEndId")
_ACCOUNTS = _path("CdtTrfTxInf/CdtrAcct/Id/IBAN")
_REFERENCES = _path("CdtTrfTxInf/RmtInf/Strd/CdtrRefInf")
_ISSUERS = _path("Tp/Issr")


def credit_transfers(parsed: Parsed, context: Context) -> list[Finding]:
    """Every finding on the header, each instruction and each payment (as item); no further payment
    is judged once 200 stand.
    """
    initiation = parsed.document.find(f"{NAMESPACE}CstmrCdtTrfInitn")
    header = None if initiation is None else initiation.find(f"{NAMESPACE}GrpHdr")
    if header is None:
        return []
    findings: list[Finding] = []
    seen: set[str] = set()
    findings += _message_id(header, parsed, context)
    count, cents = 0, 0
    is_known = True
    created = day_of(header.find(f"{NAMESPACE}CreDtTm"))
    for instruction in initiation.iterchildren(f"{NAMESPACE}PmtInf"):
        own_count, own_cents = int(_COUNT(instruction)), _sum(_AMOUNTS(instruction))
        findings += _totals(instruction, own_count, own_cents, "instruction") + _instruction(
            instruction, created
        )
        of_payments = list(
            islice(_payments(instruction, seen), max(FINDINGS_MAX - len(findings), 0))
        )
        if of_payments:
            _number(instruction, count, of_payments)
            findings += of_payments
        count, cents = count + own_count, cents + (own_cents or 0)
        is_known = is_known and own_cents is not None
    return _totals(header, count, cents if is_known else None, "message") + findings


def _key(parsed: Parsed) -> str:
    """Under which a MsgId is remembered: it is unique between two parties; empty without one."""
    element = parsed.document.find(f"{NAMESPACE}CstmrCdtTrfInitn{_DOWN}GrpHdr{_DOWN}MsgId")
    text = "" if element is None else (element.text or "")
    receiver = parsed.inbound.hints.get("receiver", "")[:100]
    given = 0 < len(text) <= MESSAGE_ID_CHARACTERS_MAX
    return f"payments.message:{parsed.inbound.partner.id}:{receiver}:{text}" if given else ""


def keys(parsed: Parsed) -> Sequence[str]:
    """What may be remembered of the message's MsgId."""
    key = _key(parsed)
    return (key,) if key else ()


def remembered(parsed: Parsed, identity: Identity, context: Context) -> Sequence[Remember]:
    """By which message the MsgId came."""
    key = _key(parsed)
    if not key or key in context.known:
        return ()
    return (Remember(key, identity.sender_message_id, with_message=True),)


def _message_id(header: Element, parsed: Parsed, context: Context) -> list[Finding]:
    """MsgId identifies a message between two parties: another message does not bear it again.

    Source: ISO 20022, pain.001.001.09, GroupHeader MessageIdentification ("unique per instructed
    party"); the banks' answers refer to it as OrgnlMsgId.
    """
    known = context.known.get(_key(parsed))
    # The same message again is the ledger's to know: it gets its receipt again.
    if known is None or known.value == parsed.inbound.hints.get("id"):
        return []
    element = header.find(f"{NAMESPACE}MsgId")
    return [
        Finding(
            rule="payments.message-id",
            message="another message to this receiver had this MsgId",
            at=element,
            expected="a MsgId of its own for each message to a bank",
            found=(element.text or "")[:MESSAGE_ID_CHARACTERS_MAX],
        )
    ]


def _number(instruction: Element, before: int, findings: Iterable[Finding]) -> None:
    """Tell each finding which payment of the message it is about."""
    tag = f"{NAMESPACE}CdtTrfTxInf"
    numbers = {
        payment: number for number, payment in enumerate(instruction.iterchildren(tag), before)
    }
    for finding in findings:
        finding.item = numbers[next(finding.at.iterancestors(tag))]


def _sum(amounts: list[Element]) -> int | None:
    """The sum of the amounts in cents, None when one is none; reckoned all at once when each is
    written plainly.
    """
    texts = _BETWEEN.join([amount.text or "" for amount in amounts]) + _BETWEEN
    if _PLAIN_AMOUNTS.fullmatch(texts):
        return sum(map(int, texts[:-1].replace(".", "").split(_BETWEEN)))
    cents = [_cents(amount) for amount in amounts]
    return None if None in cents else sum(each for each in cents if each is not None)


def _cents(element: Element | None) -> int | None:
    """An amount in cents, exactly; None when there is none or it is none."""
    text = "" if element is None else (element.text or "")
    euros, _, rest = text.partition(".")
    if euros.isdigit() and len(rest) == 2 and rest.isdigit() and len(euros) < 16 and text.isascii():
        return int(euros + rest)
    try:
        cents = Decimal(text.strip()) * 100
    except InvalidOperation:
        return None
    return int(cents) if cents.is_finite() and abs(cents) < 10**18 else None


def _totals(element: Element, count: int, cents: int | None, of: str) -> list[Finding]:
    """`NbOfTxs` and `CtrlSum`, where they are given, are the number of the payments inside and
    their sum (None: not known).
    """
    findings = []
    number = element.find(f"{NAMESPACE}NbOfTxs")
    if (
        number is not None
        and (text := (number.text or "")).isdigit()
        and text.isascii()
        and len(text) < 16
        and int(text) != count
    ):
        message = f"NbOfTxs is the number of payments in the {of}"
        findings.append(
            Finding(
                rule="payments.count", message=message, at=number, expected=str(count), found=text
            )
        )
    control = element.find(f"{NAMESPACE}CtrlSum")
    total = _cents(control)
    if control is not None and total is not None and cents is not None and total != cents:
        message = f"CtrlSum is the sum of the payments in the {of}"
        expected = f"{cents // 100}.{cents % 100:02d}"
        findings.append(
            Finding(
                rule="payments.control-sum",
                message=message,
                at=control,
                expected=expected,
                found=(control.text or "")[:40],
            )
        )
    return findings


def _instruction(instruction: Element, created: date | None) -> list[Finding]:
    """The account that is debited, and the day."""
    findings = []
    account = instruction.find(f"{NAMESPACE}DbtrAcct{_DOWN}Id{_DOWN}IBAN")
    if account is not None and not _is_iban(account.text or ""):
        findings.append(
            Finding(
                "payments.iban",
                "not an IBAN",
                account,
                "the length of its country and right check digits",
            )
        )
    category = instruction.find(_CATEGORY)
    if category is not None and category.text != "SALA":
        message = "benefits are paid under category purpose SALA"
        findings.append(
            Finding(
                rule="payments.category",
                message=message,
                at=category,
                expected="SALA",
                found=(category.text or "")[:10],
                severity="warning",
            )
        )
    wanted = instruction.find(f"{NAMESPACE}ReqdExctnDt{_DOWN}Dt")
    day = day_of(wanted)
    if day and created and not created <= day <= created + timedelta(days=AHEAD_DAYS_MAX):
        message = "the day of payment lies neither before the message's own day nor far ahead of it"
        expected = f"{created} to {created + timedelta(days=AHEAD_DAYS_MAX)}"
        findings.append(
            Finding(
                rule="payments.execution-day",
                message=message,
                at=wanted,
                expected=expected,
                found=str(day),
            )
        )
    elif day and not is_bank_day(day):
        message = "no bank works on that day, and the payment waits for the next bank day"
        expected = str(bank_day_from(day, 1))
        findings.append(
            Finding(
                rule="payments.bank-day",
                message=message,
                at=wanted,
                expected=expected,
                found=str(day),
                severity="warning",
            )
        )
    return findings


def _payments(instruction: Element, seen: set[str]) -> Iterator[Finding]:
    """The ids that follow payments to their payees, the accounts and the references."""
    return chain(
        _end_to_end(_ENDS(instruction), seen),
        _accounts(_ACCOUNTS(instruction)),
        chain.from_iterable(map(_reference, _REFERENCES(instruction))),
    )


def _end_to_end(ids: list[Element], seen: set[str]) -> Iterator[Finding]:
    """Ids that the message has already; as a rule none, which a set tells at once."""
    texts = [each.text or "" for each in ids]
    own = set(texts)
    if len(own) == len(texts) and own.isdisjoint(seen):
        seen |= own
        return
    for element, text in zip(ids, texts, strict=True):
        if text in seen and text != "NOTPROVIDED":
            message = "each payment of a message has an end-to-end id of its own"
            yield Finding("payments.end-to-end-id", message, element, found=text[:35])
        seen.add(text)


def _accounts(accounts: list[Element]) -> Iterator[Finding]:
    """The accounts that are none; when all are Finnish in form, their check digits are reckoned
    without a call for each.
    """
    texts = [each.text or "" for each in accounts]
    if _FINNISH_IBANS.fullmatch(_BETWEEN.join(texts) + _BETWEEN):
        rests = {int(text[4:] + _FI_AS_DIGITS + text[2:4]) % 97 for text in texts}
        if rests == {1}:
            return
    for account, text in zip(accounts, texts, strict=True):
        if not _is_iban(text):
            expected = "the length of its country and right check digits"
            yield Finding("payments.iban", "not an IBAN", account, expected)


def _reference(information: Element) -> Iterator[Finding]:
    """An RF reference names ISO as its issuer; any other is a national reference number."""
    reference = next(information.iterchildren(_REFERENCE), None)
    if reference is None:
        return
    text, issuer = reference.text or "", next(iter(_ISSUERS(information)), None)
    if issuer is not None and not issuer.text:
        return  # The schema refused it: it may be any.
    by_iso = issuer is not None and issuer.text == "ISO"
    if text.startswith("RF") and not by_iso:
        found = "nothing" if issuer is None else (issuer.text or "")[:35]
        yield Finding(
            rule="payments.reference-issuer",
            message="an RF reference names its issuer",
            at=reference,
            expected="Issr ISO",
            found=found,
        )
    if text.startswith("RF") or by_iso:
        if not is_creditor_reference(text):
            expected = "RF, check digits by ISO 11649 and up to 21 letters or digits"
            yield Finding(
                rule="payments.reference",
                message="not an RF creditor reference",
                at=reference,
                expected=expected,
                found=text[:35],
            )
    elif not is_reference_number(text):
        expected = "4 to 20 digits, the last of them the check digit"
        yield Finding(
            rule="payments.reference",
            message="not a Finnish reference number",
            at=reference,
            expected=expected,
            found=text[:35],
        )


def is_reference_number(text: str) -> bool:
    """Whether the text is a Finnish reference number: 4 to 20 digits, weights 7, 3, 1 from the
    right (Finance Finland).
    """
    if not (text.isascii() and text.isdigit() and 4 <= len(text) <= 20):
        return False
    # From the right: the check digit and each third digit before it, then those of weight 7, then
    # those of weight 3.
    digits = list(map(int, text))
    return (sum(digits[::-3]) + 7 * sum(digits[-2::-3]) + 3 * sum(digits[-3::-3])) % 10 == 0


def _is_iban(text: str) -> bool:
    """`is_iban`, with a quick way for Finnish ones: a message holds hundreds, and the thorough way
    takes 18 microseconds each.

    Whatever has not the form of a Finnish one is judged thoroughly.
    """
    if _FINNISH_IBAN.fullmatch(text):
        return int(text[4:] + _FI_AS_DIGITS + text[2:4]) % 97 == 1 and "02" <= text[2:4] <= "98"
    return is_iban(text)


RULES: dict[str, Rule] = {"payments.credit-transfers": credit_transfers}
KEYS: dict[str, Keys] = {"payments.credit-transfers": keys}
REMEMBERED: dict[str, Remembering] = {"payments.credit-transfers": remembered}
