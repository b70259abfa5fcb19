"""One process's log, followed. Search and levels are the Logs screen's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from clickstream.tui.log_follower import LogFollower
from clickstream.tui.widgets.line import set_titles
from clickstream.tui.widgets.log_view import LogView

if TYPE_CHECKING:
    from clickstream.actions.logs.lines import LogLine
    from clickstream.config.paths import Home

LAST_LINES = 200


class LogTail(LogView):
    """Follows the log of one process until it gets another name or is removed."""

    TO_THE_END = "tab G"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "to_top", "the first line that was read", show=False),
        Binding("G", "follow", "the last line, and follow", show=False),
    ]

    def __init__(self, *, when_empty: str, classes: str = "", id: str | None = None) -> None:
        super().__init__(when_empty=when_empty, classes=classes, id=id)
        self.process = ""
        self._follower: LogFollower | None = None

    def tail(self, name: str, home: Home) -> None:
        """Show this process's log from now on; `home`: where it lies."""
        if name == self.process:
            return
        self.process = name
        self._stop()
        self.clear()
        set_titles(self, f"log of {name}")
        self._follower = LogFollower(self, self._add_lines, home, last=LAST_LINES, chosen=frozenset({name}))

    def action_to_top(self) -> None:
        self.to_top()

    def action_follow(self) -> None:
        self.follow()

    def on_unmount(self) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._follower is not None:
            self._follower.stop()

    def _add_lines(self, lines: list[LogLine], _names: list[str]) -> None:
        if lines:
            self.add(lines)
