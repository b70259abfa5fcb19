"""Ctrl+C ends every command with one sentence and 130."""

from __future__ import annotations

from typing import Any

import pytest

from clickstream.actions import stack
from clickstream.actions.catalogue import BY_NAME, COMMANDS, NOTHING_CHANGED
from clickstream.cli.main import run
from clickstream.domain.errors import Interrupted

WITHOUT_TRACE = {"worker kill", "worker freeze", "worker thaw"}
"""What is done at once, or not at all."""

SERVE = {"metrics", "serve", "worker consumer", "worker indexer", "worker producer"}
"""What runs until it is interrupted."""


def test_every_command_that_changes_something_says_what_it_leaves_behind() -> None:
    silent = {one.name for one in COMMANDS if one.interrupted == NOTHING_CHANGED}
    changing = {one.name for one in COMMANDS if one.changes}
    assert changing & silent == WITHOUT_TRACE
    assert not SERVE & silent


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), Interrupted("stop")])
def test_it_is_said_on_stderr_and_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], interruption: BaseException
) -> None:
    def interrupted(*_: Any) -> None:
        raise interruption

    monkeypatch.setattr(stack, "down", interrupted)
    assert run(["stack", "down", "--json"]) == 130
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"interrupted: {BY_NAME['stack down'].interrupted}\n")
