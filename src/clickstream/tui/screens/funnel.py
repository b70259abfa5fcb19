"""The funnel of all time and of the last day and month of the data, and the items looked at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.text import exact
from clickstream.tui.widgets.row_table import Cell, Column, RowTable

if TYPE_CHECKING:
    from clickstream.actions.frame import Frame

COLUMNS = (
    Column("window"),
    Column("sessions", right=True),
    Column("carts", right=True),
    Column("bought", right=True),
    Column("conversion", right=True),
    Column("abandoned", right=True),
)


class FunnelScreen(DashboardScreen):
    """Sessions and what became of them."""

    def body(self) -> ComposeResult:
        yield RowTable(COLUMNS, title="funnel", classes="box")

    def show(self, frame: Frame) -> None:
        if frame.analytics is None:
            return
        found = frame.analytics.value
        windows = {"all time": found.all_time, "last 30 days": found.last_month, "last day": found.last_day}
        rows = {
            name: (
                Cell(name, index),
                Cell(exact(one.sessions), one.sessions),
                Cell(exact(one.cart_sessions), one.cart_sessions),
                Cell(exact(one.purchase_sessions), one.purchase_sessions),
                Cell(f"{one.conversion_rate:.2f} %", one.conversion_rate),
                Cell(f"{one.cart_abandonment:.1f} %", one.cart_abandonment),
            )
            for index, (name, one) in enumerate(windows.items())
        }
        self.query_one(RowTable).put(rows)
