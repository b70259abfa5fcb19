"""Everything at a glance: is it flowing and healthy, how fast, what comes out, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content

from clickstream.tui.drawing.lag import lag_box
from clickstream.tui.drawing.overview import (
    funnel_age,
    funnel_box,
    journal_box,
    outcome_box,
    services_box,
    sessions_box,
)
from clickstream.tui.drawing.topology import NARROW, stages, topology
from clickstream.tui.screens.base import DashboardScreen
from clickstream.tui.screens.steering import STEERING, SteeringKeys
from clickstream.tui.widgets.line import set_titles
from clickstream.tui.widgets.panel import Panel
from clickstream.tui.widgets.throughput import ThroughputPlot

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame


class OverviewScreen(SteeringKeys, DashboardScreen):
    """The overview."""

    CSS = """
    OverviewScreen #strip { height: 6; width: 100%; }
    OverviewScreen.-narrow #strip { padding: 0 1; }
    OverviewScreen #middle { height: 1fr; }
    OverviewScreen #throughput { width: 3fr; }
    OverviewScreen #lag { width: 2fr; }
    OverviewScreen #bottom { height: 7; }
    OverviewScreen #sessions { width: 5fr; }
    OverviewScreen #funnel { width: 7fr; }
    OverviewScreen #happened { width: 9fr; }
    OverviewScreen #services { width: 6fr; display: none; }
    OverviewScreen #outcome { display: none; }
    OverviewScreen #last { display: none; height: 1; padding: 0 1; }
    OverviewScreen.-wide #services { display: block; }
    OverviewScreen.-narrow #throughput { width: 1fr; }
    OverviewScreen.-narrow #lag { width: 1fr; }
    OverviewScreen.-narrow #bottom { height: 6; }
    OverviewScreen.-narrow #sessions { display: none; }
    OverviewScreen.-narrow #funnel { display: none; }
    OverviewScreen.-narrow #happened { display: none; }
    OverviewScreen.-narrow #outcome, OverviewScreen.-narrow #last { display: block; }
    OverviewScreen.-narrow.-high #bottom { height: 7; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*STEERING]

    def body(self) -> ComposeResult:
        yield Panel(self._strip, opens="workers", id="strip", classes="")
        with Horizontal(id="middle"):
            yield ThroughputPlot(id="throughput")
            yield Panel(lag_box, title="lag", opens="partitions", id="lag")
        with Horizontal(id="bottom"):
            yield Panel(sessions_box, title="sessions", opens="funnel", id="sessions")
            yield Panel(funnel_box, title="funnel, all time", opens="funnel", id="funnel")
            yield Panel(outcome_box, title="sessions · funnel, all time", opens="funnel", id="outcome")
            yield Panel(journal_box, title="what happened", opens="logs", id="happened")
            yield Panel(services_box, title="services", opens="workers", id="services")
        yield Panel(journal_box, opens="logs", id="last", classes="")

    def show(self, frame: Frame) -> None:
        strip, height = self.query_one("#strip"), self._strip_height(frame)
        if strip.size.height != height:  # a new height lays out the whole screen
            strip.styles.height = height
        for panel in self.query(Panel):
            panel.show(frame)
        self.query_one(ThroughputPlot).show(frame)
        old = funnel_age(frame)
        set_titles(self.query_one("#funnel"), subtitle=old)
        set_titles(self.query_one("#outcome"), subtitle=old and f"funnel {old}")

    def _strip_height(self, frame: Frame) -> int:
        """Three lines in each box; in a high terminal as many as there are partitions or consumers, up to six."""
        if self.narrow:
            return 6
        rows = max(len(frame.partitions), len(frame.workers("consumer")))
        return 3 + min(max(rows, 3), 6 if self.has_class("-tall") else 4 if self.has_class("-high") else 3)

    def _strip(self, frame: Frame, width: int, height: int) -> Content:
        if width < NARROW:
            return stages(frame, width)
        step = 0 if self.app.animation_level == "none" else int(frame.at)
        return topology(frame, width, height, step=step, read_only=self.dashboard.read_only)
