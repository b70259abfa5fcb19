"""What all processes log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.widgets.log_tail import LogTail

if TYPE_CHECKING:
    from clickstream.actions.frame import Frame


class LogsScreen(DashboardScreen):
    """The logs."""

    def body(self) -> ComposeResult:
        yield LogTail(classes="box")

    def show(self, frame: Frame) -> None:
        names = [row.name for row in frame.processes if row.local]
        if names:
            self.query_one(LogTail).follow(names)
