"""Who gets what: a terminal the dashboard, everything else the command line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import Any

import pytest

from clickstream.__main__ import main
from clickstream.actions.demo.run import DemoOptions
from clickstream.domain.errors import ClickstreamError


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def run(_load: object, **how: Any) -> int:
        calls.append(how)
        return 0

    monkeypatch.setattr("clickstream.tui.run", run)
    return calls


def call(monkeypatch: pytest.MonkeyPatch, *argv: str, terminal: bool = True) -> int:
    monkeypatch.setattr(sys, "argv", ["clickstream", *argv])
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: terminal)
    return main()


@pytest.mark.parametrize(
    ("argv", "how"),
    [
        ((), {"demo": None, "read_only": False}),
        (("--read-only",), {"demo": None, "read_only": True}),
        (("demo",), {"demo": DemoOptions(), "read_only": False}),
        (("demo", "--limit", "7", "--fresh"), {"demo": DemoOptions(limit=7, fresh=True), "read_only": False}),
    ],
)
def test_a_terminal_gets_the_dashboard(
    monkeypatch: pytest.MonkeyPatch, opened: list[dict[str, Any]], argv: tuple[str, ...], how: dict[str, Any]
) -> None:
    assert call(monkeypatch, *argv) == 0
    assert opened == [how]


@pytest.mark.parametrize("argv", [(), ("--read-only",)])
def test_what_is_not_a_terminal_gets_help(
    monkeypatch: pytest.MonkeyPatch,
    opened: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    argv: tuple[str, ...],
) -> None:
    assert call(monkeypatch, *argv, terminal=False) == 0
    assert "Usage: clickstream" in capsys.readouterr().out
    assert opened == []


def test_a_wrong_demo_is_a_wrong_use(monkeypatch: pytest.MonkeyPatch, opened: list[dict[str, Any]]) -> None:
    assert call(monkeypatch, "demo", "--limit", "none") == 2
    assert opened == []


@pytest.mark.parametrize("flag", ["--headless", "--json"])
def test_a_headless_demo_stays_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch, opened: list[dict[str, Any]], flag: str
) -> None:
    ran: list[DemoOptions] = []

    def demo(_settings: object, options: DemoOptions, _show: object) -> None:
        ran.append(options)
        raise ClickstreamError("this is as far as it goes")

    monkeypatch.setattr("clickstream.actions.demo.run.demo", demo)
    assert call(monkeypatch, "demo", flag) == 1
    assert (ran, opened) == ([DemoOptions()], [])


SCRIPT = """
import atexit, sys
from clickstream.__main__ import script
atexit.register(print, "a library's clean-up beside threads that still use it")
script()
"""


@pytest.mark.parametrize(("argument", "code"), [("--version", 0), ("--nonsense", 2)])
def test_the_process_ends_at_once_with_its_words_and_its_code(argument: str, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, argument], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "clean-up" not in done.stdout
    assert ("clickstream" in done.stdout) == (code == 0)
    assert ("error" in done.stderr) == (code == 2)


def test_an_output_that_takes_nothing_is_told_in_one_line() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    line = f"{shlex.quote(sys.executable)} -m clickstream --version >/dev/full"
    done = subprocess.run(line, shell=True, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_closed_input_is_an_empty_one() -> None:
    line = f"{shlex.quote(sys.executable)} -m clickstream config show --json <&-"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
