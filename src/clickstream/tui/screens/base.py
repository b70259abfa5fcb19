"""The base of dashboard screens: header, body, status line, key line; and how a frame reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Static

from clickstream.tui.widgets.footer import KeyLine
from clickstream.tui.widgets.header import HeaderLine
from clickstream.tui.widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.tui.jobs import Job
    from clickstream.tui.screens.dashboard import Dashboard

SMALLEST = (60, 16)


class DashboardScreen(Screen[None]):
    """A screen of one mode. Subclasses write `body` and `show`."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (the framework declares it so)
        (0, "-tiny"),
        (SMALLEST[0], "-narrow"),
        (116, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-tiny"),
        (SMALLEST[1], "-short"),
        (32, "-high"),
        (46, "-tall"),
    ]

    @property
    def dashboard(self) -> Dashboard:
        """The app, as screens know it."""
        return cast("Dashboard", self.app)

    @property
    def narrow(self) -> bool:
        return self.app.size.width < 116

    @property
    def _is_composed(self) -> bool:
        """Whether its widgets are there. They are not before it is composed, nor while the app takes it down."""
        return self.is_mounted and bool(self.query(StatusBar))

    def body(self) -> ComposeResult:
        """The screen's own widgets."""
        raise NotImplementedError

    def show(self, frame: Frame) -> None:
        """Bring the screen's own widgets up to this frame. Cheap: it comes once a second."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield HeaderLine()
        with Container(id="body"):
            yield from self.body()
        yield StatusBar()
        yield KeyLine()
        width, height = SMALLEST
        yield Static(f"This window is too small:\n{width} x {height} is the least.", id="too-small")

    def receive(self, frame: Frame) -> None:
        """A new frame is there."""
        if not self._is_composed:
            return
        self.query_one(HeaderLine).show(frame)
        self.query_one(StatusBar).show(frame)
        self.show(frame)

    def show_again(self) -> None:
        """Show the newest frame again, because an answer has come or the size has changed."""
        if self.dashboard.frame is not None and self._is_composed:
            self.show(self.dashboard.frame)

    def show_job(self, job: Job | None) -> None:
        """A job has moved, or none runs any more."""
        if self._is_composed:
            self.query_one(StatusBar).show_job(job)

    def on_mount(self) -> None:
        self._catch_up()

    def on_screen_resume(self) -> None:
        self._catch_up()

    def _catch_up(self) -> None:
        if self.dashboard.frame is not None:
            self.receive(self.dashboard.frame)
        self.show_job(self.dashboard.job)
