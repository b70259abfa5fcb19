"""A box with a chart by plotext, drawn only when there is something new to draw. What that is, subclasses know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text
from textual.color import Color
from textual.content import Content
from textual.widgets import Static

from clickstream.tui.drawing.states import DIM

if TYPE_CHECKING:
    from textual_plotext.plot import Plot


class PlotBox(Static):
    """The box. The library loads when there is something to plot."""

    DEFAULT_CSS = """
    PlotBox.-empty { content-align: center middle; }
    """
    _plot: Plot | None = None
    _key: object = None

    def __init__(self, *, classes: str = "box", id: str | None = None) -> None:
        super().__init__(classes=classes, id=id)

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
        self.set_class(isinstance(lines, str), "-empty")
        drawn = Content.styled(lines, DIM) if isinstance(lines, str) else self._drawn(lines)
        self.update(drawn, layout=False)

    def colour(self, name: str) -> tuple[int, int, int]:
        """A colour of the theme, as plotext takes it."""
        red, green, blue = Color.parse(self.app.theme_variables[name]).rgb
        return red, green, blue

    def _drawn(self, lines: Callable[[Plot], None]) -> Text:
        from textual_plotext.plot import Plot

        plt = self._plot = self._plot or Plot()
        width, height = self.content_size
        plt.clear_figure()
        plt.plotsize(width, height)
        plt._set_size(width, height)  # plotsize alone does not always take
        # The screen's own background shows through.
        plt.canvas_color("default")
        plt.axes_color("default")
        plt.ticks_color(self.colour("secondary"))
        plt.frame(False)
        lines(plt)
        return Text.from_ansi(plt.build(), no_wrap=True)
