"""What the dashboard can do, the command line can do, and the other way round: commands by name, and actions by use."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

import clickstream
from clickstream.actions.catalogue import Weight
from clickstream.tui.app import MODE_NAMES
from clickstream.tui.commands import BY_NAME, COMMANDS, ScreenCommand
from clickstream.tui.palette import CommandProvider
from tests.commandline import commands
from tests.tui.driving import MakeApp
from tests.tui.frames import running

SOURCES = Path(clickstream.__file__).parent

ONLY_CLI = {
    "serve": "opens a dashboard",
    "watch": "is the dashboard for programs",
    "metrics": "is the dashboard for Prometheus",
    "worker consumer": "is what a supervisor or a container starts; the dashboard has `consumer start`",
    "worker indexer": "is what a supervisor or a container starts; the dashboard has `consumer start`",
    "worker producer": "is what a supervisor or a container starts; the dashboard has `producer start`",
    "worker health": "answers a container's probe",
    "config generate": "writes the settings before there is anything to show",
    "completion": "is for a shell",
    "psql": "is a shell",
    "sessions list": "finds visitors, whom the dashboard looks up by / on the funnel screen",
}

SHOWN_BY_FRAMES = {
    ("consumers", "list_workers"),
    ("producers", "status"),
    ("stack", "status"),
    ("stack", "env"),
    ("replay", "count"),
    ("rewind", "plan"),
    ("topic", "show"),
    ("sessions", "list_sessions"),
}
"""Reading actions of the command line whose figures the dashboard has otherwise."""


def actions_used(*files: Path) -> set[tuple[str, str]]:
    """(module, name) of all that these files take from clickstream.actions."""
    used = set()
    functions = [
        node for file in files for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)
    ]
    for function in functions:
        modules: dict[str, str] = {}
        for node in ast.walk(function):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if not module.startswith("clickstream.actions"):
                continue
            for alias in node.names:
                if SOURCES.joinpath(*module.split(".")[1:], f"{alias.name}.py").is_file():
                    modules[alias.asname or alias.name] = alias.name
                else:
                    used.add((module.rpartition(".")[2], alias.name))
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                used.add((modules[node.value.id], node.attr))
    return used


def what_acts() -> set[tuple[str, str]]:
    """Every public function of an action that is told whose settings or home to act on."""
    return {
        (file.stem, node.name)
        for file in (SOURCES / "actions").rglob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if node.args.args and node.args.args[0].arg in {"settings", "home"}
    }


CLI = actions_used(*(SOURCES / "cli" / "commands").glob("*.py"))
RUN = actions_used(SOURCES / "tui" / "runners.py")
TUI = actions_used(*(SOURCES / "tui").rglob("*.py"))


def test_every_command_is_in_the_palette_or_on_a_key_and_every_one_of_those_on_the_command_line() -> None:
    assert BY_NAME.keys().isdisjoint(ONLY_CLI)
    assert BY_NAME.keys() | ONLY_CLI.keys() == commands().keys()


def test_every_job_of_the_dashboard_is_an_action_that_the_command_line_has_too() -> None:
    assert RUN & what_acts() <= CLI


def test_every_action_of_these_modules_that_the_command_line_has_the_dashboard_has_too() -> None:
    modules = {module for module, _ in RUN}
    acts = {one for one in CLI & what_acts() if one[0] in modules}
    assert acts - TUI <= SHOWN_BY_FRAMES


def test_the_check_sees_what_is_used() -> None:
    assert ("producers", "pause") in CLI & RUN
    assert ("by_name", "freeze") in CLI & RUN & what_acts()
    assert ("sessions", "verify") in CLI & RUN & what_acts()


@pytest.mark.parametrize("read_only", [False, True])
def test_the_palette_offers_every_command_that_this_session_may_use(make_app: MakeApp, read_only: bool) -> None:
    async def offered() -> set[str]:
        app = make_app(running(), read_only=read_only)
        async with app.run_test(size=(120, 40)):
            return {str(hit.display) async for hit in CommandProvider(app.screen).discover()}

    assert asyncio.run(offered()) == {command.name for command in COMMANDS if not (read_only and command.changes)}


@pytest.mark.parametrize("command", BY_NAME.values(), ids=lambda command: command.name)
def test_commands_are_whole(command: ScreenCommand) -> None:
    assert command.run or command.opens
    assert not command.opens or command.opens in MODE_NAMES
    assert (command.weight is Weight.LIGHT) == (not command.warning)
    assert not command.summary.endswith(".")
