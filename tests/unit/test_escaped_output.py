"""Whatever text comes to an output of ours, no character of it steers the terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console
from textual.content import Content

from clickstream.cli import output
from clickstream.cli.diagnostics import guarded, print_message
from clickstream.cli.output import Table, TextLine
from clickstream.config.problems import SettingsError
from clickstream.domain.errors import LONGEST_MESSAGE, ClickstreamError, ServiceUnavailable
from clickstream.domain.escapes import brief
from clickstream.tui.drawing.cells import Column
from clickstream.tui.widgets.line import replace_controls
from clickstream.tui.widgets.row_table import draw_cell

WORDS = "a\x1b]0;owned\x07\x9b31m\u202e\x00\b\r\x7fz [red]x[/red]"
SHOWN = r"a\x1b]0;owned\x07\x9b31m\u202e\x00\x08\r\x7fz [red]x[/red]"


def test_tables_and_lines() -> None:
    blocks = (Table(("name",), [(WORDS,)]), TextLine(WORDS))
    assert output.plain(blocks) == f"name\n{SHOWN}\n{SHOWN}\n"
    console = Console(width=120, force_terminal=True, color_system=None)
    with console.capture() as caught:
        console.print(output.renderable(blocks))
    assert caught.get().count(SHOWN) == 2
    assert caught.get().replace("\n", "").isprintable()


def test_words_on_both_streams(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_text(WORDS)
    print_message(f"one\n{WORDS}")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (f"{SHOWN}\n", f"one\n{SHOWN}\n")


@pytest.mark.parametrize("error", [SettingsError(WORDS), RuntimeError(WORDS), OSError(2, WORDS, WORDS)], ids=repr)
@pytest.mark.parametrize("debug", ["0", "1"])
def test_errors_of_every_kind(
    error: Exception, debug: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> int:
        raise error

    monkeypatch.setenv("CLICKSTREAM_DEBUG", debug)
    assert guarded(command)
    shown = capsys.readouterr().err
    assert shown.replace("\n", "").isprintable()
    assert ("Traceback" in shown) == (debug == "1")


@given(st.text())
@example(WORDS)
def test_json_is_ascii_that_prints(text: str) -> None:
    shown = output.json_text({"text": text})
    assert shown.isascii()
    assert shown.isprintable()
    assert json.loads(shown) == {"text": text}


@given(st.text())
def test_an_error_of_ours_is_one_printable_line(text: str) -> None:
    for error in (ClickstreamError(text, hint=text), ServiceUnavailable("Kafka", text)):
        assert str(error).isprintable()
        assert str(error.args[0]).isprintable()


def test_an_error_of_ours_does_not_repeat_megabytes() -> None:
    assert len(str(ClickstreamError("\x1b" * 10_000_000, hint="y" * 10_000_000))) < 2 * LONGEST_MESSAGE + 10


@given(st.text(), st.integers(1, 50))
def test_brief_keeps_to_its_limit(text: str, limit: int) -> None:
    assert len(brief(text, limit)) <= limit
    assert brief(text, limit).isprintable()


def test_what_the_dashboard_forgot_to_escape() -> None:
    drawn = draw_cell(WORDS, "", Column("x"))
    assert drawn.plain == SHOWN
    assert replace_controls(Content(WORDS)).plain.isprintable()
    assert "[red]x[/red]" in replace_controls(Content(WORDS)).plain
    styled = replace_controls(Content.assemble(("a\x1b[2J\x9b", "bold"), "\n", ("b\u202e", "red")))
    assert styled.plain == "a\ufffd[2J\ufffd\nb\ufffd"
    assert [(span.start, span.end, str(span.style)) for span in styled.spans] == [(0, 6, "bold"), (7, 9, "red")]
    fine = Content("fine\nlines")
    assert replace_controls(fine) is fine
