"""Follows logs for a widget or screen: a thread reads what is new in them and hands it over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

    from clickstream.actions.logs.lines import LogLine
    from clickstream.config.paths import Home

EVERY = 0.25
"""Seconds between two readings."""

Handler = Callable[["list[LogLine]", "list[str]"], object]
"""New lines, and the names of all logs that there are."""


class LogFollower:
    """Follows until it is stopped. Used on the app's thread; so are its lines, by way of the owner's message queue."""

    def __init__(
        self, owner: MessagePump, handle: Handler, home: Home, *, last: int, chosen: frozenset[str] | None = None
    ) -> None:
        """Args:
        owner: when it has gone, nothing is handed over.
        handle: called with what is new. Not after `stop`.
        home: whose logs.
        last: lines of each log to begin with.
        chosen: names of logs; None: all.
        """
        self._owner = owner
        self._handle = handle
        self._chosen = chosen
        self._stopped, self._awake = threading.Event(), threading.Event()
        self._awake.set()
        threading.Thread(target=self._run, args=(home, last), name="log-follower", daemon=True).start()

    def pause(self) -> None:
        """Read no file until `resume`."""
        self._awake.clear()

    def resume(self) -> None:
        self._awake.set()

    def stop(self) -> None:
        self._stopped.set()
        self._awake.set()

    def _run(self, home: Home, last: int) -> None:
        from clickstream.actions.logs.lines import LogReader
        from clickstream.actions.logs.read import known

        reader, before, chosen = LogReader(home, last=last), None, self._chosen
        while not self._stopped.is_set():
            names = known(home, "")
            lines = reader.read(names if chosen is None else [name for name in names if name in chosen])
            if lines or names != before:
                self._owner.call_later(partial(self._hand_over, lines, names))
                before = names
            self._stopped.wait(EVERY)
            self._awake.wait()

    def _hand_over(self, lines: list[LogLine], names: list[str]) -> None:
        if not self._stopped.is_set():
            self._handle(lines, names)
