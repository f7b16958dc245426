"""Kelmu as an organisation's worker uses it in a browser: which pages there are; what each form
asks and each answer says lies beside.

That caseworkers sign in by Suomi.fi and have mandates by task is public (kela.fi, "Ohjeet Kelan
etuustietopalvelu Kelmun käyttäjälle"); how the pages look is *modelled*.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from exchange.adapters.kelmu.caseworker.documents import DOCUMENT
from exchange.adapters.kelmu.caseworker.form import HANDLE, titles
from exchange.adapters.kelmu.caseworker.queries import QUERY, VIEW
from exchange.adapters.kelmu.caseworker.work_lists import ANSWER, MOVE, NOTICES, REQUESTS
from exchange.adapters.kelmu.identify import REQUEST, REQUEST_ANSWER, WITHDRAWAL
from exchange.adapters.kelmu.rights import RIGHTS
from exchange.ports.caseworkers import CaseworkerPages, OpenWork
from exchange.schemas.directory import Partner
from exchange.schemas.kelmu.codes import PURPOSES


def may_sign_in(partner: Partner) -> bool:
    """Whether its caseworkers may ask at all."""
    return RIGHTS.of(partner) is not None


RULES = tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))

PAGES = CaseworkerPages(
    path="/kelmu/",
    title=titles(
        "Kelan etuustietopalvelu Kelmu",
        "FPA:s förmånsinformationstjänst Kelmu",
        "Kela's benefit data service Kelmu",
    ),
    mandates=(VIEW, HANDLE),
    tasks=(QUERY, REQUESTS, ANSWER, DOCUMENT, NOTICES, MOVE),
    may_sign_in=may_sign_in,
    id_header="X-Message-Id",
    purposes={name: code.title for name, code in PURPOSES.items()},
    rules=RULES,
    open_work=OpenWork(
        title=titles(
            "Avoimet tietopyynnöt", "Öppna informationsbegäranden", "Open information requests"
        ),
        opened=REQUEST,
        answered=REQUEST_ANSWER,
        withdrawn=WITHDRAWAL,
    ),
)
