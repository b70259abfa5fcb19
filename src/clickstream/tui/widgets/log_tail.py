"""The end of some processes' logs, followed by a thread that only posts lines. Search and levels are the screen's."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.message import Message
from textual.widgets import RichLog

if TYPE_CHECKING:
    from clickstream.config.paths import Home
    from clickstream.tui.app import ClickstreamApp

LAST_LINES = 200


class LogTail(RichLog):
    """Follows until it is told other names or goes."""

    class Lines(Message):
        """New lines, as (process, line)."""

        def __init__(self, lines: list[tuple[str, str]], generation: int) -> None:
            super().__init__()
            self.lines = lines
            self.generation = generation

    def __init__(self, *, classes: str = "", id: str | None = None) -> None:
        super().__init__(classes=classes, id=id, max_lines=5000, wrap=False, highlight=False, markup=False)
        self._names: tuple[str, ...] = ()
        self._generation = 0

    def follow(self, names: Sequence[str]) -> None:
        """Show the logs of these processes from now on."""
        if tuple(names) == self._names:
            return
        self._names = tuple(names)
        self._generation += 1
        self.clear()
        self.border_title = f"log of {', '.join(names)}" if len(names) <= 3 else f"logs of {len(names)} processes"
        home = cast("ClickstreamApp", self.app).source.settings.home
        arguments = (home, list(names), self._generation)
        threading.Thread(target=self._read, args=arguments, name="log-tail", daemon=True).start()

    def on_log_tail_lines(self, message: LogTail.Lines) -> None:
        if message.generation != self._generation:
            return
        several = len(self._names) > 1
        for name, line in message.lines:
            self.write(_line(f"{name}  {line}" if several else line))

    def on_unmount(self) -> None:
        self._generation += 1

    def _read(self, home: Home, names: list[str], generation: int) -> None:
        from clickstream.actions.log_tail import tail_together

        for lines in tail_together(home, names, LAST_LINES):
            if generation != self._generation:
                return
            if lines:
                self.post_message(self.Lines(lines, generation))


def _line(text: str) -> Text:
    style = ""
    if " ERROR " in text or " CRITICAL " in text:
        style = "bold red"
    elif " WARNING " in text or text.startswith("---"):
        style = "yellow" if " WARNING " in text else "dim"
    return Text(text, style=style, no_wrap=True)
