"""The same id again, with the same and with other bytes, one after the other and at once; and
senders whose clock is wrong.
"""

from __future__ import annotations

import asyncio
import datetime

import pytest

from tests.journeys.bad_input.conftest import Target
from tests.journeys.bad_input.forms import FORMS, Form, with_body

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMED = [form for form in FORMS if form.ahead is not None]


async def test_the_same_message_again_gets_the_same_receipt(target: Target, form: Form) -> None:
    call = form.sending().call
    async with target.counting(form, received=3, accepted=1, duplicate=2):
        answers = [await target.call(call) for _ in range(3)]
    receipts = {body for _, _, body in answers}
    assert len(receipts) == 1
    assert form.accepted(answers[0][0], receipts.pop())


async def test_the_same_message_many_times_at_once_is_taken_once(
    target: Target, form: Form
) -> None:
    call = form.sending().call
    async with target.counting(form, received=8, accepted=1, duplicate=7):
        answers = await asyncio.gather(*(target.call(call) for _ in range(8)))
    receipts = {body for status, _, body in answers if form.accepted(status, body)}
    assert len(receipts) == 1
    # Who asks again while the answer is being fetched is told to come again.
    assert all(form.accepted(status, body) or status == 409 for status, _, body in answers)


async def test_other_bytes_under_the_same_id_are_rejected(target: Target, form: Form) -> None:
    call = form.sending().call
    async with target.counting(form, received=3, accepted=1, rejected=1, duplicate=1):
        _, _, receipt = await target.call(call)
        _, told, _ = await target.refused(form, with_body(call, call.body + b"\n"))
        _, _, again = await target.call(call)
    assert form.reused_rule in told
    assert again == receipt, "the first message stands as it was"


async def test_a_rejected_message_may_come_again_put_right(target: Target, form: Form) -> None:
    call = form.sending().call
    async with target.counting(form, received=2, accepted=1, rejected=1):
        await target.refused(form, with_body(call, call.body[:-40]))
        status, _, body = await target.call(call)
    assert form.accepted(status, body), body


@pytest.mark.parametrize("timed", TIMED, ids=lambda form: form.name)
async def test_a_clock_more_than_a_day_ahead(target: Target, timed: Form) -> None:
    assert timed.ahead is not None
    call = timed.ahead(timed.sending().call, datetime.timedelta(hours=25))
    async with target.counting(timed, received=1, rejected=1):
        _, told, _ = await target.refused(timed, call)
    assert timed.clock_rule in told


@pytest.mark.parametrize("timed", TIMED, ids=lambda form: form.name)
async def test_a_clock_an_hour_ahead_is_no_matter(target: Target, timed: Form) -> None:
    assert timed.ahead is not None
    call = timed.ahead(timed.sending().call, datetime.timedelta(hours=1))
    async with target.counting(timed, received=1, accepted=1):
        status, _, body = await target.call(call)
    assert timed.accepted(status, body), body


async def test_luova_refuses_a_clock_more_than_a_day_behind(target: Target) -> None:
    timed = FORMS[0]
    assert timed.ahead is not None
    async with target.counting(timed, received=1, rejected=1):
        _, told, _ = await target.refused(
            timed, timed.ahead(timed.sending().call, datetime.timedelta(hours=-25))
        )
    assert timed.clock_rule in told
