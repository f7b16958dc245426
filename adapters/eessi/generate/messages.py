"""Makes valid artificial EESSI messages: headers around what `seds` says, as bytes; sends
nothing and knows no case.

Only the SEDs that open a process are accepted by themselves: every other one belongs to a case that
must be there, with the documents that `history` makes before it.
"""

from __future__ import annotations

import datetime
import functools
import random
import re
from dataclasses import replace
from xml.sax.saxutils import escape

from exchange.adapters.eessi.generate.sed_blocks import Scene, Subject, Tree, subject
from exchange.adapters.eessi.generate.seds import CONTENTS, body
from exchange.schemas.directory import Directory, Partner, load
from exchange.schemas.generated import Generated, Generator
from exchange.schemas.value import value
from exchange.schemas.xml.characters import NO_CHARACTER

__all__ = [
    "CONTENT_TYPE",
    "GENERATORS",
    "KELA",
    "PENSIONS",
    "SBDH",
    "Letter",
    "Subject",
    "follow",
    "foreign",
    "hex_id",
    "history",
    "open_case",
]

SBDH = "http://eessi.dgempl.ec.europa.eu/namespaces/sbdh"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
AUTHORITY = "urn:eu:europa:ec:dgempl:eessi:ir"
CONTENT_TYPE = "text/xml; charset=utf-8"
KELA, PENSIONS = "FI:0100222222", "FI:0200000010"
#: The process in which a SED is generated when nothing else is asked for, and whether the
#: counterparty sends it there.
_PROCESSES = {
    "A009": "LA_BUC_04",
    "X001": "LA_BUC_04",
    "X002": "LA_BUC_04",
    "H001": "H_BUC_01",
    "H002": "H_BUC_01",
}
_OPENING = {"P_BUC_01": "P2000", "H_BUC_01": "H001", "LA_BUC_04": "A009"}
_BY_COUNTERPARTY = frozenset(
    {"P5000", "P6000", "P9000", "H002", "H021", "H121", "X010", "X012", "X050"}
)
_RELATED = frozenset(
    {"P9000", "H002", "H021", "H121", "X002", "X008", "X010", "X012", "X013", "X050"}
)
#: The SED that comes before one in its case, where that is not the opening one.
_BEFORE = {
    "P9000": "P8000",
    "H021": "H020",
    "H121": "H120",
    "X002": "X001",
    "X010": "X009",
    "X012": "H020",
    "X013": "X012",
}
#: Those that bring an institution into the case, which is then among the receivers.
_WITH_NEWCOMER = frozenset({"X005", "X007", "X100"})
_PACKAGES = {
    "P": "Pensions",
    "H": "Horizontal",
    "A": "LegislationApplicable",
    "X": "Administrative",
}


@value
class Letter:
    """A message to be written. Ids have 32 hexadecimal digits; `sender_owns` says that the sender
    is the case owner.
    """

    sed: str
    process: str
    action: str
    sender: str
    receivers: tuple[str, ...]
    sender_owns: bool
    message_id: str
    set_id: str
    case_id: str
    created_at: datetime.datetime
    related_set_id: str = ""
    document_version: int = 1

    @property
    def roles(self) -> tuple[str, str]:
        """The contact types of sender and receivers."""
        return ("CaseOwner", "Counterparty") if self.sender_owns else ("Counterparty", "CaseOwner")


def hex_id(rng: random.Random) -> str:
    """An id of 32 hexadecimal digits."""
    return f"{rng.getrandbits(128):032x}"


#: Whatever text or an attribute can't hold as it is, or not at all. Artificial texts hardly ever
#: have any of it.
_SPECIAL = re.compile(r'["&<>\x00-\x1f\ufffe\uffff]')


def _text(text: str) -> str:
    """The text as an element holds it.

    Raises:
        ValueError: when XML has no way to write one of its characters.
    """
    if NO_CHARACTER.search(text):
        raise ValueError(f"no XML can hold {text!r}")
    return escape(text, {"\r": "&#13;"})


