"""Servers and workers: their state, the actions on the selected one, and its log below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from clickstream.tui.drawing.headline import nothing_runs
from clickstream.tui.drawing.processes import columns_for, process_cells
from clickstream.tui.drawing.text import exact, percent
from clickstream.tui.screens.filtered import FilteredScreen
from clickstream.tui.screens.steering import STEERING, SteeringKeys
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.log_tail import LogTail
from clickstream.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame, ProcessRow

SELECTED = {"stop_selected", "restart_selected", "kill_selected"}
"""Actions that need a selected process of this home."""

PRODUCER = {"pause", "resume", "pace"}
"""Actions that need a running producer."""

CHANGING = {*SELECTED, *PRODUCER, "scale"}


class WorkersScreen(SteeringKeys, FilteredScreen):
    """The processes."""

    CSS = """
    WorkersScreen #processes { height: auto; min-height: 6; max-height: 60%; }
    WorkersScreen #log { height: 1fr; min-height: 4; }
    """
    AUTO_FOCUS = FILTERED = "#processes"
    BINDINGS: ClassVar[list[BindingType]] = [
        STEERING[0],
        Binding("x", "stop_selected", "stop", tooltip="stop the selected process; nothing is lost", id="worker.stop"),
        Binding(
            "r",
            "restart_selected",
            "restart",
            tooltip="stop the selected process and start it again",
            id="worker.restart",
        ),
        Binding("K", "kill_selected", "kill", tooltip="SIGKILL; its supervisor starts it again", id="worker.kill"),
        Binding("plus,equals_sign", "scale(1)", "more", key_display="+", tooltip="one consumer more", id="scale.up"),
        Binding("minus", "scale(-1)", "fewer", key_display="-", tooltip="one consumer fewer", id="scale.down"),
        Binding("p", "pause", "pause", tooltip="have the producer pause (producer pause)", id="producer.pause"),
        Binding("p", "resume", "resume", tooltip="have the producer go on (producer resume)", id="producer.resume"),
        Binding("P", "pace", "pace", tooltip="change the producer's pace (producer pace)", id="producer.pace"),
    ]

    _offered: list[bool | None] | None = None
    """What can be done to the selected process, as the key line has it."""

    def body(self) -> ComposeResult:
        yield RowTable(
            columns_for(self.app.size.width),
            title="servers and workers",
            classes="box",
            id="processes",
        )
        yield FilterBar()
        yield LogTail(when_empty="nothing logged yet", classes="box", id="log")

    def show(self, frame: Frame) -> None:
        table = self.query_one(RowTable)
        width = self.app.size.width
        table.set_columns(columns_for(width))
        table.put({_key(row): process_cells(row, width) for row in frame.processes})
        self._follow()

    def on_resize(self) -> None:
        if self.dashboard.frame is not None and self.is_mounted:
            self.show(self.dashboard.frame)

    @on(DataTable.RowHighlighted)
    def _follow(self) -> None:
        row, frame = self.selected, self.dashboard.frame
        nothing = "nothing runs" if frame is not None and not frame.processes else ""
        self.query_one(RowTable).set_note(summary(row) if row is not None else nothing)
        if row is not None and row.local:
            self.query_one(LogTail).tail(row.name, self.dashboard.settings.home)
        offered = [self.check_action(action, ()) for action in (*SELECTED, *PRODUCER, "scale")]
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    def filter(self, words: str) -> None:
        super().filter(words)
        self._follow()

    @property
    def selected(self) -> ProcessRow | None:
        """The process under the cursor."""
        frame, key = self.dashboard.frame, self.query_one(RowTable).selected
        if frame is None or key is None:
            return None
        return next((row for row in frame.processes if _key(row) == key), None)

    def action_stop_selected(self) -> None:
        row = self.selected
        if row is not None:
            warning = f"{row.name} stops, and the pipeline with it until it runs again." if row.role == "server" else ""
            self.dashboard.run_command("worker stop", {"name": row.name}, warning=warning)

    def action_restart_selected(self) -> None:
        row = self.selected
        if row is not None:
            warning = f"{row.name} is away for some seconds; workers wait." if row.role == "server" else ""
            self.dashboard.run_command("worker restart", {"name": row.name}, warning=warning)

    def action_kill_selected(self) -> None:
        row = self.selected
        if row is not None:
            self.dashboard.run_command("worker kill", {"name": row.name})

    def action_pause(self) -> None:
        self.dashboard.run_command("producer pause")

    def action_resume(self) -> None:
        self.dashboard.run_command("producer resume")

    def action_pace(self) -> None:
        self.dashboard.run_command("producer pace")

    def action_scale(self, step: int) -> None:
        """One consumer more or fewer."""
        frame = self.dashboard.frame
        if frame is None:
            return
        running = sum(
            row.local and row.state in {"starting", "running", "backoff"} for row in frame.workers("consumer")
        )
        wanted = running + step
        if wanted < 0 or (frame.partitions and wanted > len(frame.partitions)):
            most = len(frame.partitions)
            self.notify(f"{running} of {most} consumers run: each partition is one consumer's.", severity="warning")
            return
        self.dashboard.run_command("consumer scale", {"count": wanted})

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in CHANGING and self.dashboard.read_only:
            return False
        filtered = FilteredScreen.check_action(self, action, parameters)
        if action == "clear_filter" or not filtered:
            return filtered
        if action in PRODUCER:
            return self._producer_can(action)
        if action == "scale":
            return self.dashboard.frame is not None and not nothing_runs(self.dashboard.frame)
        if action in SELECTED and self.is_mounted:
            row = self.selected
            return row is not None and row.local
        return super().check_action(action, parameters)

    def _producer_can(self, action: str) -> bool:
        rows = self.dashboard.frame.workers("producer") if self.dashboard.frame else ()
        running = [row for row in rows if row.local and row.state == "running"]
        paused = any(row.activity == "paused" for row in running)
        return bool(running) and (action == "pace" or paused == (action == "resume"))


def _key(row: ProcessRow) -> str:
    return row.name if row.local else f"{row.name}@{row.host}"


def summary(row: ProcessRow) -> str:
    """What the table has no room for, the gravest first."""
    report, words = row.report, []
    if row.activity == "waiting" and row.detail:
        words.append(f"waits: {row.detail}")
    if row.activity == "silent":
        words.append(row.detail)
    if row.exit_reason:
        words.append(f"last exit: {row.exit_reason}")
    if report and row.role == "consumer" and row.state == "running":
        counts = report.counters
        words += [f"{exact(counts.get(name, 0))} {name}" for name in ("stored", "late", "duplicates", "rejected")]
        words.append(f"batches {percent(report.batch_fill, 1, 0)} full")
        words += [f"{name} {percent(share, 1, 0)}" for name, share in report.stages.items()]
    return " · ".join([row.name, *words]) if words else ""
