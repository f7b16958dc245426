"""Files of Luova: a message whose envelope is its name, or a batch in NDJSON; feedback in the form
of a batch's answer, letters in that of the mailbox. The folders are the journey's.

Everything is *modelled*: nothing public says how Luova exchanges files, or whether it does.
"""

from __future__ import annotations

import re

from exchange.adapters.luova import answer
from exchange.adapters.luova.listen import NDJSON_TYPES, take_batch
from exchange.errors import Full
from exchange.ports import Desk, Inbound, Leased
from exchange.ports.files import FileDrop
from exchange.schemas.call import JSON, XML, Reply, json_reply, problem
from exchange.schemas.directory import Partner
from exchange.schemas.violation import Violation

ENDPOINT = "file"
#: What the parts of a name are, in this order; `~` parts them, and stands in no id.
PARTS = ("type", "id", "receiver", "conversation", "ordered")
_PLAIN = "[A-Za-z0-9._:@;=-]"
NAMES = re.compile(
    rf".*\.ndjson|{_PLAIN}+~{_PLAIN}+(?:~{_PLAIN}*(?:~{_PLAIN}+(?:~ordered)?)?)?\.(?:xml|json)",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)


async def take(name: str, body: bytes, partner: Partner, desk: Desk) -> bytes:
    """Take the messages of a file in; what became of each. When there is room for none of a batch,
    the file waits; when there is for some, the others are told as full, as in a call.

    Raises:
        Full: when nothing was kept.
    """
    if not name.lower().endswith(".ndjson"):
        return answer.batch([await desk.accept(_message(name, body, partner))]).body
    found = await take_batch(Inbound(partner, body, NDJSON_TYPES[0], ENDPOINT), desk)
    if isinstance(found, Reply):
        return found.body
    if all(outcome.kind == "full" for outcome in found):
        raise Full("", found[0].violations[0].message)
    return answer.batch(found).body


def _message(name: str, body: bytes, partner: Partner) -> Inbound:
    """A message by the name of its file; what its name leaves out is left out."""
    stem, _, suffix = name.rpartition(".")
    said = dict(zip(PARTS, stem.split("~"), strict=False))
    hints = {hint: value for hint, value in said.items() if value}
    if "ordered" in said:
        hints["ordered"] = "true"
    return Inbound(
        partner=partner,
        body=body,
        content_type=XML if suffix.lower() == "xml" else JSON,
        endpoint=ENDPOINT,
        hints=hints,
    )


def refuse(told: Violation, desk: Desk) -> bytes:
    """What is said of a file that is not read."""
    violations = [told.as_dict()]
    return problem(413, "Not read", reason="too-large", violations=violations).body


def letter(leased: Leased) -> bytes:
    """A letter of the mailbox; it has no lease any more."""
    return json_reply(answer.letter(leased)).body


FILES = FileDrop(
    endpoint=ENDPOINT,
    rule="luova.file-name",
    names=NAMES,
    form="a message is a regular file TYPE~ID[~RECEIVER[~CONVERSATION[~ordered]]].xml or .json, "
    "a batch one that ends in .ndjson",
    take=take,
    refuse=refuse,
    letter=letter,
    letter_suffix=".json",
    feedback_suffix=".json",
)
