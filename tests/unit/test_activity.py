"""What a command says while it works: nothing at first, one line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from clickstream.cli import activity, output


class Terminal(io.StringIO):
    """Tells when it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        count = super().write(text)
        self.written.set()
        return count


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called by the test itself: pytest gives it another stderr than its fixtures."""
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return found


def test_what_is_quick_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    with activity.shown("stop consumers"):
        activity.report("stopping")
    assert terminal.getvalue() == ""


def test_what_takes_long_says_what_it_does_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    monkeypatch.setattr(activity, "SHOWN_AFTER", 0.0)
    activity_of = activity.Activity("verify")
    activity_of.report("comparing every session", 45, 100)
    activity_of.begin()
    assert terminal.written.wait(60)
    activity_of.end()
    assert "comparing every session  ━━━━━━━━━─────────── 45%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K"), "the line is taken away"


def test_data_takes_the_line_away_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = on_a_terminal(monkeypatch)
    monkeypatch.setattr(activity, "SHOWN_AFTER", 0.0)
    with activity.shown("show the lag"):
        assert terminal.written.wait(60)
        output.write_text("lag 0")
        before = terminal.getvalue()
        activity.report("more")
    assert before.endswith("\x1b[2K")
    assert terminal.getvalue() == before


def test_without_a_terminal_it_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with activity.shown("start the servers"):
        activity.report("downloading Kafka, once", 1, 4)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(activity, "LINE_EVERY", 0.0)
    with activity.shown("start the servers"):
        activity.report("downloading Kafka, once", 1, 4)
        activity.report("starting the servers")
        activity.report("starting the servers")
    assert capsys.readouterr().err == "downloading Kafka, once: 25%\nstarting the servers\n"
