"""Proving what operators changed: the audit log against the chain, and accounts, keys and paused
receivers against the audit log.
"""

from __future__ import annotations

from exchange.ports.operators import AT_ONCE, KEYS_MAX, AuditRow, fingerprint
from exchange.ports.verification import Check
from exchange.storage.connection import Connection
from exchange.storage.proof.chain import AUDIT, hashed

#: Keys of an operator, oldest first: when each was made and its fingerprint (empty where an older
#: version told none).
_Keys = list[tuple[int, str]]


def prove_audit(connection: Connection) -> Check:
    """Whether the audit log holds what the chain says of each row."""
    check = Check("the operators' audit is what was committed")
    digests = dict(
        connection.execute(
            "SELECT delivery_id,digest FROM event WHERE message_id=0 AND kind=?", (AUDIT,)
        )
    )
    for row in connection.execute("SELECT * FROM audit ORDER BY id"):
        digest = digests.pop(row[0], None)
        if digest is None:
            check.breaks(f"audit row {row[0]}: no commit has it")
        elif digest != hashed(ascii(tuple(row)).encode()):
            check.breaks(f"audit row {row[0]}: was changed")
    for number in digests:
        check.breaks(f"audit row {number}: is gone")
    return check


def prove_operators(connection: Connection) -> Check:
    """Whether there are the operators, roles and keys that the audit log says were made and are
    left. (Sessions end by themselves, and no key that is gone keeps one.)
    """
    check = Check("operators and their keys are those that the audit log tells of")
    roles, keys = _replayed(connection)
    for name, role in connection.execute("SELECT name,role FROM operator ORDER BY name"):
        said = roles.pop(name, None)
        if said is None:
            check.breaks(f"operator {name}: no audit row tells of it")
        elif role != said:
            check.breaks(f"operator {name}: is {role}, the audit log says {said}")
    for name in roles:
        check.breaks(f"operator {name}: is gone, and no audit row says so")
    for name, made_at, digest in connection.execute(
        "SELECT operator,made_at,digest FROM operator_key ORDER BY operator,made_at,rowid"
    ):
        left = keys.get(name, [])
        found = next((each for each in left if _is(each, made_at, digest)), None)
        if found is None:
            check.breaks(f"a key of operator {name}: no audit row tells of it")
        else:
            left.remove(found)
    for name, left in keys.items():
        if left:
            check.breaks(f"{len(left)} keys of operator {name}: are gone, and no audit row says so")
    return check


def prove_paused(connection: Connection) -> Check:
    """Whether the receivers are paused that operators paused. (Whether others are failing is found
    out anew by calling them.)
    """
    check = Check("receivers are paused as the audit log says")
    last = dict(
        connection.execute(
            "SELECT target,what FROM audit WHERE what IN ('pause','resume') AND outcome='done' "
            "ORDER BY id"
        )
    )
    said = {receiver for receiver, what in last.items() if what == "pause"}
    paused = {
        receiver
        for (receiver,) in connection.execute(
            "SELECT receiver FROM receiver_state WHERE state='paused'"
        )
    }
    for receiver in sorted(paused - said):
        check.breaks(f"receiver {receiver}: is paused, and no audit row says so")
    for receiver in sorted(said - paused):
        check.breaks(f"receiver {receiver}: is not paused, and no audit row says that it resumed")
    return check


def _replayed(connection: Connection) -> tuple[dict[str, str], dict[str, _Keys]]:
    """Roles and keys by operator, as the audit log leaves them."""
    roles: dict[str, str] = {}
    keys: dict[str, _Keys] = {}
    columns = ",".join(AuditRow._fields)
    for found in connection.execute(
        f"SELECT {columns} FROM audit WHERE what LIKE 'operator-%' ORDER BY id"
    ):
        row = AuditRow(*found)
        told, _, key = row.outcome.partition(", key ")
        if row.what == "operator-add":
            roles[row.target], keys[row.target] = told, [(row.at, key)]
        elif row.what == "operator-rotate":
            kept = 0 if told == AT_ONCE else KEYS_MAX - 1
            before = keys.get(row.target, [])
            keys[row.target] = [*before[len(before) - kept :], (row.at, key)]
        elif row.what == "operator-drop-old-key":
            keys[row.target] = keys.get(row.target, [])[-1:]
        elif row.what == "operator-remove":
            roles.pop(row.target, None)
            keys.pop(row.target, None)
    return roles, keys


def _is(key: tuple[int, str], made_at: int, digest: bytes) -> bool:
    at, told = key
    return at == made_at and told in ("", fingerprint(digest))
