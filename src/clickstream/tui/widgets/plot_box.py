"""A box with a chart by plotext, drawn only when there is something new to draw, which subclasses decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.color import Color
from textual.containers import Container
from textual.content import Content

from clickstream.tui.drawing.states import DIM
from clickstream.tui.widgets.line import StaticLine

if TYPE_CHECKING:
    from textual_plotext import Plot, PlotextPlot


class PlotBox(Container):
    """The box: a chart, or words where there is nothing to draw. The library loads when there is something to plot."""

    # The theme "clear" gives ticks no colour of their own, so that they have the widget's.
    DEFAULT_CSS = """
    PlotBox > StaticLine { height: 1fr; content-align: center middle; }
    PlotBox > PlotextPlot { color: $secondary; display: none; }
    PlotBox.-plotted > StaticLine { display: none; }
    PlotBox.-plotted > PlotextPlot { display: block; }
    """
    _chart: PlotextPlot | None = None
    _key: object = None

    def __init__(self, *, classes: str = "box", id: str | None = None) -> None:
        super().__init__(classes=classes, id=id)

    def compose(self) -> ComposeResult:
        yield StaticLine()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show_again())

    def on_resize(self) -> None:
        self.show_again()

    def show_again(self) -> None:
        """Show what was shown last, for another size or theme."""
        raise NotImplementedError

    def is_new(self, key: object) -> bool:
        """Whether what is there was drawn for another key, size or theme, so that `draw` must follow."""
        key = (key, self.size, self.app.theme)
        if key == self._key or not all(self.content_size):
            return False
        self._key = key
        return True

    def draw(self, lines: Callable[[Plot], None] | str) -> None:
        """Have `lines` draw on an empty canvas; where there is nothing to draw, the words that say so."""
        self.set_class(not isinstance(lines, str), "-plotted")
        if isinstance(lines, str):
            self.query_one(StaticLine).put(Content.styled(lines, DIM))
            return
        if self._chart is None:
            self._chart = self._new_chart()
            self.mount(self._chart)
        plt = self._chart.plt
        plt.clear_figure()
        plt.frame(False)
        lines(plt)
        self._chart.refresh()

    def colour(self, name: str) -> tuple[int, int, int]:
        """A colour of the theme, as plotext takes it."""
        red, green, blue = Color.parse(self.app.theme_variables[name]).rgb
        return red, green, blue

    def _new_chart(self) -> PlotextPlot:
        from textual_plotext import PlotextPlot

        chart = PlotextPlot()
        chart.theme = "clear"  # the screen's own background shows through
        return chart
