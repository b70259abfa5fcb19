"""Completion in real shells: what TAB makes of a half-typed command. A shell that is not installed is skipped."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clickstream.cli.main import run
from tests.waiting import AT_MOST, read_until

INTERACTIVE = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(clickstream completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit && compinit -u && source <(clickstream completion zsh)"),
}

HALF_TYPED = [
    ("clickstream sta", ["stack", "status"]),
    ("clickstream consumer re", ["restart", "rewind"]),
    ("clickstream consumer sto", ["stop "]),
    ("clickstream producer start --rea", ["--realtime "]),
    ("clickstream benchmark --mode dr", ["drain "]),
    ("clickstream faults inject kill-cons", ["kill-consumer "]),
]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """PATH with `clickstream` first."""
    program = tmp_path / "bin" / "clickstream"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m clickstream "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, command: list[str], path: str) -> None:
        self._ours, theirs = pty.openpty()
        environment = {**os.environ, "PATH": path, "TERM": "dumb", "PS1": "$ "}
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def shows(self, *words: str) -> None:
        read_until(self._ours, *words)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


@pytest.fixture(params=sorted(INTERACTIVE))
def shell(request: pytest.FixtureRequest, path: str) -> Iterator[Shell]:
    command, prepare = INTERACTIVE[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    started = Shell(command, path)
    try:
        started.type(f"{prepare}; echo read''y\n")
        started.shows("ready")
        yield started
    finally:
        started.close()


def test_tab_completes_what_is_half_typed(shell: Shell) -> None:
    for typed, completed in HALF_TYPED:
        shell.type(typed)
        shell.shows(typed)
        shell.type("\t\t" if len(completed) > 1 else "\t")
        rest = [one.removeprefix(typed.rpartition(" ")[2]) if len(completed) == 1 else one for one in completed]
        shell.shows(*rest)
        shell.type("\x15echo do''ne\n")  # Ctrl+U takes the line away
        shell.shows("done")


def test_fish_completes_what_is_half_typed(path: str) -> None:
    if shutil.which("fish") is None:
        pytest.skip("no fish here")
    lines = "; ".join(f"complete -C '{typed}'" for typed, _ in HALF_TYPED)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"clickstream completion fish | source; {lines}"],
        env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True, timeout=AT_MOST,
    )  # fmt: skip
    found = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    assert found == [one.strip() for _, completed in HALF_TYPED for one in completed]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_CLICKSTREAM_COMPLETE" in capsys.readouterr().out
