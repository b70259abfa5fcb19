"""Dead letters: messages and lines that were no events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.content import Content

from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.text import exact
from clickstream.tui.widgets.line import Line

if TYPE_CHECKING:
    from clickstream.actions.frame import Frame


class RejectsScreen(DashboardScreen):
    """What was put aside."""

    def body(self) -> ComposeResult:
        yield Line(id="rejects", classes="box")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#rejects").border_title = "rejects"

    def show(self, frame: Frame) -> None:
        messages = frame.counts.value.rejected if frame.counts else None
        lines = frame.producer.bad_lines if frame.producer else 0
        text = f"{exact(messages)} rejected messages in PostgreSQL\n{exact(lines)} bad lines in this producer's run"
        self.query_one("#rejects", Line).put(Content(text))
