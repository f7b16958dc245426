"""Settings: one frozen tree from arguments, variables and a file, in that order; what is unknown or
wrong is named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError

import exchange
from exchange.assembly import ledger_path
from exchange.errors import SettingsError
from exchange.journey.deliver.dispatcher import Bounds
from exchange.journey.deliver.retry import RetryPolicy
from exchange.schemas.document_limits import DocumentLimits
from exchange.settings import Limits, Settings, load


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a settings file."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_arguments_come_before_variables_and_these_before_the_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load().server.port == 8080
    (elsewhere / "exchange.toml").write_text(
        "seed = 5\n[server]\nport = 1\nworkers = 3\n[limits]\nwaiting_max = 20\n"
    )
    monkeypatch.setenv("EXCHANGE_SERVER__PORT", "2")
    monkeypatch.setenv("EXCHANGE_LIMITS__VIOLATIONS_MAX", "7")
    settings = load()
    assert (settings.seed, settings.server.port, settings.server.workers) == (5, 2, 3)
    assert (settings.limits.waiting_max, settings.limits.violations_max) == (20, 7)
    assert load(server={"port": 4}).server.port == 4


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[server]\nprot = 1\n", "server.prot"),
        ("[sever]\nport = 1\n", "sever"),
        ("[server]\nport = 70000\n", "server.port"),
        ("[server]\nport = 'x'\n[limits]\nwaiting_max = 0\n", "limits.waiting_max"),
        ("[limits]\nbody_bytes_max = 1\n", "limits.body_bytes_max"),
        ("[deliveries]\ntimeout_seconds = 0\n", "deliveries.timeout_seconds"),
        ("seed = -1\n", "seed"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(elsewhere: Path, text: str, named: str) -> None:
    (elsewhere / "exchange.toml").write_text(text)
    with pytest.raises(SettingsError, match=named.replace(".", r"\.")):
        load()


@pytest.mark.parametrize(
    "address", ["stubs", "", "http://127.0.0.1:99999", "ftp://h", "http://h\n", "http://[::1"]
)
def test_what_can_not_be_called_is_no_address(address: str) -> None:
    with pytest.raises(SettingsError, match=r"partners\.address"):
        load(partners={"address": address})
    if address:
        with pytest.raises(SettingsError, match=r"x_road\.provider_address"):
            load(x_road={"side": "client", "provider_address": address})


def test_every_wrong_setting_is_named_not_the_first() -> None:
    with pytest.raises(SettingsError) as refused:
        load(server={"port": -1, "workers": 0}, limits={"waiting_max": 0})
    assert all(
        name in str(refused.value)
        for name in ("server.port", "server.workers", "limits.waiting_max")
    )


def test_an_unknown_setting_is_told_with_the_nearest_name() -> None:
    with pytest.raises(SettingsError) as refused:
        load(limits={"body_byte_max": 1}, zzz=1)
    near, far = str(refused.value).split("; ")
    assert near == "limits.body_byte_max: no such setting (nearest: limits.body_bytes_max)"
    assert far == "zzz: no such setting"


@pytest.mark.parametrize(
    "variable",
    ["EXCHANGE_SEVER__PORT", "EXCHANGE_PORT", "EXCHANGE_SERVER__PROT", "EXCHANGE_SERVER__PORT"],
)
def test_an_unknown_or_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(
        SettingsError,
        match=variable.removeprefix("EXCHANGE_").split("_")[0].lower() + "|" + variable,
    ):
        load()


def test_what_is_no_setting_of_the_service_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_REFERENCE", "/anywhere")
    assert load() == Settings()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load().limits.waiting_max = 3  # type: ignore[misc]


def test_every_limit_says_its_unit_at_the_end_of_its_name() -> None:
    assert all(name.endswith(("_max", "_seconds")) for name in Limits.model_fields)


@pytest.mark.parametrize(
    "url", ["", "postgresql://x", "sqlite://x", "sqlite:///", "/a/file", "xsqlite:///a"]
)
def test_another_address_of_the_ledger_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"storage\.url"):
        ledger_path(Settings(), url or " ")


def test_the_address_of_the_ledger_is_a_path() -> None:
    assert ledger_path(Settings(), "sqlite:///a/b.db") == Path("a/b.db")
    assert ledger_path(Settings(), "sqlite:////a/b.db") == Path("/a/b.db")


#: Of the limits of documents that which something else reads, too.
BODY = "limits.body_bytes_max"


def _leaves(section: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    """Every setting, with the class that it is a field of; a section that there may be any number
    of counts as one.
    """
    for name, field in section.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        within = [each for each in kinds if isinstance(each, type) and issubclass(each, BaseModel)]
        for each in within:
            yield from _leaves(each, f"{path}{name}.")
        if not within:
            yield path + name, section.__name__


def kept_as(section: str) -> str:
    """The name by which a part is known to what reads it."""
    return {"": "settings", "retention": "ages"}.get(section, section)


def made_of(section: str) -> set[str]:
    """The settings that become the fields of a value of the same names (see `assembly.parts`)."""
    kinds = (RetryPolicy, Bounds) if section == "deliveries" else ()
    return {field.name for kind in kinds for field in fields(kind)}


def is_read(leaf: str, kind: str, texts: Iterable[str]) -> bool:
    """Whether a module reads it: by the part's own name, or in a module that knows the part's
    class; as the field that it becomes, anywhere.
    """
    section, _, name = leaf.rpartition(".")
    own = re.compile(rf"\b_?({kept_as(section)}|settings\.{section})\.{name}\b")
    # (Of a section that there may be any number of, none has a name of its own.)
    named = f"{kind}|settings\\.{section}" if section == "listeners" else kind
    known, read = re.compile(rf"\b({named})\b"), re.compile(rf"\.{name}\b")
    field = re.compile(rf"\b_?(policy|bounds)\.{name}\b|\bself\.{name}\b")
    return any(
        own.search(text)
        or ((at := known.search(text)) and read.search(text, at.end()))
        or (name in made_of(section) and field.search(text))
        for text in texts
        if f".{name}" in text
    )


def test_every_setting_is_read_by_something() -> None:
    texts = [
        Path(folder, name).read_text(encoding="utf-8")
        # Some folders of the package are links.
        for folder, _, names in os.walk(Path(exchange.__file__).parent, followlinks=True)
        for name in names
        if name.endswith(".py") and Path(folder).name != "settings"
    ]
    # The limits of documents go on as one value that `Limits` makes of them.
    handed_on = {
        "limits.json_body_bytes_max",
        "limits.json_members_max",
        "limits.depth_max",
        "limits.markup_max",
        "limits.namespaces_max",
        "limits.attributes_max",
        "limits.attachments_max",
        "limits.attachment_bytes_max",
    }
    assert is_read("limits.documents", "Limits", texts)
    assert handed_on == {f"limits.{name}" for name in DocumentLimits._fields} - {BODY}
    for name in DocumentLimits._fields:
        where = re.compile(rf"\b(in_force\(\)|general|limits)\.{name}\b")
        assert any(where.search(text) for text in texts), name
    leaves = dict(_leaves(Settings))
    assert leaves.keys() > {*handed_on, "listeners.clients"}, "there are settings"
    unread = sorted(
        leaf
        for leaf, kind in leaves.items()
        if leaf not in handed_on and not is_read(leaf, kind, texts)
    )
    assert not unread, f"read nowhere: {', '.join(unread)}"
    assert not is_read("limits.nothing_max", "Limits", texts)
    assert not is_read("listeners.nothing", "Listener", texts)
