"""Everything at a glance."""
from __future__ import annotations
from textual.app import ComposeResult
from clickstream.tui.screens.base import DashboardScreen
from textual.widgets import Static

class OverviewScreen(DashboardScreen):
    """The overview."""
    def body(self) -> ComposeResult:
        yield Static("overview")
    def show(self, frame) -> None:
        pass
