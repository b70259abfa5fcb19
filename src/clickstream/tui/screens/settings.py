"""What is configured and where each value comes from; secrets are masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.widgets.row_table import Cell, Column, RowTable

if TYPE_CHECKING:
    from clickstream.actions.frame import Frame

COLUMNS = (Column("variable"), Column("value"), Column("from"))


class SettingsScreen(DashboardScreen):
    """The settings."""

    def body(self) -> ComposeResult:
        yield RowTable(COLUMNS, title="settings", classes="box")

    def show(self, frame: Frame) -> None:
        from clickstream.actions.config_show import show

        rows = {
            variable.name: (
                Cell(variable.name, variable.name),
                Cell(variable.value or "", variable.value or ""),
                Cell(variable.source, variable.source),
            )
            for variable in show(self.dashboard.source.settings)
        }
        self.query_one(RowTable).put(rows)
