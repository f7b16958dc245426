"""The population register's declaration as a channel; what it does stands in the files beside."""

from __future__ import annotations

from exchange.adapters.population_register.answer import credentials, refuse
from exchange.adapters.population_register.deliver import judge, request
from exchange.adapters.population_register.identify import identify, permitted, route
from exchange.adapters.population_register.listen import ENDPOINT, ENDPOINTS
from exchange.adapters.population_register.parse import parse
from exchange.adapters.population_register.rules import rules
from exchange.ports import Channel

#: A large town asks about all its residents at once.
QUESTION_BYTES_MAX = 8_388_608

CHANNEL = Channel(
    name="population-register",
    titles={
        "fi": "Väestötietojärjestelmän muutostietopalvelu",
        "sv": "Befolkningsdatasystemets ändringstjänst",
        "en": "Population information system, change interface",
    },
    families=("population_register",),
    endpoints=ENDPOINTS,
    parse=parse,
    identify=identify,
    route=route,
    permitted=permitted,
    request=request,
    judge=judge,
    rules=rules,
    refuse=refuse,
    credentials=credentials,
    has_basic_credentials=True,
    large_json_bytes_max={ENDPOINT: QUESTION_BYTES_MAX},
)
