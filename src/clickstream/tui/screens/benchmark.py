"""Benchmarks: one of them as bars beside the copy limit, all of them as rows; and the running one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import DataTable

from clickstream.actions.observe.poll import MOST_OF_THE_TIME
from clickstream.domain.processes import is_benchmarks
from clickstream.tui import benchmarks
from clickstream.tui.background import BackgroundQuery
from clickstream.tui.benchmarks import Benchmark, BenchmarkProgress
from clickstream.tui.commands import command_binding
from clickstream.tui.drawing.benchmark import boxes, rows
from clickstream.tui.drawing.benchmark.bars import bars_box
from clickstream.tui.drawing.states import ACCENT, DIM
from clickstream.tui.screens.filtered import FilteredScreen
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.line import StaticLine, set_titles
from clickstream.tui.widgets.panel import Panel
from clickstream.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from clickstream.actions.benchmark.series import Summary
    from clickstream.actions.observe.model import Frame
    from clickstream.tui.jobs import Job

READ_EVERY = 5.0
"""Seconds from one reading of the history to the next: another terminal may have run a benchmark."""


ORDERS = {"sorted": "drained in order of time", "late": "5 % late, 1 % twice", "random": "in random order"}


class BenchmarkScreen(FilteredScreen):
    """The benchmarks of this home."""

    CSS = """
    BenchmarkScreen #top { height: 6fr; min-height: 11; }
    BenchmarkScreen #beside { width: 40; }
    BenchmarkScreen #machine { height: 10; }
    BenchmarkScreen #runs { height: 5fr; }
    BenchmarkScreen #now { height: 3; display: none; }
    BenchmarkScreen #none { display: none; height: 1fr; content-align: center middle; text-align: center; }
    BenchmarkScreen.-runs #now { display: block; }
    BenchmarkScreen.-empty #none { display: block; }
    BenchmarkScreen.-empty #top, BenchmarkScreen.-empty #runs { display: none; }
    BenchmarkScreen.-narrow #beside { width: 31; }
    BenchmarkScreen.-wide #beside { width: 54; }
    BenchmarkScreen.-short #machine { display: none; }
    """
    AUTO_FOCUS = FILTERED = "#runs"
    BINDINGS: ClassVar[list[BindingType]] = [command_binding("b", "benchmark", "run")]

    def __init__(self) -> None:
        super().__init__()
        self._history: BackgroundQuery[tuple[Benchmark, ...]] = BackgroundQuery(
            self, self.show_again, every=READ_EVERY, share=MOST_OF_THE_TIME
        )
        self._shown: tuple[Benchmark, ...] = ()
        """Those of the table, the newest first."""
        self._job: Job | None = None

    def body(self) -> ComposeResult:
        yield StaticLine(id="none")
        with Horizontal(id="top"):
            yield Panel(self._draw_bars, id="bars")
            with Vertical(id="beside"):
                yield Panel(self._draw_case, title="this case", id="case")
                yield Panel(self._draw_machine, title="machine", id="machine")
        yield Panel(self._draw_running, title="running", id="now")
        yield RowTable(rows.columns_for(self.app.size.width), title="benchmarks", classes="box", id="runs")
        yield FilterBar()

    def show(self, frame: Frame) -> None:
        if self._history.due(frame.at, frame.at):
            self._read(frame)
        width = self.app.size.width
        self._shown = self._newest_first()
        elsewhere = any(is_benchmarks(row.name) and row.pid for row in frame.processes)
        self.set_class(self._job is not None or elsewhere, "-runs")
        self.set_class(not self._shown, "-empty")
        self.query_one("#none", StaticLine).put(self._nothing_yet())
        table = self.query_one("#runs", RowTable)
        table.set_columns(rows.columns_for(width))
        cases = [(key, one, case) for one in self._shown for key, case in one.rows()]
        table.put({key: rows.benchmark_cells(one, case, width) for key, one, case in cases})
        if self.focused is None and self._shown:  # what is hidden cannot have the focus
            table.focus()
        self._show_chosen(frame)

    def show_job(self, job: Job | None) -> None:
        super().show_job(job)
        before, self._job = self._job, job if job is not None and job.command.name == "benchmark" else None
        frame = self.dashboard.frame
        if frame is None or not self._is_composed or (before is None and self._job is None):
            return
        if before is not None and self._job is None:  # what it found is in the history now
            self._history.abandon()
            self._read(frame)
        self.show(frame)

    def on_resize(self) -> None:
        self.show_again()

    @on(DataTable.RowHighlighted, "#runs")
    def _choose(self) -> None:
        if self.dashboard.frame is not None:
            self._show_chosen(self.dashboard.frame)

    def _show_chosen(self, frame: Frame) -> None:
        for panel in self.query(Panel):
            panel.show(frame)
        one, case = self._chosen()
        record = one.record if one else None
        in_a_box = self.query_one("#machine").display
        self.query_one("#runs", RowTable).set_note("" if in_a_box else boxes.machine_line(record))
        if one is None or case is None:
            return
        title = f"events/s, {'live' if case.case.mode == 'live' else ORDERS[case.case.order]}"
        legend = "" if case.case.mode == "live" else "━ what COPY alone takes"
        set_titles(self.query_one("#bars"), title, legend)
        set_titles(self.query_one("#case"), boxes.case_title(case))
        set_titles(self.query_one("#machine"), subtitle=rows.when(one, "%Y-%m-%d %H:%M"))

    def _newest_first(self) -> tuple[Benchmark, ...]:
        figure, progress = self._history.figure, self._progress()
        now = benchmarks.running_benchmark(progress) if progress else None
        return (*((now,) if now else ()), *(figure.value if figure else ()))

    def _progress(self) -> BenchmarkProgress | None:
        found = self._job.found if self._job is not None else None
        return found if isinstance(found, BenchmarkProgress) else None

    def _read(self, frame: Frame) -> None:
        home = self.dashboard.settings.home

        def question() -> tuple[Benchmark, ...]:
            from clickstream.actions.benchmark import history as benchmark_history

            return benchmarks.summarize(benchmark_history.read_records(home))

        self._history.start(question, frame.at, frame.at)

    def _nothing_yet(self) -> Content:
        if self._history.error:
            return Content(self._history.error)
        if self._history.figure is None:
            return Content.styled("reading what was measured", DIM)
        if self._job is not None:
            return Content.styled("the first run has not ended yet", DIM)
        words = Content.styled("No benchmark was run here yet.", "bold")
        if not self.dashboard.read_only:
            words = words.append(
                Content.assemble("\n\n", ("b", f"bold {ACCENT}"), " runs one: a million events, with one, two")
            )
            words = words.append(Content(" and three partitions"))
        example = "clickstream benchmark --limit 100000,1000000 --partitions 1,2,3 --runs 3"
        return words.append(Content.assemble("\n\nor, in a terminal:\n", (example, DIM)))

    def _chosen(self) -> tuple[Benchmark | None, Summary | None]:
        """What the cursor is on."""
        selected = self.query_one("#runs", RowTable).selected or ""
        one = next((one for one in self._shown if one.key == selected.partition("/")[0]), None)
        return one, one.case(selected) if one else None

    def _draw_bars(self, _frame: Frame, width: int, height: int) -> Content:
        one, case = self._chosen()
        return bars_box(one, case, width, height) if one else Content("")

    def _draw_case(self, _frame: Frame, width: int, height: int) -> Content:
        _, case = self._chosen()
        return boxes.case_box(case, width, height) if case else Content("")

    def _draw_machine(self, _frame: Frame, width: int, height: int) -> Content:
        one, _ = self._chosen()
        return boxes.machine_box(one.record, width, height) if one else Content("")

    def _draw_running(self, frame: Frame, width: int, _height: int) -> Content:
        if self._job is None:
            return boxes.elsewhere_box(frame, width)
        return boxes.running_box(self._job, self._progress(), width)
