"""Luova as it declares itself to the exchange; every part of it is in its own module."""

from __future__ import annotations

from exchange.adapters.luova import discovery
from exchange.adapters.luova.deliver import PUSHES, judge, request
from exchange.adapters.luova.files import FILES
from exchange.adapters.luova.identify import identify
from exchange.adapters.luova.interface import SHAPES
from exchange.adapters.luova.items import item_of, items_by_kind
from exchange.adapters.luova.listen import ENDPOINTS
from exchange.adapters.luova.parse import parse
from exchange.adapters.luova.routing import permitted, route
from exchange.adapters.luova.rules.judge import rules, verdict
from exchange.adapters.luova.rules.memory import question, recall, remember
from exchange.ports.channel import Channel

#: Ten thousand changes of the population register, the most in one message, fit into it.
LARGE_JSON_BYTES_MAX = 4_194_304

CHANNEL = Channel(
    name="luova",
    titles={
        "fi": "Luova: luovutus- ja vastaanottopalvelut",
        "sv": "Luova: tjänster för utlämnande och mottagande",
        "en": "Luova: services for giving and receiving data",
    },
    families=discovery.names(),
    endpoints=ENDPOINTS,
    parse=parse,
    identify=identify,
    route=route,
    permitted=permitted,
    request=request,
    judge=judge,
    rules=rules,
    question=question,
    recall=recall,
    remember=remember,
    verdict=verdict,
    items_by_kind=items_by_kind,
    item_of=item_of,
    attachments=True,
    pushes=PUSHES,
    shapes=SHAPES,
    files=FILES,
    large_json_bytes_max=dict.fromkeys(("api", FILES.endpoint), LARGE_JSON_BYTES_MAX),
)
