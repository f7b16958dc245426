"""Wrong arguments, settings and files of the command line: one line on standard error that names
what is wrong, exit code 2, and never a traceback.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange import cli

FILES = {
    "message.json": "{}",
    "nothing.toml": "",
    "broken.toml": "[[",
    "faults.toml": '[[fault]]\nkind = "down"\npartnr = "kela.benefits"\n',
    "kindless.toml": "[[fault]]\n",
    "strange.toml": "[fault]\nkind = 1\n",
    "other.toml": "a = 1\n",
    "no.db": "this is no ledger",
}
#: What is typed, and a part of what is told.
LINES = """
nosuch :: No such command 'nosuch'
stattistics :: Did you mean 'statistics'
--nosuch :: No such option
serve --nosuch :: No such option
serve x :: unexpected extra argument
serve --port x :: '--port'
serve --port -1 :: '--port'
serve --port 65536 :: '--port'
serve --workers 0 :: '--workers'
serve --workers 65 :: '--workers'
serve --workers two :: '--workers'
serve --role boss :: '--role'
serve --role gateway :: needs a ledger on a server
serve --clock fast :: no factor such as 60x
serve --clock 0x :: --clock
serve --clock -1x :: --clock
serve --clock nan :: --clock
serve --ledger oracle://x :: sqlite:///
serve --ledger sqlite:///no.db --port 0 :: no.db
serve --host 192.0.2.1 --port 0 :: beyond loopback, where everybody knows the shipped keys
serve --port TAKEN :: port TAKEN is taken by
move :: '--to'
move --to sqlite:///no.db :: is no server
run --port x :: '--port'
run --port 0 :: '--port'
run --port 99999 :: '--port'
run --rate -1 :: '--rate'
run --rate 0 --duration x :: '--duration'
run --duration -1 :: '--duration'
run --workers 0 :: '--workers'
run --fault nobody=down:0.5 :: 'nobody' is no partner
run --fault kela=down :: --fault
run --partners-port 70000 :: '--partners-port'
partners --sector nosuch :: nosuch: one of kela
partners --channel nosuch :: nosuch: one of eessi
partners --rate -1 :: '--rate'
partners --rate x :: '--rate'
partners --port 65536 :: '--port'
partners --port TAKEN :: can't be bound
partners --seed x :: '--seed'
partners --clock x :: no factor such as 60x
partners --fault x :: target=kind:probability
partners --fault kela=explode:0.5 :: unknown fault 'explode'
partners --fault kela=down:2 :: between 0 and 1
partners --fault kela=down:nan :: between 0 and 1
partners --fault kela=slow:1:-1 :: 0 seconds or more
partners --fault kela=slow:1:inf :: 0 seconds or more
partners --fault kela=down:x :: no numbers
partners --fault =down:1 :: target=kind:probability
partners --fault nobody=down:0.5 :: is no partner, no sector and not *
partners --fault kela.benefit=down:0.5 :: nearest: kela.benefits
partners --script none.toml :: '--script'
partners --script broken.toml :: broken.toml
partners --script faults.toml :: unknown keys in a fault: partnr
partners --script kindless.toml :: a fault says its kind
partners --script strange.toml :: strange.toml
partners --script other.toml :: [[fault]] and nothing else
partners --script . :: --script
send :: Missing argument 'file'
send none.json :: 'none.json' does not exist
send . :: directory
send message.json --from nobody :: no partner nobody
send message.json --to nobody :: no partner nobody
send message.json --channel post :: no channel post
send message.json :: --channel
validate :: Missing argument
validate none.json :: none.json
validate [/x].json :: [/x].json
validate message.json --format xml :: text or json
samples :: Missing argument
samples nosuch :: no samples of 'nosuch'
samples population.births -n 0 :: '-n'
samples population.births --day 2024-13-01 :: '--day'
samples population.births --seed x :: '--seed'
samples population.births --to dvv :: goes with --from
samples nosuch --from dvv :: no message type 'nosuch'
samples tax.request --from dvv :: dvv may not send tax.request
samples tax.answers --from nobody --exchange http://127.0.0.1:1 :: no partner nobody
partners check none.toml :: none.toml
partners check broken.toml :: broken.toml: no TOML
partners add :: Missing argument 'partner'
partners add county.mine :: Missing option '--sector'
partners show :: Missing argument 'partner'
partners show dvv --exchange http://127.0.0.1:1 :: no exchange answers
doctor x :: unexpected extra argument
catalogue --format yaml :: 'table', 'json'
catalogue --language de :: 'fi', 'sv', 'en'
new-channel UPPER :: UPPER
new-family UPPER :: UPPER
simulate :: Missing argument
simulate x :: 'year'
simulate 1850 :: 'year'
simulate 2024 --scale x :: no share such as 1/1000
simulate 2024 --scale 0 :: --scale
simulate 2024 --scale 2 :: --scale
simulate 2024 --scale 1/0 :: --scale
simulate 2024 --seed -1 :: '--seed'
simulate 2024 --days x :: --days
simulate 2024 --days 2023-01-01 :: --days
simulate 2024 --what-if x :: --what-if
simulate 2024 --what-if tax=+20 :: --what-if
simulate 2024 --faults nosuch :: --faults
simulate 2024 --language de :: 'fi', 'sv', 'en'
simulate 2024 --processes 0 :: '--processes'
statistics --year 1850 :: no figures of 1850
statistics --year x :: '--year'
statistics --format yaml :: --format
statistics --language de :: 'fi', 'sv', 'en'
statistics --from x :: --from
statistics --until 2024-02-30 :: --until
statistics --from 2024-02-01 --until 2024-01-01 :: the first day is after the last
statistics --by colour :: --by
statistics --scale x :: --scale
statistics --ledger oracle://x :: sqlite:///
statistics --ledger sqlite:///none.db :: none.db
statistics --ledger sqlite:///no.db :: no.db
verify --ledger oracle://x :: sqlite:///
verify --ledger postgresql:// :: postgresql://USER@HOST/DATABASE
verify --ledger postgresql://[fe80/none :: storage.url: its parts can't be told apart
verify --ledger postgresql://127.0.0.1:abc/none :: storage.url: its parts can't be told apart
verify --ledger postgresql://a,b:99999/none :: storage.url: its parts can't be told apart
verify --ledger postgresql:///none?host=/a,/b&port=1,x :: storage.url: its parts can't be told apart
verify --ledger postgresql://127.0.0.1:9/none :: the ledger postgresql://127.0.0.1:9/none
statistics --ledger postgresql://127.0.0.1:9/none :: the ledger postgresql://127.0.0.1:9/none
statistics --open-data --ledger postgresql://x/y :: the list of what was published
verify --ledger sqlite:///none.db :: none.db
verify --ledger sqlite:///[/x].db :: no ledger at [/x].db
statistics --ledger sqlite:///[/x].db :: no ledger at [/x].db
verify --ledger sqlite:///no.db :: no.db
backup :: Missing argument
backup copy.db :: there is no ledger
backup copy.db --ledger postgresql://x/y :: pg_basebackup or pg_dump
restore copy.db --ledger postgresql://x/y :: the server's own backup
backup message.json --ledger sqlite:///no.db :: no.db
restore none.db :: none.db
restore no.db :: no.db
keys nosuch :: No such command
keys make --nosuch :: No such option
run --rate nan :: '--rate'
run --duration inf :: '--duration': a finite number
partners --rate inf :: '--rate'
partners --rate 1e300 :: '--rate'
run --rate 1e300 :: '--rate'
partners --duration nan :: '--duration'
onboard --partner a --sector bank --client -5 :: '--client'
onboard --partner a --sector bank --client nan :: '--client'
replay no.db --to http://127.0.0.1:1 --speed inf :: '--speed': a finite number
stubs set --delay nan :: '--delay'
dead-letters resend --per-second nan :: '--per-second': a finite number
send message.json --channel luova --type a.b --exchange http://a..b :: no exchange answers
send message.json --channel luova --type a.b --exchange http://[ :: no exchange answers
partners show dvv --exchange ftp://x :: is no address of an exchange
statistics --counted-year 0 :: '--counted-year'
statistics --counted-year 9999 :: '--counted-year'
statistics --counted-year 1000000000000000000000000000000 :: '--counted-year'
statistics --until 9999-12-31 :: a day from 1990 to 2088
statistics --from 0001-01-01 :: a day from 1990 to 2088
statistics --from 2025-02-29 :: --from
statistics --scale 1e-999999999 :: no share such as 1/1000
statistics --scale 1/9e999999999 :: no share such as 1/1000
simulate 2024 --scale 1e999999999 :: no share such as 1/1000
simulate 2024 --what-if tax=x1000000000000000000000 :: at most x10000
simulate 2089 :: 'year'
simulate 0 :: 'year'
samples population.births -n 1000000000000000000000 :: '-n'
samples all --calls --items 1000000000000000000000 :: '--items'
samples population.births --day 9999-12-31 :: '--day'
samples population.births --day 0001-01-01 :: '--day'
certificates made --days 1000000000000000000000 :: '--days'
certificates made --days -1000000 :: '--days'
partners --clock 60x --exchange http://127.0.0.1:1 :: no exchange answers
pushes --partner bank.op -n 1000000000000000000000 :: '-n'
operators nosuch :: No such command
operators add :: Missing argument 'name'
operators add x --role king :: no role 'king'
operators add open :: can't be an operator's name
""".strip().splitlines()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound.getsockname()[1]


@pytest.mark.parametrize("line", LINES)
def test_what_is_wrong_is_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    taken: int,
    line: str,
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "20")
    typed, _, expected = (
        part.strip() for part in line.replace("TAKEN", str(taken)).partition("::")
    )
    monkeypatch.setattr(sys, "argv", ["exchange", *typed.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n")) == (2, 1), told
    assert expected in told
    # (The folder of the ledger is made to ask who owns it.)
    made = {each.name for each in tmp_path.iterdir()} - {"data", "no.db.owner"}
    assert made == {*FILES}, "nothing is written"
