"""The commands by name; each is imported when it is called, or when the help of all is shown."""

from __future__ import annotations

import pkgutil
from collections import UserDict
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

#: Where the function of a command, or the group of commands, is; in the order of the help.
PLACES = {
    "run": "exchange.cli.run:run",
    "serve": "exchange.cli.serving.serve:serve",
    "sandbox": "exchange.cli.serving.sandbox:app",
    "send": "exchange.cli.send:send",
    "doctor": "exchange.cli.serving.doctor:doctor",
    "validate": "exchange.cli.validate:validate",
    "onboard": "exchange.testing.onboarding.command:onboard",
    "pushes": "exchange.testing.onboarding.recording:pushes",
    "samples": "exchange.cli.samples:samples",
    "catalogue": "exchange.cli.catalogue:catalogue",
    "new-channel": "exchange.cli.scaffold:new_channel",
    "new-family": "exchange.cli.scaffold:new_family",
    "scenario": "exchange.cli.simulating.scenario:app",
    "replay": "exchange.cli.simulating.replay:replay",
    "diff": "exchange.cli.simulating.replay:diff",
    "simulate": "exchange.cli.simulating.simulate:simulate",
    "statistics": "exchange.cli.statistics:statistics",
    "verify": "exchange.cli.verify:verify",
    "backup": "exchange.cli.backup:backup",
    "restore": "exchange.cli.restore:restore",
    "move": "exchange.cli.move:move",
    "bench": "exchange.cli.bench:bench",
    "partners": "exchange.cli.partners.stubs:app",
    "stubs": "exchange.cli.partners.overrides:app",
    "dead-letters": "exchange.cli.dead_letters:app",
    "operators": "exchange.cli.operators:app",
    "keys": "exchange.cli.keys:app",
    "certificates": "exchange.cli.partners.certificates:certificates",
}
#: Settings of the commands that hand their arguments on as they are.
CONTEXTS = {"bench": {"allow_extra_args": True, "ignore_unknown_options": True}}


class Commands(UserDict[str, Any]):
    """Typer's commands by name; reading one imports it."""

    def __getitem__(self, name: str) -> Any:
        place = pkgutil.resolve_name(super().__getitem__(name))
        alone = typer.Typer(add_completion=False)
        if isinstance(place, typer.Typer):
            alone.add_typer(place, name=name)
        else:
            alone.command(name, context_settings=CONTEXTS.get(name))(place)
        return get_group(alone).commands[name]


class CommandLine(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Commands(PLACES)
