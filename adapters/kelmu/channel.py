"""Kelmu's declaration as a channel; what it does stands in the files beside."""

from __future__ import annotations

from exchange.adapters.kelmu.caseworker import PAGES
from exchange.adapters.kelmu.deliver import PUSHES, judge, request
from exchange.adapters.kelmu.endpoints import ENDPOINTS
from exchange.adapters.kelmu.identify import (
    identify,
    item_of,
    items_by_kind,
    pushes_only_to,
    route,
    verdict,
)
from exchange.adapters.kelmu.interface import SHAPES
from exchange.adapters.kelmu.memory import recall, remember, remember_refused
from exchange.adapters.kelmu.parse import parse
from exchange.adapters.kelmu.rules import permitted, rules
from exchange.adapters.kelmu.scheduled import WATCH
from exchange.adapters.kelmu.soap import ENDPOINT, OPERATION, PATH, wsdl
from exchange.ports import Channel
from exchange.ports.services import Service

#: That Kelmu can be called over X-Road is *modelled*; the member is Kela's benefit processing.
SERVICES = (
    Service(member="GOV/9000038-8", subsystem="Kelmu", code="kelmu", kind="REST", path="/kelmu/v1"),
    Service(
        member="GOV/9000038-8",
        subsystem="Kelmu",
        code=OPERATION,
        kind="SOAP",
        path=PATH,
        version="v1",
        wsdl=wsdl,
    ),
)

CHANNEL = Channel(
    name="kelmu",
    titles={
        "fi": "Kelan etuustietopalvelu Kelmu",
        "sv": "FPA:s förmånsinformationstjänst Kelmu",
        "en": "Kela's benefit data service Kelmu",
    },
    families=("kelmu",),
    endpoints=(*ENDPOINTS, ENDPOINT),
    parse=parse,
    identify=identify,
    route=route,
    request=request,
    judge=judge,
    rules=rules,
    permitted=permitted,
    verdict=verdict,
    recall=recall,
    remember=remember,
    remember_rejected=remember_refused,
    item_of=item_of,
    items_by_kind=items_by_kind,
    attachments=True,
    watches=(WATCH,),
    pushes=PUSHES,
    shapes=SHAPES,
    pushes_only_to=pushes_only_to,
    services=SERVICES,
    caseworkers=PAGES,
)
