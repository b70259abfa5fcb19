"""The dashboard and the command line know the same commands."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator

import pytest

from clickstream.cli.parser import build
from clickstream.tui.app import MODE_NAMES, ClickstreamApp
from clickstream.tui.commands import BY_NAME, COMMANDS, Weight
from clickstream.tui.palette import CommandProvider
from tests.tui import frames
from tests.tui.conftest import MakeApp, settled

WITHOUT_A_PICTURE = {"worker", "watch", "serve"}
"""First words of commands that are no entry of the palette: what the supervisor starts, and what shows these very
pictures to other programs or in a browser."""


def command_line(parser: argparse.ArgumentParser | None = None, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command of the command line."""
    parser = parser or build()
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield " ".join(words)
    for group in groups:
        for name, below in group.choices.items():
            yield from command_line(below, (*words, name))


def test_every_command_is_on_both_sides() -> None:
    there = {name for name in command_line() if name.split()[0] not in WITHOUT_A_PICTURE}
    here = {command.name for command in COMMANDS}
    assert here == there


def test_the_palette_offers_every_command(make_app: MakeApp) -> None:
    assert offered(make_app(frames.running())) == [command.name for command in COMMANDS]


def test_the_palette_of_a_read_only_session_offers_what_changes_nothing(make_app: MakeApp) -> None:
    assert offered(make_app(frames.running(), read_only=True)) == [one.name for one in COMMANDS if not one.changes]


def offered(app: ClickstreamApp) -> list[str]:
    found: list[str] = []

    async def run() -> None:
        async with app.run_test() as pilot:
            await settled(pilot)
            found.extend([str(hit.text) async for hit in CommandProvider(app.screen).discover()])

    asyncio.run(run())
    return found


@pytest.mark.parametrize("command", BY_NAME.values(), ids=lambda command: command.name)
def test_commands_are_whole(command: object) -> None:
    from clickstream.tui.commands import Command

    assert isinstance(command, Command)
    assert command.run or command.opens
    assert not command.opens or command.opens in MODE_NAMES
    assert (command.weight is Weight.LIGHT) == (not command.warning)
    assert not command.summary.endswith(".")