def _attribute(text: str) -> str:
    """The text as an attribute between quotation marks holds it."""
    return _text(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def _escaped(tree: Tree) -> Tree:
    return tuple(
        (name, _text(inside) if isinstance(inside, str) else _escaped(inside))
        for name, inside in tree
    )


def _elements(tree: Tree, indent: str, lines: list[str], texts: list[str]) -> None:
    """Add the elements of the tree to `lines`, and their texts, unchanged, to `texts`."""
    for name, inside in tree:
        if isinstance(inside, str):
            lines.append(f"{indent}<{name}>{inside}</{name}>\n")
            texts.append(inside)
        elif inside:
            lines.append(f"{indent}<{name}>\n")
            _elements(inside, indent + "  ", lines, texts)
            lines.append(f"{indent}</{name}>\n")
        else:
            lines.append(f"{indent}<{name}/>\n")


def _contact(name: str, institution: str, contact_type: str) -> str:
    return f"""\
    <sbdh:{name}>
      <sbdh:Identifier Authority="{AUTHORITY}">{institution}</sbdh:Identifier>
      <sbdh:ContactTypeIdentifier>{contact_type}</sbdh:ContactTypeIdentifier>
    </sbdh:{name}>
"""


def _head(letter: Letter, schema: str) -> str:
    """Everything before the SED."""
    sender_role, receiver_role = letter.roles
    receivers = "".join(
        [_contact("Receiver", receiver, receiver_role) for receiver in letter.receivers]
    )
    related = (
        f"      <sbdh:RelatedSetId>{letter.related_set_id}</sbdh:RelatedSetId>\n"
        if letter.related_set_id
        else ""
    )
    created_at = letter.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"""\
<?xml version='1.0' encoding='UTF-8'?>
<sbdh:StandardBusinessDocument xmlns:sbdh="{SBDH}" xmlns:xsi="{XSI}" xsi:schemaLocation="{SBDH} {schema}.xsd">
  <sbdh:StandardBusinessDocumentHeader>
    <sbdh:HeaderVersion>1.1</sbdh:HeaderVersion>
{_contact("Sender", letter.sender, sender_role)}{receivers}    <sbdh:DocumentIdentification>
      <sbdh:CreationDateAndTime>{created_at}</sbdh:CreationDateAndTime>
      <sbdh:CaseAction>{letter.action}</sbdh:CaseAction>
      <sbdh:Type>{letter.sed}</sbdh:Type>
      <sbdh:InstanceIdentifier>{letter.message_id}</sbdh:InstanceIdentifier>
      <sbdh:TypeVersion>4.2</sbdh:TypeVersion>
    </sbdh:DocumentIdentification>
    <sbdh:BusinessScope>
      <sbdh:DocumentVersion>{letter.document_version}</sbdh:DocumentVersion>
      <sbdh:SetId>{letter.set_id}</sbdh:SetId>
{related}      <sbdh:CaseId>
        <sbdh:InstanceIdentifier>{letter.case_id}</sbdh:InstanceIdentifier>
        <sbdh:BusinessServiceName>{letter.process}:4.2</sbdh:BusinessServiceName>
      </sbdh:CaseId>
    </sbdh:BusinessScope>
  </sbdh:StandardBusinessDocumentHeader>
"""


@functools.lru_cache(maxsize=100)
def _sed_tags(sed: str) -> tuple[str, str]:
    """The SED's start tag without its `>`, and its end tag.

    Raises:
        ValueError: when no element can have that name.
    """
    if not (sed.isascii() and sed.isalnum() and sed[0].isalpha()):
        raise ValueError(f"no SED is called {sed!r}")
    name = f"{sed.lower()}:{sed}"
    package = f"SectorComponents/{_PACKAGES[sed[0]]}/{sed}"
    namespace = f"http://ec.europa.eu/eessi/ns/4_2/{sed}"
    start = (
        f'  <{name} xmlns:{sed.lower()}="{namespace}" sedPackage="{package}" sedGVer="4" sedVer="2"'
    )
    return start, f"  </{name}>\n"


def write(letter: Letter, tree: Tree) -> bytes:
    """The message: header and a SED that holds `tree`.

    Put together as text, as lxml would print the tree of it: to build that tree takes five times as
    long.

    Raises:
        ValueError: when the SED can't be an element's name, or XML has no way to write a character.
    """
    schema = "-".join((letter.process, "4.2", *letter.roles, letter.action, letter.sed, "4.2"))
    lines: list[str] = []
    texts = [letter.process, letter.action, letter.sender, *letter.receivers]
    texts += (letter.message_id, letter.set_id, letter.case_id, letter.related_set_id)
    _elements(tree, "    ", lines, texts)
    # All texts are looked at in one go, since one by one takes longer than writing them.
    if _SPECIAL.search("".join(texts)):
        letter, schema, lines = _escaped_letter(letter), _attribute(schema), []
        _elements(_escaped(tree), "    ", lines, [])
    start, end = _sed_tags(letter.sed)
    sed = (start, ">\n", *lines, end) if lines else (start, "/>\n")
    return "".join((_head(letter, schema), *sed, "</sbdh:StandardBusinessDocument>\n")).encode()


def _escaped_letter(letter: Letter) -> Letter:
    return replace(
        letter,
        process=_text(letter.process),
        action=_text(letter.action),
        sender=_text(letter.sender),
        receivers=tuple(_text(receiver) for receiver in letter.receivers),
        message_id=_text(letter.message_id),
        set_id=_text(letter.set_id),
        case_id=_text(letter.case_id),
        related_set_id=_text(letter.related_set_id),
    )


@functools.cache
def _directory() -> Directory:
    return load()


def foreign(directory: Directory) -> list[Partner]:
    """The institutions of other countries, in the order of the directory."""
    return [
        partner
        for partner in directory.in_sector("eessi")
        if partner.country != "FI" and partner.eessi_id
    ]


def moment(rng: random.Random, day: datetime.date) -> datetime.datetime:
    """A time of that day within office hours."""
    return datetime.datetime.combine(day, datetime.time(8), datetime.UTC) + datetime.timedelta(
        milliseconds=rng.randrange(28_800_000)
    )


def open_case(
    rng: random.Random,
    created_at: datetime.datetime,
    sed: str,
    process: str,
    sender: str,
    receivers: tuple[str, ...],
    who: Subject | None = None,
) -> tuple[Letter, bytes]:
    """The first message of a new case, about `who` or a new artificial person."""
    letter = Letter(
        sed=sed,
        process=process,
        action="Start",
        sender=sender,
        receivers=receivers,
        sender_owns=True,
        message_id=hex_id(rng),
        set_id=hex_id(rng),
        case_id=hex_id(rng),
        created_at=created_at,
    )
    country = next((name[:2] for name in (sender, *receivers) if not name.startswith("FI:")), "FI")
    scene = Scene(
        rng=rng,
        day=created_at.date(),
        subject=who or subject(rng, created_at.date(), country, sed.startswith("P")),
        sender=sender,
        receiver=receivers[0],
    )
    return letter, write(letter, body(sed, scene))


def follow(
    rng: random.Random,
    created_at: datetime.datetime,
    sed: str,
    to: Letter,
    who: Subject,
    sender: str,
    related: bool = False,
    newcomer: str = "",
) -> tuple[Letter, bytes]:
    """A further message of the case that `to` belongs to, by its sender or receiver; `related`
    relates it to `to`.

    `newcomer` is an institution that the SED brings into the case and that gets it too.
    """
    own = sender == to.sender
    receivers = to.receivers if own else (to.sender,)
    letter = replace(
        to,
        sed=sed,
        action="New",
        sender=sender,
        receivers=(*receivers, newcomer) if newcomer else receivers,
        sender_owns=to.sender_owns == own,
        message_id=hex_id(rng),
        set_id=hex_id(rng),
        created_at=created_at,
        related_set_id=to.set_id if related else "",
        document_version=1,
    )
    scene = Scene(
        rng=rng,
        day=created_at.date(),
        subject=who,
        sender=sender,
        receiver=newcomer or receivers[0],
        about_sed=to.sed,
        about_set=to.set_id,
    )
    return letter, write(letter, body(sed, scene))


def _line(sed: str, opening: str) -> list[str]:
    """The SEDs of a case from the opening one to `sed`."""
    line = [sed]
    while line[0] != opening:
        line.insert(0, _BEFORE.get(line[0], opening))
    return line


def history(rng: random.Random, day: datetime.date, sed: str) -> list[tuple[Letter, bytes]]:
    """A case from its opening to that SED, each message with its bytes: between a foreign
    institution, which owns it, and a Finnish one, all on one day, the minutes in the order of the
    case.
    """
    process = _PROCESSES.get(sed, "P_BUC_01")
    finnish = PENSIONS if process == "LA_BUC_04" else KELA
    owner, newcomer = (partner.eessi_id for partner in rng.sample(foreign(_directory()), 2))
    created_at = moment(rng, day)
    who = subject(rng, day, owner[:2], process.startswith("P_"))
    messages = [open_case(rng, created_at, _OPENING[process], process, owner, (finnish,), who)]
    for next_sed in _line(sed, _OPENING[process])[1:]:
        created_at += datetime.timedelta(minutes=5)
        sender = finnish if next_sed in _BY_COUNTERPARTY else owner
        joins = newcomer if next_sed in _WITH_NEWCOMER else ""
        messages.append(
            follow(
                rng, created_at, next_sed, messages[-1][0], who, sender, next_sed in _RELATED, joins
            )
        )
    return messages


def _generator(sed: str) -> Generator:
    def generate(rng: random.Random, day: datetime.date, serial: int) -> Generated:
        letter, content = history(rng, day, sed)[-1]
        return Generated(content, CONTENT_TYPE, letter.message_id)

    return generate


#: A generator for every SED of the processes that the exchange knows.
GENERATORS: dict[str, Generator] = {f"eessi.{sed.lower()}": _generator(sed) for sed in CONTENTS}
