"""Dead letters and receivers as operators see and change them."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

from exchange.ports import Actor, Operator
from exchange.ports.ledger import DeadFilter, DeliveryRow
from exchange.schemas.call import Reply
from exchange.schemas.envelope import public_id
from tests.exchange.journey.way import FIRST, SECOND, Script, way
from tests.exchange.web.dead import die
from tests.exchange.web.test_api import document, holds
from tests.journeys.running import Running, running
from tests.waiting import WAIT_SECONDS

JSON_TYPE = {"Content_Type": "application/json"}


async def told(served: Running, path: str) -> tuple[int, object]:
    status, _, body = await served.get(path)
    return status, json.loads(body)


async def test_an_unknown_query_parameter_is_told_on_every_address(tmp_path: Path) -> None:
    async with running(tmp_path) as served:
        _, described = await told(served, "/api/openapi.json")
        assert isinstance(described, dict)
        paths = [
            path
            for path, methods in described["paths"].items()
            if path.startswith("/api/") and "get" in methods
        ]
        assert len(paths) > 5
        for path in paths:
            path = re.sub(r"\{[^}]*\}", "0" * 32, path)
            status, problem = await told(served, f"{path}?recevier=x")
            assert status == 400, path
            assert isinstance(problem, dict)
            assert "recevier" in problem["detail"]


async def test_a_receiver_is_paused_and_resumed_over_the_interface(tmp_path: Path) -> None:
    async with running(tmp_path) as served:
        for what, changed in (("pause", True), ("pause", False), ("resume", True)):
            path = f"/api/v1/partners/fund.pro/{what}"
            status, _, body = await served.post(path, "{}", **JSON_TYPE)
            assert (status, json.loads(body)["changed"]) == (200, changed)
        assert (await served.post("/api/v1/partners/nobody/pause", "{}", **JSON_TYPE))[0] == 404
        _, states = await told(served, "/api/v1/partners")
        assert isinstance(states, list)
        assert [(each["receiver"], each["state"]) for each in states] == [("fund.pro", "up")]
        status, wrong = await told(served, "/api/v1/dead-letters?since=yesterday")
        assert status == 400, wrong


async def test_followers_of_a_dead_letter_wait_until_it_is_sent_again_or_skipped(
    tmp_path: Path,
) -> None:
    bad = {"a-0", "b-0", "loose"}

    async def answer(receiver: str, message_id: str, attempt: int) -> Reply:
        return Reply(499 if message_id in bad else 200)

    async with way(tmp_path, Script(answer)) as through:
        exchange = through.exchange
        sent = {
            f"{talk}-{number}": await through.send(f"{talk}-{number}", conversation=talk)
            for number in range(3)
            for talk in "ab"
        }
        loose = await through.send("loose", SECOND)

        async def delivery(message: int) -> DeliveryRow:
            return (await exchange.ledger.deliveries(message))[0]

        async def states(talk: str) -> list[str]:
            return [(await delivery(sent[f"{talk}-{number}"])).state for number in range(3)]

        async def until(talk: str, wanted: list[str]) -> None:
            async with asyncio.timeout(WAIT_SECONDS):
                while await states(talk) != wanted:
                    await asyncio.sleep(0.01)

        for talk in "ab":
            await until(talk, ["dead", "waiting", "waiting"])
        async with asyncio.timeout(WAIT_SECONDS):
            while (await delivery(loose)).state != "dead":
                await asyncio.sleep(0.01)
        every = await exchange.ledger.dead_causes(DeadFilter())
        assert every == {"refused": 3}
        assert await exchange.ledger.dead_causes(DeadFilter(SECOND)) == {"refused": 1}
        assert len(await exchange.ledger.dead(10, wanted=DeadFilter(FIRST))) == 2
        assert not await exchange.ledger.dead(10, wanted=DeadFilter(FIRST, "other.type"))

        bad.clear()
        actor = Actor(Operator("someone", "operator"), "127.0.0.1")
        skipped = await exchange.mailboxes.skip([(await delivery(sent["a-0"])).id], actor)
        resent = await exchange.mailboxes.resend([(await delivery(sent["b-0"])).id], actor)
        assert len(skipped) == len(resent.resent) == 1
        await until("a", ["skipped", "delivered", "delivered"])
        await until("b", ["delivered"] * 3)
        taken = [name for _, name in through.script.taken]
        assert [name for name in taken if name[0] == "a"] == ["a-1", "a-2"]
        assert [name for name in taken if name[0] == "b"] == ["b-0", "b-1", "b-2"]
        audited = await exchange.ledger.audited(10)
        assert sorted(row.what for _, row in audited) == ["resend", "skip"]


async def test_each_answer_is_what_the_description_says(tmp_path: Path) -> None:
    path = "/api/v1/dead-letters"
    async with running(tmp_path) as served:
        described = await document(served)
        ids = [public_id(await die(served.exchange, f"m-{n}", "http-503")) for n in range(3)]

        async def post(address: str, data: object) -> tuple[int, object]:
            status, _, body = await served.post(address, json.dumps(data), **JSON_TYPE)
            return status, json.loads(body)

        for address, data, wanted in (
            (f"{path}/resend", {"deliveries": [ids[0], "0" * 32]}, 200),
            (f"{path}/skip", {"deliveries": [ids[1], "0" * 32]}, 200),
            (f"{path}/resend", {"filter": {"reason": "http-503"}, "per_second": 1}, 202),
            (f"{path}/resend", {"filter": {}}, 409),
            (f"{path}/skip", {"filter": {}}, 409),
            (f"{path}/job/stop", {}, 200),
            (f"{path}/job/stop", {}, 404),
            ("/api/v1/partners/fund.pro/pause", {"reason": "moving house"}, 200),
            ("/api/v1/partners/fund.pro/pause", {"reason": 7}, 400),
        ):
            status, answer = await post(address, data)
            assert status == wanted, (address, answer)
            described_as = address.replace("fund.pro", "{id}")
            holds(described, described_as, "post", status, answer)
        for address in (f"{path}/job", path, "/api/v1/partners"):
            status, answer = await told(served, address)
            assert status == 200
            assert answer
            holds(described, address, "get", 200, answer)
