"""What all processes of this home log, or chosen ones, in one order: followed, searched, filtered, as in less."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from clickstream.tui.drawing.text import exact
from clickstream.tui.log_follower import LogFollower
from clickstream.tui.screens.filtered import FilteredScreen
from clickstream.tui.screens.pick import PickScreen
from clickstream.tui.widgets.filter_bar import FilterBar
from clickstream.tui.widgets.line import set_titles
from clickstream.tui.widgets.log_view import LogView

if TYPE_CHECKING:
    from clickstream.actions.logs.lines import LogLine
    from clickstream.actions.observe.model import Frame

FIRST_LINES = 500
"""Of each log, at first."""

MORE = 4
"""So many times as many when the user goes up beyond the first line."""

MOST_LINES = FIRST_LINES * MORE * MORE
"""Of each log; the whole of one is `consumer logs -n`."""

NOTHING = "No logs yet: nothing has run here. d demo · 1 overview"


class LogsScreen(FilteredScreen):
    """The logs."""

    CSS = """
    LogsScreen #nothing { display: none; width: 100%; height: 1fr; content-align: center middle; color: $text-muted; }
    LogsScreen.-nothing #nothing { display: block; }
    LogsScreen.-nothing LogView { display: none; }
    """
    AUTO_FOCUS = FILTERED = "LogView"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "search", key_display="/", tooltip="search; n and N go on", id="logs.search"),
        Binding("escape", "clear_filter", "end search", tooltip="end the search", show=False),
        Binding("n", "next(1)", "next", show=False, tooltip="the next line that is found"),
        Binding("N", "next(-1)", "previous", show=False, tooltip="the line before that is found"),
        Binding("f", "follow", "follow", tooltip="stay at the end, or not", id="logs.follow"),
        Binding("l", "level", "level", tooltip="all lines, warnings and worse, errors only", id="logs.level"),
        Binding("w", "wrap", "wrap", tooltip="break long lines, or not", id="logs.wrap"),
        Binding("p", "pick", "processes", tooltip="whose logs to show", id="logs.pick"),
        Binding("g", "top", "top", tooltip="the first line; again: load earlier ones", show=False),
        Binding("G", "end", "end", tooltip="the last line, and follow", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._chosen: frozenset[str] | None = None
        """None: all."""
        self._names: list[str] = []
        self._last = FIRST_LINES
        self._go_up = False
        self._follower: LogFollower | None = None

    def body(self) -> ComposeResult:
        yield LogView(classes="box", id="logs")
        yield Static(NOTHING, id="nothing")
        yield FilterBar("search: n the next, N the one before, esc none")

    def show(self, frame: Frame) -> None:
        """Frames say nothing of logs."""

    def on_mount(self) -> None:
        super().on_mount()
        self._begin()

    def on_unmount(self) -> None:
        if self._follower is not None:
            self._follower.stop()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self._follower is not None:
            self._follower.resume()

    def on_screen_suspend(self) -> None:
        hidden = not self.app.screen_stack or self not in self.app.screen_stack
        if hidden and self._follower is not None:
            self._follower.pause()

    def _add_lines(self, lines: list[LogLine], names: list[str]) -> None:
        self._names = names
        self.set_class(not names, "-nothing")
        view = self.query_one(LogView)
        part = "all" if self._chosen is None else f"{exact(len(self._chosen))} of"
        set_titles(view, f"logs of {part} {exact(len(self._names))} processes")
        if lines:
            view.add(lines)
        if self._go_up:
            self._go_up = False
            view.to_top()

    def filter(self, words: str) -> None:
        self.query_one(LogView).search(words)

    def action_next(self, step: int) -> None:
        self.query_one(LogView).next_match(step)

    def action_follow(self) -> None:
        view = self.query_one(LogView)
        view.follow(not view.following)

    def action_level(self) -> None:
        self.query_one(LogView).next_level()

    def action_wrap(self) -> None:
        self.query_one(LogView).toggle_wrap()

    def action_top(self) -> None:
        if self.query_one(LogView).to_top() or self._last >= MOST_LINES:
            return
        self._last *= MORE
        self._go_up = True
        self._begin()

    def action_end(self) -> None:
        self.query_one(LogView).follow()

    def action_pick(self) -> None:
        def picked(names: list[str] | None) -> None:
            if names:
                self._chosen = None if names == self._names else frozenset(names)
                self._begin()

        if self._names:
            chosen = self._names if self._chosen is None else self._chosen
            self.app.push_screen(PickScreen("whose logs", self._names, chosen), picked)

    def _begin(self) -> None:
        """Read from the beginning: other logs, or more of them."""
        if self._follower is not None:
            self._follower.stop()
        self.query_one(LogView).clear()
        home = self.dashboard.settings.home
        self._follower = LogFollower(self, self._add_lines, home, last=self._last, chosen=self._chosen)
