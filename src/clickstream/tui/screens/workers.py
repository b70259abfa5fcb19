"""Workers."""
from __future__ import annotations
from textual.app import ComposeResult
from clickstream.tui.screens.base import DashboardScreen
from textual.widgets import Static

class WorkersScreen(DashboardScreen):
    """The workers."""
    def body(self) -> ComposeResult:
        yield Static("workers")
    def show(self, frame) -> None:
        pass
