"""Files that are broken by the byte, variables that can't be read, folders and outputs that can't
be written: one line on standard error, exit code 2, never a traceback.
"""

from __future__ import annotations

import io
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exchange import cli
from exchange.schemas import toml

PARTNER = b'[[partner]]\nid = "bank.mine"\nname = "A bank"\nsector = "bank"\n'
DEEP = b"a = " + b"[" * 20_000 + b"]" * 20_000
#: What is no TOML, whichever file it is in, and a part of what is told.
NO_TOML = {
    "utf-16": ("seed = 1\n".encode("utf-16"), "line 1 is not in UTF-8: save the file in UTF-8"),
    "latin-1": (b"# 1\n# p\xe4iv\xe4\n", "line 2 is not in UTF-8"),
    "half a sign": ("# päivä".encode()[:-1], "line 1 is not in UTF-8"),
    "nul": (b"a = 1\n\0", "line 2"),
    "carriage returns alone": (b"a = 1\rb = 2\r", "line 1"),
    "deep lists": (DEEP, "nested too deeply"),
    "deep tables": (b"a = " + b"{a=" * 20_000, "nested too deeply"),
    "many digits": (b"a = " + b"9" * 5000, "4300 digits"),
    "a key twice": (b"a = 1\na = 2\n", "line 2"),
    "a table twice": (b"[a]\n[a]\n", "line 2"),
    "the year 0": (b"a = 0000-01-01\n", "date"),
    "a look-alike": ("[lіmits]\n".encode(), "line 1"),
    "html": (b"<!doctype html>\n", "line 1"),
}
#: Which command reads a file, and the file's name.
READERS = {
    "partners check": "exchange.toml",
    "partners check mine.toml": "mine.toml",
    "scenario run mine.toml": "mine.toml",
    "partners --script mine.toml": "mine.toml",
}
SETTINGS = {
    b"nosuch = 1\r\n": "nosuch: no such setting",
    b"\xef\xbb\xbfnosuch = 1\n": "nosuch: no such setting",
    b"seed = -1": "seed",
    b'[limits]\nbody_bytes_max = "many"': "limits.body_bytes_max",
    b"[server]\nport = -1": "server.port",
    b"[deliveries]\nask_seconds = inf": "deliveries.ask_seconds: input should be a finite number",
    b"[deliveries]\nask_seconds = nan": "deliveries.ask_seconds",
    b'[partners]\nmore = "mine.toml"': "partners.more",
    b'[partners]\nmore = ["none.toml"]': "none.toml: No such file",
    b'[partners]\nmore = ["."]': ".: Is a directory",
}
PARTNERS = {
    b'url = "http://127.0.0.1:9000/\\r\\nX: y"': "is no address",
    b'url = "http://127.0.0 .1:9000/"': "is no address",
    b'url = "http://127.0.0.1:9000/a b"': "is no address",
    b'url = "http://127.0.0.1:65536"': "is no address",
    b'url = "http://127.0.0.1:-1"': "is no address",
    b'url = "http://a..b:9000"': "is no address",
    b'url = "http://[::1:9000"': "is no address",
    b'url = "http://' + b"a" * 64 + b'.fi"': "is no address",
    b'key = "a\\r\\nX-Evil: 1"': "key: letters, digits and signs of ASCII",
    b'key = " a "': "key: letters, digits and signs of ASCII",
    'key = "päivää"'.encode(): "key: letters, digits and signs of ASCII",
    'business_id = "１２３４５６７-1"'.encode(): "business_id",
    b'business_id = "1234567-1\\n"': "business_id",
    b'country = "fi"': "country",
    b"body_bytes_max = 1.5": "body_bytes_max",
    b'serves = "benefit-register"': "serves",
    b"callback_secret = 1": "callback_secret",
    b'name = "B"': "Cannot overwrite",
    PARTNER.replace(b"bank.mine", b"b.x").replace(b"A bank", b"\\u001b[2J"): "can be printed",
    PARTNER.replace(b"bank.mine", "bаnk".encode()): "id: small letters",
}
VARIABLES = {
    "EXCHANGE_PARTNERS__MORE=mine.toml": "EXCHANGE_PARTNERS__MORE: lists are written as JSON",
    "EXCHANGE_LIMITS=no json": "EXCHANGE_LIMITS",
    "EXCHANGE_LIMITS=[1]": "limits",
    "EXCHANGE_LIMITS__BODY_BYTES_MAX=": "limits.body_bytes_max",
    "EXCHANGE_DELIVERIES__ASK_SECONDS=inf": "deliveries.ask_seconds",
    "EXCHANGE_LIMITS__NOSUCH=1": "limits.nosuch: no such setting",
}
#: Commands that write where nothing can be written; `taken` is a file.
WRITING = {
    "samples population.births --out taken": "taken: File exists",
    "samples population.births --out taken/x": "taken/x: Not a directory",
    "samples population.births --out /dev/null/x": "/dev/null/x: Not a directory",
    "samples kelmu.benefit-query --calls --out taken": "taken: File exists",
    "samples population.births --day 0001-01-01": "a day from 1990 to 2088",
    "samples population.births --day 9999-12-31": "a day from 1990 to 2088",
    "partners check \udcff.toml": "\\udcff.toml: No such file",
    "new-channel \udcff": "\\udcff",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int = 2
) -> str:
    """What a command tells in its one line, ended with that code."""
    monkeypatch.setattr(sys, "argv", ["exchange", *typed.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (code, 1), said
    return said


@pytest.mark.parametrize(("content", "expected"), NO_TOML.values(), ids=NO_TOML)
def test_what_is_no_toml_is_told_with_its_line(content: bytes, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        toml.parse(content)


@pytest.mark.parametrize("typed", READERS)
def test_whoever_reads_toml_tells_it(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("utf-16", "deep lists"):
        content, expected = NO_TOML[name]
        Path(READERS[typed]).write_bytes(content)
        said = told(typed, monkeypatch, capsys)
        assert READERS[typed] in said
        assert expected in said


def test_a_byte_order_mark_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.toml").write_bytes(b"\xef\xbb\xbf" + PARTNER.replace(b"\n", b"\r\n"))
    monkeypatch.setattr(sys, "argv", ["exchange", "partners", "check", "mine.toml"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    assert "bank.mine" in capsys.readouterr().out


@pytest.mark.parametrize("content", SETTINGS)
def test_wrong_settings(
    content: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("exchange.toml").write_bytes(content)
    assert SETTINGS[content] in told("partners check", monkeypatch, capsys)


@pytest.mark.parametrize("content", PARTNERS)
def test_wrong_partners(
    content: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.toml").write_bytes(PARTNER + content + b"\n")
    assert PARTNERS[content] in told("partners check mine.toml", monkeypatch, capsys)


@pytest.mark.parametrize("variable", VARIABLES)
def test_wrong_variables(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(*variable.split("="))
    assert VARIABLES[variable] in told("partners check", monkeypatch, capsys)


def test_a_file_of_settings_that_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "exchange.toml"
    file.symlink_to(file)
    assert "exchange.toml: Too many levels" in told("partners check", monkeypatch, capsys)
    file.unlink()
    file.symlink_to("nowhere")
    assert "exchange.toml: No such file" in told("partners check", monkeypatch, capsys)
    file.unlink()
    file.mkdir()
    assert "exchange.toml: Is a directory" in told("partners check", monkeypatch, capsys)


@pytest.mark.parametrize("typed", WRITING)
def test_what_can_not_be_written(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken").touch()
    assert WRITING[typed] in told(typed, monkeypatch, capsys)


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        said = told("samples population.births", monkeypatch, capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "File too large" in said


@contextmanager
def output(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Standard output is that file, as a program of its own has it."""
    with io.TextIOWrapper(os.fdopen(descriptor, "wb"), encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        yield


@pytest.mark.parametrize("typed", ["--version", "catalogue --format json", "partners check"])
def test_nobody_reads_the_output(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr(sys, "argv", ["exchange", *typed.split()])
    with output(write, monkeypatch), pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code, capsys.readouterr().err) == (cli.NOBODY_READS, "")


@pytest.mark.parametrize("typed", ["--version", "catalogue --format json", "partners check"])
def test_the_output_is_full(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with output(os.open("/dev/full", os.O_WRONLY), monkeypatch):
        assert "No space left on device" in told(typed, monkeypatch, capsys)
