"""The population register's declaration as a channel; what it does stands in the files beside."""

from __future__ import annotations

from exchange.adapters.population_register.answer import refuse
from exchange.adapters.population_register.deliver import judge, request
from exchange.adapters.population_register.identify import identify, may_ask, permitted, route
from exchange.adapters.population_register.interface import SHAPES
from exchange.adapters.population_register.listen import ENDPOINT, ENDPOINTS
from exchange.adapters.population_register.parse import parse
from exchange.adapters.population_register.person_query import endpoint as person_query
from exchange.adapters.population_register.person_query.wsdl import wsdl
from exchange.adapters.population_register.rules import rules
from exchange.ports import Channel
from exchange.ports.channel import basic_or_key
from exchange.ports.services import Service

#: A large town asks about all its residents at once.
QUESTION_BYTES_MAX = 8_388_608

#: DVV, by its published business id.
MEMBER = "GOV/0245437-2"
SERVICES = (
    Service(
        member=MEMBER,
        subsystem="VTJmutpa",
        code="VTJmutpa",
        kind="REST",
        path="/population-register",
        may=may_ask,
    ),
    Service(
        member=MEMBER,
        subsystem="VTJkysely",
        code="HenkilonTunnusKysely",
        version="v1",
        kind="SOAP",
        path=person_query.PATH,
        wsdl=wsdl,
        may=may_ask,
    ),
)

CHANNEL = Channel(
    name="population-register",
    titles={
        "fi": "Väestötietojärjestelmän muutostietopalvelu",
        "sv": "Befolkningsdatasystemets ändringstjänst",
        "en": "Population information system, change interface",
    },
    families=("population_register",),
    endpoints=(*ENDPOINTS, *person_query.ENDPOINTS),
    parse=parse,
    identify=identify,
    route=route,
    permitted=permitted,
    request=request,
    judge=judge,
    rules=rules,
    refuse=refuse,
    credentials=basic_or_key,
    has_basic_credentials=True,
    services=SERVICES,
    shapes=SHAPES,
    large_json_bytes_max={ENDPOINT: QUESTION_BYTES_MAX},
)
