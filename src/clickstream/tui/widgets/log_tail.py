"""One process's log, followed by a thread that only posts lines. Search and levels are the Logs screen's."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.message import Message

from clickstream.tui.widgets.line import head
from clickstream.tui.widgets.log_view import LogView

if TYPE_CHECKING:
    from clickstream.actions.logs.lines import LogLine
    from clickstream.config.paths import Home
    from clickstream.tui.app import ClickstreamApp

LAST_LINES = 200

EVERY = 0.25
"""Seconds between two looks at the file."""


class LogTail(LogView):
    """Follows until it is told another name or goes."""

    TO_THE_END = "tab G"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "to_top", "the first line that was read", show=False),
        Binding("G", "follow", "the last line, and follow", show=False),
    ]

    class Lines(Message):
        """New lines."""

        def __init__(self, lines: list[LogLine], generation: int) -> None:
            super().__init__()
            self.lines = lines
            self.generation = generation

    def __init__(self, *, when_empty: str, classes: str = "", id: str | None = None) -> None:
        super().__init__(when_empty=when_empty, classes=classes, id=id)
        self.process = ""
        self._generation = 0

    def tail(self, name: str) -> None:
        """Show this process's log from now on."""
        if name == self.process:
            return
        self.process = name
        self._generation += 1
        self.clear()
        head(self, f"log of {name}")
        home = cast("ClickstreamApp", self.app).source.settings.home
        threading.Thread(target=self._read, args=(home, name, self._generation), name="log-tail", daemon=True).start()

    def action_to_top(self) -> None:
        self.to_top()

    def action_follow(self) -> None:
        self.follow()

    def on_log_tail_lines(self, message: LogTail.Lines) -> None:
        if message.generation == self._generation:
            self.add(message.lines)

    def on_unmount(self) -> None:
        self._generation += 1

    def _read(self, home: Home, name: str, generation: int) -> None:
        from clickstream.actions.logs.lines import LogReader

        reader, pause = LogReader(home, last=LAST_LINES), threading.Event()
        while generation == self._generation:
            lines = reader.read([name])
            if lines:
                self.post_message(self.Lines(lines, generation))
            pause.wait(EVERY)
