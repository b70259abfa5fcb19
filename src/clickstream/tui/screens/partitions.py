"""The partitions: position, lag, rates, owner; the lag over the last hour; the consumers' back-pressure."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from clickstream.actions.observe.back_pressure import pressures
from clickstream.actions.observe.model import UP
from clickstream.tui.background import BackgroundQuery
from clickstream.tui.drawing import partitions, pressure
from clickstream.tui.drawing.lag import no_partitions
from clickstream.tui.screens.filtered import FilteredScreen
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.lag_chart import WINDOWS, LagChart
from clickstream.tui.widgets.line import StaticLine
from clickstream.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from clickstream.actions.observe.history import LagHistory
    from clickstream.actions.observe.model import Frame

PAST_POINTS = 180
"""Points of the past hour, which is asked for once."""

ASK_AGAIN_AFTER = 30.0
"""Seconds after which the past is asked for again where it could not be read."""


class PartitionsScreen(FilteredScreen):
    """The partitions of the events topic."""

    CSS = """
    PartitionsScreen #partitions { height: auto; min-height: 6; max-height: 40%; }
    PartitionsScreen #obstacles { height: auto; max-height: 9; padding: 0 2; display: none; }
    PartitionsScreen.-short.-obstructed LagChart { display: none; }
    PartitionsScreen #pressure { height: auto; min-height: 4; max-height: 30%; }
    PartitionsScreen LagChart { height: 1fr; min-height: 6; }
    """
    AUTO_FOCUS = FILTERED = "#partitions"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "window", "window", tooltip="lag over the last hour, or over the last ten minutes", id="window"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._asked: BackgroundQuery[LagHistory] = BackgroundQuery(self, self.show_again, every=ASK_AGAIN_AFTER)
        self._window = next(iter(WINDOWS))

    def body(self) -> ComposeResult:
        width = self.app.size.width
        yield RowTable(partitions.columns_for(width), title="partitions", classes="box", id="partitions")
        yield FilterBar()
        yield StaticLine(id="obstacles")
        yield LagChart(id="lag-chart")
        yield RowTable(pressure.columns_for(width), title="back-pressure", classes="box", id="pressure")

    def show(self, frame: Frame) -> None:
        width = self.app.size.width
        table, held = self.query_one("#partitions", RowTable), self.query_one("#pressure", RowTable)
        table.set_title(partitions.title(frame))
        table.set_columns(partitions.columns_for(width))
        table.put({str(row.partition): partitions.partition_cells(frame, row, width) for row in frame.partitions})
        told = self.query_one("#obstacles", StaticLine)
        told.display = bool(frame.obstacles)
        self.set_class(bool(frame.obstacles), "-obstructed")
        told.put(partitions.obstacle_words(frame), layout=True)
        consumers = pressures(frame)
        held.set_columns(pressure.columns_for(width))
        held.put({one.worker: pressure.pressure_cells(one, width) for one in consumers})
        held.set_note(pressure.summary(consumers, frame))
        self.query_one(LagChart).show(frame, self._past, self._window)
        self._show_detail()
        self._ask_for_the_past(frame)

    def filter(self, words: str) -> None:
        super().filter(words)
        self._show_detail()

    def on_resize(self) -> None:
        self.show_again()

    @on(DataTable.RowHighlighted, "#partitions")
    def _show_detail(self) -> None:
        frame, table = self.dashboard.frame, self.query_one("#partitions", RowTable)
        if frame is None:
            return
        row = next((row for row in frame.partitions if str(row.partition) == table.selected), None)
        table.set_note(partitions.detail(frame, row) if row else "" if frame.partitions else no_partitions(frame))

    def action_window(self) -> None:
        """The other window."""
        windows = list(WINDOWS)
        self._window = windows[(windows.index(self._window) + 1) % len(windows)]
        self.show_again()

    @property
    def _past(self) -> LagHistory | None:
        return self._asked.figure.value if self._asked.figure is not None else None

    def _ask_for_the_past(self, frame: Frame) -> None:
        """Until it is known: what the lag was before this dashboard was opened."""
        settings, known = self.dashboard.settings, self._past is not None and not self._past.note
        if known or settings.kafka is None or settings.postgres is None or not frame.partitions:
            return
        if any(frame.service(name).state != UP for name in ("kafka", "postgresql")):
            return

        def question() -> LagHistory:
            from clickstream.actions.observe import history as lag_history

            return lag_history.history(settings, window=float(max(WINDOWS)), points=PAST_POINTS)

        # Its error is not shown: the screen says already who does not answer.
        if self._asked.due(frame.at, frame.at):
            self._asked.start(question, frame.at, frame.at)
