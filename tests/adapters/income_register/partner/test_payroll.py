"""Documents that somebody else made, as the register's partners send them: one report goes to the
real-time service; nothing is taken in.
"""

from __future__ import annotations

import datetime
import random

import pytest

from exchange.adapters.income_register import generate
from exchange.adapters.income_register.partner import STUB
from exchange.adapters.income_register.partner.signing import signed
from exchange.schemas import directory

DAY = datetime.date(2026, 11, 25)


@pytest.mark.parametrize("kind", ["wage", "benefit"])
@pytest.mark.parametrize(
    ("real_time", "count", "plural"), [(True, 1, ""), (False, 1, "s"), (False, 3, "s")]
)
def test_a_document_goes_to_the_service_that_takes_it(
    kind: str, real_time: bool, count: int, plural: str
) -> None:
    sender = directory.load().get("employer.demo-oy" if kind == "wage" else "kela.benefits")
    assert sender is not None
    batch = generate.Batch(sender.business_id, sender.business_id, DAY, "D-1", count, real_time)
    rng = random.Random(1)
    body = (
        generate.wage_delivery(rng, batch)
        if kind == "wage"
        else generate.benefit_delivery(rng, batch, "kela")
    )
    call = STUB.submit(sender, f"income-register.{kind}-reports", "", body, "")
    assert call.headers["SOAPAction"] == f'"Send{kind.capitalize()}Report{plural}"'
    inside = body.rpartition(b"</")[0]
    assert inside + b"<ds:Signature " in call.body, "it is signed as the partner"
    again = STUB.submit(
        sender, f"income-register.{kind}-reports", "", signed(body, sender.business_id), ""
    )
    assert again.body.count(b"<ds:Signature ") == 1, "what is signed is not signed again"
