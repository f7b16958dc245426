"""Synthetic payment messages of Kela to a bank (pain.001.001.09): prepared bytes with holes,
artificial payees and accounts only.

Payees and their accounts come from a pool that is made once of a seed of its own, so that a payment
costs a microsecond or two: neither names nor accounts tell anything about one another.
"""

from __future__ import annotations

import datetime
import functools
import random

from exchange.adapters.luova.synthetic import moment
from exchange.schemas.bank_days import bank_day_from
from exchange.schemas.call import XML
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.identifiers import make_creditor_reference, make_iban
from exchange.schemas.persons import person

#: Fewest and most payments in a message: 709 on average, as 38,783,069 payments in 54,713 messages
#: (2024) make it; the even spread is *modelled*.
PAYMENTS = (1, 1417)
#: Kela's benefits as payment purposes of ISO 20022's external list, with their *modelled* shares.
PURPOSES: tuple[tuple[bytes, ...], tuple[int, ...]] = (
    (b"BENE", b"SSBE", b"PENS", b"STDY", b"BECH"),
    (30, 25, 20, 15, 10),
)
_POOL = 2_048
_DAY_OF_POOL = datetime.date(2024, 1, 1)
#: Bank groups of invented accounts, each with the BIC of a made-up bank (no bank has location code
#: 00).
_BANKS = ((799, b"DEMAFI00"), (798, b"DEMBFI00"), (797, b"DEMCFI00"))

_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Document '
    b'xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>'
    b"<GrpHdr><MsgId>%b</MsgId><CreDtTm>%b</CreDtTm><NbOfTxs>%d</NbOfTxs><CtrlSum>%b</CtrlSum>"
    b"<InitgPty><Nm>Kela</Nm></InitgPty></GrpHdr><PmtInf><PmtInfId>%b-1</PmtInfId><PmtMtd>"
    b"TRF</PmtMtd>"
    b"<BtchBookg>true</BtchBookg><NbOfTxs>%d</NbOfTxs><CtrlSum>%b</CtrlSum>"
    b"<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><CtgyPurp><Cd>SALA</Cd></CtgyPurp></PmtTpInf>"
    b"<ReqdExctnDt><Dt>%b</Dt></ReqdExctnDt><Dbtr><Nm>Kela</Nm><Id><OrgId><Othr><Id>900000099</Id>"
    b"<SchmeNm><Cd>BANK</Cd></SchmeNm></Othr></OrgId></Id></Dbtr><DbtrAcct><Id><IBAN>%b</IBAN></Id>"
    b"</DbtrAcct>"
    b"<DbtrAgt><FinInstnId><BICFI>%b</BICFI></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>"
)
_PAYMENT = (
    b"<CdtTrfTxInf><PmtId><EndToEndId>%b-%%d</EndToEndId></PmtId>"
    b'<Amt><InstdAmt Ccy="EUR">%%d%%b</InstdAmt></Amt>%%b<Purp><Cd>%%b</Cd></Purp>%%b</CdtTrfTxInf>'
)
#: The cents of an amount, as they stand after its euros.
_CENTS = tuple(b".%02d" % cents for cents in range(100))
_PAYEE = (
    "<CdtrAgt><FinInstnId><BICFI>{bic}</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>{first} "
    "{last}</Nm></Cdtr>"
    "<CdtrAcct><Id><IBAN>{iban}</IBAN></Id></CdtrAcct>"
)
_REFERENCE = (
    "<RmtInf><Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry>{issuer}</Tp><Ref>"
    "{reference}</Ref></CdtrRefInf></Strd></RmtInf>"
)
_TEXT = "<RmtInf><Ustrd>Kela {text}</Ustrd></RmtInf>"
_TAIL = b"</PmtInf></CstmrCdtTrfInitn></Document>"


@functools.cache
def _payees() -> tuple[bytes, ...]:
    rng = random.Random("payees")
    payees = []
    for _ in range(_POOL):
        who, (bank, bic) = person(rng, _DAY_OF_POOL), _BANKS[rng.randrange(len(_BANKS))]
        iban = make_iban(bank, rng.randrange(10**10))
        payees.append(
            _PAYEE.format(
                bic=bic.decode(), first=who.first_name, last=who.last_name, iban=iban
            ).encode()
        )
    return tuple(payees)


@functools.cache
def _remittances() -> tuple[bytes, ...]:
    """What payments say: mostly which benefit, now and then a reference (to landlords and the
    like), national or RF.
    """
    rng = random.Random("remittances")
    texts = ("etuus", "eläke", "asumistuki", "opintotuki", "lapsilisä", "förmån", "pension")
    said = [_TEXT.format(text=text) for text in texts for _ in range(12)]
    for _ in range(8):
        number = rng.randrange(10**6, 10**9)
        national = f"{number}{reference_check(str(number))}"
        said.append(_REFERENCE.format(issuer="", reference=national))
        said.append(
            _REFERENCE.format(
                issuer="<Issr>ISO</Issr>", reference=make_creditor_reference(int(national))
            )
        )
    return tuple(text.encode() for text in said)


def reference_check(number: str) -> int:
    """The check digit of a Finnish reference number: weights 7, 3, 1 from the right, up to the next
    ten (Finance Finland).
    """
    return (
        -sum(int(digit) * (7, 3, 1)[index % 3] for index, digit in enumerate(reversed(number))) % 10
    )


@functools.cache
def _own_account(bank: int) -> tuple[bytes, bytes]:
    group, bic = _BANKS[bank % len(_BANKS)]
    return make_iban(group, 1_000_000 + bank).encode(), bic


def credit_transfers(
    rng: random.Random, date: datetime.date, serial: int, count: int = 0, bank: int = 0
) -> Generated:
    """A message to the `bank`th bank with `count` payments (default: 1 to 1,417), executed two bank
    days later.
    """
    chance = rng.random
    count = count or rng.randint(*PAYMENTS)
    payees, remittances = _payees(), _remittances()
    (purposes, shares), said = PURPOSES, len(remittances)
    of_purpose = rng.choices(purposes, shares, k=count)
    message_id = b"k%x-%x-%x" % (date.toordinal(), rng.getrandbits(32), serial)
    # Ids have at most 35 characters (ISO 20022), a serial number up to 16 of them.
    payment = _PAYMENT % (b"%x.%04x" % (serial, rng.getrandbits(16)))
    cents, parts = 0, [b""]
    for number, purpose in enumerate(of_purpose, 1):
        amount = 1_000 + int(chance() * 180_000)
        cents += amount
        payee, remittance = payees[int(chance() * _POOL)], remittances[int(chance() * said)]
        parts.append(
            payment % (number, amount // 100, _CENTS[amount % 100], payee, purpose, remittance)
        )
    total = b"%d.%02d" % divmod(cents, 100)
    created = moment(rng, date).encode()
    execution = bank_day_from(date, 2).isoformat().encode()
    account, bic = _own_account(bank)
    parts[0] = _HEAD % (
        message_id,
        created,
        count,
        total,
        message_id,
        count,
        total,
        execution,
        account,
        bic,
    )
    parts.append(_TAIL)
    return Generated(b"".join(parts), XML, message_id.decode(), count)


GENERATORS: dict[str, Generator] = {"payments.credit-transfers": credit_transfers}
