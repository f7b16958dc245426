"""What the schemas can't say of an EESSI message: the header's own consistency, then the process;
no state is changed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from exchange.adapters.eessi import case as cases
from exchange.adapters.eessi import header as headers
from exchange.adapters.eessi.header import Header
from exchange.adapters.eessi.identification import identification, is_asked
from exchange.adapters.eessi.parse import (
    VALUE_INCONSISTENT,
    VALUE_NOT_RECOGNIZED,
    header_in,
    message_in,
)
from exchange.adapters.eessi.rules import administrative, process
from exchange.ports import Context, Identity, Parsed, Remember, Verdict
from exchange.schemas.eessi.processes import load
from exchange.schemas.violation import Finding, has_errors

#: The endpoint of messages that are judged without being sent: by nobody in particular, and apart
#: from any case.
CHECK_ENDPOINT = "check"
#: A message whose own time of creation lies further ahead of the exchange's clock is refused
#: (*modelled*).
CLOCK_AHEAD_SECONDS_MAX = 12 * 3600


def key_of(case_id: str) -> str:
    """The key under which a case is remembered."""
    return f"case:{case_id}"


def recall(parsed: Parsed, identity: Identity) -> Sequence[str]:
    """The key of the message's case; a case id of another length is none, and may be as long as a
    body.
    """
    return (
        (key_of(identity.conversation),)
        if len(identity.conversation) == cases.ID_CHARACTERS
        else ()
    )


def known_case(context: Context, case_id: str) -> tuple[cases.Case | None, int]:
    """The case as remembered with its version, or (None, 0)."""
    remembered = context.known.get(key_of(case_id))
    return (cases.from_data(remembered.value), remembered.version) if remembered else (None, 0)


def rules(parsed: Parsed, identity: Identity, context: Context) -> list[Finding]:
    """All findings of header and process. A message that the case holds already passes: the ledger
    knows duplicates.

    The process is looked at only when the header is sound enough to tell case, sender and document.
    """
    if parsed.root.tag != headers.ROOT:
        return []
    read = header_in(parsed)
    found = list(_header_rules(read, parsed, context))
    sound = all(
        (
            read.case_id,
            read.set_id,
            read.sed,
            read.action,
            read.sender.institution,
            read.sender.contact_type,
            read.receivers,
            read.version,
        )
    )
    if not sound or any(finding.code == VALUE_NOT_RECOGNIZED for finding in found):
        return found
    case, _ = known_case(context, read.case_id)
    if case is not None and case.has_message(read.message_id, read.sender.institution):
        return found
    checked = _only_checked(parsed)
    if checked or read.sender.institution == parsed.inbound.partner.eessi_id:
        found.extend(process.findings(read, parsed.document, case, context.now, checked))
    if is_asked(read) and not has_errors([*parsed.findings, *found]):
        message_in(parsed).identification = identification(parsed.document, context.now)
    return found


def remember(
    parsed: Parsed, identity: Identity, context: Context, verdict: Verdict
) -> Sequence[Remember]:
    """The case as it is after an accepted message; nothing after a rejected or repeated one."""
    read = header_in(parsed)
    if not verdict.accepted:
        return ()
    case, version = known_case(context, read.case_id)
    if case is None:
        case = cases.opened(read, context.now)
    elif case.has_message(read.message_id, read.sender.institution):
        return ()
    else:
        cases.apply(
            case,
            read,
            load(),
            administrative.institution_in(read.sed, parsed.document),
            context.now,
        )
    return (Remember(key_of(case.id), case.as_data(), version),)


def _only_checked(parsed: Parsed) -> bool:
    return parsed.inbound.endpoint == CHECK_ENDPOINT and not parsed.inbound.partner.eessi_id


def _clock(read: Header, parsed: Parsed, now: int) -> Iterator[Finding]:
    """A sender's clock is not days ahead of ours; a message that waited before it was sent is old,
    and no matter (*modelled*).
    """
    element = read.at("CreationDateAndTime")
    try:
        created = (
            datetime.fromisoformat((element.text or "").strip()) if element is not None else None
        )
    except ValueError:
        return
    if created is None or created.tzinfo is None or _only_checked(parsed):
        return
    if created.timestamp() - now / 1000 > CLOCK_AHEAD_SECONDS_MAX:
        latest = datetime.fromtimestamp(now / 1000 + CLOCK_AHEAD_SECONDS_MAX, UTC).isoformat(
            timespec="seconds"
        )
        message = "The message was created in the future."
        yield Finding(
            rule="eessi.sbdh.clock",
            message=message,
            at=element,
            expected=f"{latest} or earlier",
            found=created.isoformat(),
            code=VALUE_INCONSISTENT,
        )


def _header_rules(read: Header, parsed: Parsed, context: Context) -> Iterator[Finding]:
    yield from _parties(read, parsed, context)
    yield from _clock(read, parsed, context.now)
    # The document of a message without a SED is the whole.
    tag = str(parsed.document.tag) if parsed.document is not parsed.root else ""
    namespace, _, name = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
    if read.sed and name and read.sed != name:
        yield Finding(
            rule="eessi.sbdh.type",
            message="The header's Type is not the SED that follows it.",
            at=read.at("Type"),
            expected=name,
            found=read.sed,
            code=VALUE_INCONSISTENT,
        )
    sed_version = namespace.removeprefix(headers.SED_NAMESPACES).partition("/")[0].replace("_", ".")
    if (
        read.sed_version
        and namespace.startswith(headers.SED_NAMESPACES)
        and read.sed_version != sed_version
    ):
        yield Finding(
            rule="eessi.sbdh.type-version",
            message="The header's TypeVersion is not that of the SED's namespace.",
            at=read.at("TypeVersion"),
            expected=sed_version,
            found=read.sed_version,
            code=VALUE_INCONSISTENT,
        )
    if read.process and load().get(read.process, read.process_version) is None:
        known = ", ".join(f"{known.name}:{known.version}" for known in load().by_name.values())
        yield Finding(
            rule="eessi.sbdh.process-unknown",
            message="The exchange does not know this business use case in this version.",
            at=read.at("BusinessServiceName"),
            expected=known,
            found=f"{read.process}:{read.process_version}",
            code=VALUE_NOT_RECOGNIZED,
        )
    yield from _schema_location(read, parsed)


def _parties(read: Header, parsed: Parsed, context: Context) -> Iterator[Finding]:
    institution = parsed.inbound.partner.eessi_id
    if (
        read.sender.institution
        and read.sender.institution != institution
        and not _only_checked(parsed)
    ):
        yield Finding(
            rule="eessi.sbdh.sender",
            message="The header names another sender than the institution that sends it.",
            at=read.sender.institution_element,
            expected=institution or "an institution in EESSI",
            found=read.sender.institution,
            code=VALUE_INCONSISTENT,
        )
    seen: set[str] = set()
    for contact in read.receivers:
        at, name = contact.institution_element, contact.institution
        if not name:
            continue
        if name == read.sender.institution:
            yield Finding(
                rule="eessi.sbdh.receiver-is-sender",
                message="The sender is among the receivers.",
                at=at,
                expected="another institution",
                found=name,
                code=VALUE_INCONSISTENT,
            )
        if name in seen:
            yield Finding(
                rule="eessi.sbdh.receiver-twice",
                message="A receiver is named twice.",
                at=at,
                expected="each once",
                found=name,
                code=VALUE_INCONSISTENT,
            )
        if context.directory.by_eessi_id(name) is None:
            yield Finding(
                rule="eessi.sbdh.receiver-unknown",
                message="No such institution is in the directory.",
                at=at,
                expected="an institution of the directory",
                found=name,
                code=VALUE_NOT_RECOGNIZED,
            )
        seen.add(name)


def _schema_location(read: Header, parsed: Parsed) -> Iterator[Finding]:
    """`{BUC}-{version}-{sender's role}-{receiver's role}-{action}-{SED}-{version}.xsd`, when the
    document names one.
    """
    location = (parsed.root.get(headers.SCHEMA_LOCATION) or "").split()
    if not location or not read.receivers:
        return
    roles = (read.sender.contact_type, read.receivers[0].contact_type)
    parts = (read.process, read.process_version, *roles, read.action, read.sed, read.sed_version)
    expected = "-".join(parts) + ".xsd"
    if all(parts) and location[-1] != expected:
        yield Finding(
            rule="eessi.sbdh.schema-location",
            message="The name of the schema does not agree with the header.",
            at=parsed.root,
            expected=expected,
            found=location[-1],
            severity="warning",
            code=VALUE_INCONSISTENT,
            attribute=headers.SCHEMA_LOCATION,
        )
