"""Ctrl+C ends every command with one sentence and 130."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from clickstream.cli import commands_stack
from clickstream.cli.interruption import NOTHING_CHANGED, SENTENCES, sentence
from clickstream.cli.parser import build, run
from clickstream.domain.errors import Interrupted

CHANGING = {
    *("benchmark", "demo", "discard", "down", "generate", "init", "inject", "metrics", "pace", "pause", "replay"),
    *("reset", "resize", "restart", "resume", "rewind", "scale", "serve", "start", "stop", "up"),
    *("consumer", "indexer", "producer"),
}
"""Last words of commands that change something, or that are a process themselves."""


def commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield parser.prog.removeprefix("clickstream ")
    for action in inner:
        for one in action.choices.values():
            yield from commands(one)


def test_every_command_that_changes_something_says_what_it_leaves_behind() -> None:
    known = list(commands(build()))
    assert len(known) > 40
    assert SENTENCES.keys() <= set(known)
    without = {name for name in known if name.split()[-1] in CHANGING and name not in SENTENCES}
    assert not without
    assert sentence("status") == NOTHING_CHANGED


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), Interrupted("stop")])
def test_it_is_said_on_stderr_and_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], interruption: BaseException
) -> None:
    def interrupted(args: argparse.Namespace) -> int:
        raise interruption

    monkeypatch.setattr(commands_stack, "down", interrupted)
    assert run(["stack", "down", "--json"]) == 130
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"interrupted: {SENTENCES['stack down']}\n")
