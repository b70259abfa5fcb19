"""The doctor's findings: a glyph and a word for each check, and the cure where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from clickstream.tui.drawing.states import ACCENT, BUSY, DIM, FAILED, OKAY
from clickstream.tui.widgets.line import StaticLine, set_titles

if TYPE_CHECKING:
    from clickstream.actions.config.check import Check

LOOKS = {"ok": ("●", OKAY), "warn": ("▲", BUSY), "failed": ("✖", FAILED)}

NAME_WIDTH, STATE_WIDTH = 11, 6

INDENT = NAME_WIDTH + STATE_WIDTH + 4

WORST_FIRST = ("failed", "warn", "ok")


class Findings(VerticalScroll):
    """The box."""

    DEFAULT_CSS = """
    Findings { scrollbar-gutter: stable; }
    Findings StaticLine { height: auto; width: 100%; }
    """

    def __init__(self, *, classes: str = "", id: str | None = None) -> None:
        super().__init__(classes=classes, id=id)
        self._checks: Sequence[Check] = ()

    def compose(self) -> ComposeResult:
        yield StaticLine(id="findings")

    def on_mount(self) -> None:
        self.border_title = "doctor"

    def wait(self) -> None:
        """The doctor is at work."""
        self._checks = ()
        set_titles(self, subtitle="")
        self._put(Content.styled("trying everything …", DIM))

    def show(self, checks: Sequence[Check], clock: str) -> None:
        """What it found at that time of day, the worst first."""
        self._checks = sorted(checks, key=lambda one: WORST_FIRST.index(one.state))
        failed, warned = (sum(one.state == state for one in checks) for state in WORST_FIRST[:2])
        words = f"{failed} failed" if failed else f"{warned} to look at" if warned else "all well"
        set_titles(self, subtitle=f"{words} · {clock}")
        self._lay_out()

    def fail(self, words: str) -> None:
        """It could not work at all."""
        self._checks = ()
        set_titles(self, subtitle="")
        self._put(Content.styled(f"✖ {words}", FAILED))

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        if self._checks:
            width = max(20, self.scrollable_content_region.width - INDENT)
            self._put(Content("\n").join([line for one in self._checks for line in _lines(one, width)]))

    def _put(self, content: Content) -> None:
        self.query_one("#findings", StaticLine).put(content, layout=True)


def _lines(check: Check, width: int) -> Iterator[Content]:
    from clickstream.domain.escapes import escape_controls

    glyph, style = LOOKS.get(check.state, ("?", BUSY))
    head = f"{glyph} {check.name:<{NAME_WIDTH}} {check.state:<{STATE_WIDTH}} "
    for words in wrap(escape_controls(check.message), width) or [""]:
        yield Content.assemble((f"{head:<{INDENT}}", style), words)
        head = ""
    sign = "→ "
    for words in wrap(escape_controls(check.hint), width - len(sign)):
        yield Content.assemble((f"{'':<{INDENT}}{sign:<2}", DIM), (words, ACCENT))
        sign = ""
