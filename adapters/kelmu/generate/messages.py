"""Valid synthetic messages of Kelmu about persons of the population; no traffic and no replies."""

from __future__ import annotations

import datetime
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from exchange.adapters.kelmu.generate import lists, social_assistance
from exchange.adapters.kelmu.generate.records import records
from exchange.schemas.call import JSON
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.kelmu.codes import STATEMENTS
from exchange.schemas.persons import person

#: What an organisation (by sector, or by its own id) asks for: purposes with an act, benefits, data
#: groups, months back.
HABITS: Mapping[str, tuple[Sequence[tuple[str, str]], Sequence[str], Sequence[str], int]] = {
    "municipality": (
        (("early-education-fees", "1503/2016"), ("labour-market-support-share", "1290/2002")),
        ("child-care-support", "unemployment-security"),
        ("decision", "payments"),
        12,
    ),
    "wellbeing-county": (
        (
            ("supplementary-social-assistance", "1412/1997"),
            ("social-services", "1301/2014"),
            ("client-fees", "734/1992"),
        ),
        (
            "basic-social-assistance",
            "general-housing-allowance",
            "unemployment-security",
            "pensions",
            "child-benefit",
        ),
        ("pendency", "decision", "payments"),
        6,
    ),
    "pension-institution": (
        (("pension-determination", "395/2006"), ("pension-determination", "81/2016")),
        ("pensions", "sickness-allowances", "rehabilitation-allowances", "unemployment-security"),
        ("decision", "payments", "insurance"),
        60,
    ),
    "unemployment-fund": (
        (("earnings-related-unemployment-benefit", "1290/2002"),),
        ("unemployment-security", "sickness-allowances", "parental-allowances"),
        ("pendency", "decision", "payments"),
        24,
    ),
    "other-authority": (
        (("enforcement", "705/2007"),),
        ("pensions", "unemployment-security"),
        ("decision", "payments"),
        6,
    ),
    "employment-services": (
        (("employment-services", "380/2023"),),
        ("unemployment-security", "rehabilitation-allowances"),
        ("pendency", "decision"),
        12,
    ),
    "tyollisyysrahasto": (
        (("adult-education-benefits", "1276/2000"),),
        ("financial-aid-for-students", "unemployment-security"),
        ("decision", "payments"),
        24,
    ),
    "accident-insurers-centre": (
        (("accident-compensation", "459/2015"),),
        ("sickness-allowances", "rehabilitation-allowances", "pensions"),
        ("decision", "payments", "insurance"),
        60,
    ),
}
HABITS = {
    **HABITS,
    "helsinki": HABITS["wellbeing-county"],
    "municipality.mariehamn": HABITS["wellbeing-county"],
}

_QUESTIONS = (
    "Asiakas on hakenut perustoimeentulotukea. Pyydämme tietoa ratkaisua varten.",
    "Onko asiakkaalle myönnetty täydentävää tai ehkäisevää toimeentulotukea hakemuksen ajalta?",
    "Pyydämme lausuntoa asumismenojen kohtuullisuudesta.",
    "Onko asiakkaan palvelutarve arvioitu?",
)


def encode(value: Any) -> bytes:
    """JSON as it goes over the wire."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _message_id(rng: random.Random, mark: str, serial: int) -> str:
    return f"{mark}-{serial:x}-{rng.getrandbits(32):08x}"


def _asking(rng: random.Random, day: datetime.date, asker: str) -> dict[str, Any]:
    purposes, benefits, groups, months_back = HABITS[asker]
    purpose, act = rng.choice(purposes)
    asked = sorted(rng.sample(range(len(benefits)), rng.randint(1, len(benefits))))
    return {
        "purpose": purpose,
        "legal_ground": act,
        "user": f"user{rng.randint(1, 400):04d}",
        "benefits": [benefits[index] for index in asked],
        "data_groups": list(groups),
        "from": (day - datetime.timedelta(days=30 * rng.randint(1, months_back))).isoformat(),
        "to": day.isoformat(),
    }


def benefit_query(
    rng: random.Random, day: datetime.date, serial: int, asker: str = "wellbeing-county"
) -> Generated:
    """A query about one person, as the asker (a key of `HABITS`) makes it."""
    body = {"person": person(rng, day).personal_identity_code, **_asking(rng, day, asker)}
    return Generated(encode(body), JSON, _message_id(rng, "q", serial))


def benefit_query_bulk(
    rng: random.Random,
    day: datetime.date,
    serial: int,
    asker: str = "pension-institution",
    persons_max: int = 50,
) -> Generated:
    """A query about 2 to `persons_max` persons."""
    codes = list(
        dict.fromkeys(
            person(rng, day).personal_identity_code for _ in range(rng.randint(2, persons_max))
        )
    )
    body = {"persons": codes, **_asking(rng, day, asker)}
    return Generated(encode(body), JSON, _message_id(rng, "b", serial), len(codes))


def benefit_answer(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """The register's answer to some query."""
    query = json.loads(benefit_query(rng, day, serial).body)
    known = records(query["person"], query) or {"person": query["person"]}
    return Generated(encode({"results": [known]}), JSON, _message_id(rng, "a", serial))


def information_request(
    rng: random.Random, day: datetime.date, serial: int, county: str = "county.pirkanmaa"
) -> Generated:
    """Kela asks a county for one or two statements."""
    body = {
        "county": county,
        "person": person(
            rng, day, born_before=day.replace(year=day.year - 18, day=1)
        ).personal_identity_code,
        "benefit": "basic-social-assistance",
        "statements": rng.sample(list(STATEMENTS), rng.randint(1, 2)),
        "question": rng.choice(_QUESTIONS),
        "user": f"kela{rng.randint(1, 900):04d}",
        "answer_by": (day + datetime.timedelta(days=rng.randint(5, 14))).isoformat(),
    }
    return Generated(encode(body), JSON, _message_id(rng, "r", serial))


def statements(rng: random.Random, reference: str, asked: Sequence[str]) -> bytes:
    """A county's answer to the request `reference`: something to state of most that is asked."""
    given: list[dict[str, Any]] = []
    for name in asked:
        known = rng.random() < 0.8
        text = (
            {
                "text": "Asiakas on sosiaalihuollon asiakkaana; tieto on annettu "
                "asiakastietojärjestelmästä."
            }
            if known
            else {}
        )
        given.append({"statement": name, "known": known, **text})
    return encode(
        {"information_request": reference, "given": given, "user": f"user{rng.randint(1, 400):04d}"}
    )


def information_request_answer(rng: random.Random, day: datetime.date, serial: int) -> Generated:
    """A county's answer to some request."""
    asked = rng.sample(list(STATEMENTS), rng.randint(1, 2))
    body = statements(rng, _message_id(rng, "r", serial), asked)
    return Generated(body, JSON, _message_id(rng, "s", serial))


GENERATORS: dict[str, Generator] = {
    "kelmu.benefit-query": benefit_query,
    "kelmu.benefit-query-bulk": benefit_query_bulk,
    "kelmu.benefit-answer": benefit_answer,
    "kelmu.information-request": information_request,
    "kelmu.information-request-answer": information_request_answer,
    "kelmu.information-request-withdrawal": social_assistance.withdrawal,
    "kelmu.information-request-reminder": social_assistance.reminder,
    "kelmu.document": social_assistance.document,
    "kelmu.notice": social_assistance.notice,
    "kelmu.notice-transfer": social_assistance.notice_transfer,
    "kelmu.work-list-query": social_assistance.work_list_query,
    "kelmu.list-query": lists.list_query,
    "kelmu.list-answer": lists.list_answer,
}
