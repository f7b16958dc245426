"""The channel eessi as it declares itself to the exchange; every function it names lives
beside it.
"""

from __future__ import annotations

from exchange.adapters.eessi.deliver import PUSHES, judge, request
from exchange.adapters.eessi.identify import (
    identify,
    permitted,
    pushes_only_to,
    route,
    verdict,
)
from exchange.adapters.eessi.interface import SHAPES
from exchange.adapters.eessi.listen import ENDPOINTS
from exchange.adapters.eessi.parse import parse
from exchange.adapters.eessi.rules import recall, remember, rules
from exchange.adapters.eessi.sequence import CASES
from exchange.ports import Channel
from exchange.schemas.eessi.processes import load

CHANNEL = Channel(
    name="eessi",
    titles={
        "fi": "EESSI: sosiaaliturvan tietojenvaihto muiden maiden kanssa",
        "sv": "EESSI: utbyte av socialförsäkringsuppgifter med andra länder",
        "en": "EESSI: exchange of social security information with other countries",
    },
    families=("eessi",),
    endpoints=ENDPOINTS,
    parse=parse,
    identify=identify,
    route=route,
    permitted=permitted,
    request=request,
    judge=judge,
    rules=rules,
    verdict=verdict,
    recall=recall,
    remember=remember,
    pushes=PUSHES,
    shapes=SHAPES,
    pushes_only_to=pushes_only_to,
    cases=CASES,
    # (Whoever works with processes says their codes.)
    processes={
        name: {language: f"{name} {text}" for language, text in process.title.items()}
        for name, process in load().by_name.items()
    },
)
