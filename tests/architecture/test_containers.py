"""The containers' description: what compose knows, and shut as we promise. None is built or run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from exchange.cli.run import STOP_SECONDS
from exchange.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
#: Nodes of the profile `cluster` by their roles, as `docs/scale.md` wants them at least.
ROLES = {"gateway": 2, "deliverer": 2, "keeper": 1}


def services() -> Mapping[str, Mapping[str, Any]]:
    """What compose starts, by name."""
    read: Mapping[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    found: Mapping[str, Mapping[str, Any]] = read["services"]
    return found


def ours() -> list[str]:
    return [name for name, service in services().items() if "build" in service]


def role(service: Mapping[str, Any]) -> str:
    """The role of a node; empty for what is none."""
    command = service.get("command", [])
    return command[command.index("--role") + 1] if "--role" in command else ""


def test_compose_knows_every_key() -> None:
    """By the Compose Specification's own schema, which check-jsonschema carries."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, COMPOSE], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout


@pytest.mark.parametrize("name", ours())
def test_a_container_of_ours_is_shut(name: str) -> None:
    found = services()[name]
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["mem_limit"] == found["memswap_limit"]
    assert [each.partition(":")[2] for each in found["volumes"]] == ["/data"]


def test_only_the_servers_have_the_administrators_password() -> None:
    given = {name: str(found.get("environment", "")) for name, found in services().items()}
    assert {name for name, said in given.items() if "POSTGRES_PASSWORD" in said} == {
        "postgresql",
        "standby",
    }


@pytest.mark.parametrize("name", ours())
def test_a_container_is_given_the_time_that_the_exchange_takes_to_stop(name: str) -> None:
    seconds = float(services()[name]["stop_grace_period"].removesuffix("s"))
    assert seconds > Settings().server.grace_seconds + STOP_SECONDS


def test_nothing_is_published_but_on_the_hosts_loopback_and_nothing_is_privileged() -> None:
    for name, found in services().items():
        published = found.get("ports", [])
        assert all(entry.startswith("127.0.0.1:") for entry in published), name
        assert not {"privileged", "cap_add", "network_mode", "pid"} & set(found), name
        assert "no-new-privileges:true" in found["security_opt"], name


def test_without_a_profile_there_is_one_container() -> None:
    assert [name for name, found in services().items() if "profiles" not in found] == ["exchange"]


def test_the_cluster_has_each_role_and_a_standby_and_begins_when_they_are_there() -> None:
    cluster = {name: found for name, found in services().items() if "profiles" in found}
    nodes = [role(found) for found in cluster.values() if role(found)]
    assert {each: nodes.count(each) for each in set(nodes)} == ROLES
    for found in cluster.values():
        if role(found):
            assert found["depends_on"]["keys"]["condition"] == "service_completed_successfully"
            address = found["environment"]["EXCHANGE_STORAGE__URL"]
            hosts = address.partition("@")[2].partition("/")[0].split(",")
            assert hosts == ["postgresql", "standby"] == [each for each in cluster if each in hosts]
    assert cluster["keys"]["depends_on"]["standby"]["condition"] == "service_healthy"
    scripts = [each for found in cluster.values() for each in found["volumes"] if "./" in each]
    assert [(ROOT / each.partition(":")[0]).is_file() for each in scripts] == [True, True]
