"""Opens the dashboard on this terminal, gives the terminal back whatever happens, and ends with the terminal."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from clickstream.domain.escapes import escape_controls
from clickstream.tui.app import ClickstreamApp

if TYPE_CHECKING:
    from clickstream.actions.demo.run import DemoOptions
    from clickstream.config.settings import Settings


def run(load_settings: Callable[[], Settings], *, demo: DemoOptions | None = None, read_only: bool = False) -> int:
    """Show the dashboard until the user leaves; the process's exit code. The pipeline goes on running.

    Args:
        load_settings: reads the settings; called again when their files change. Raises SettingsError.
        demo: run a demo at once, with these options.
        read_only: offer nothing that changes something.
    """
    from clickstream.actions.observe.watcher import Watcher

    # Drivers log to stderr unless they are told otherwise, which would overwrite the screen.
    logging.getLogger().addHandler(logging.NullHandler())
    threading.Thread(target=_end_with_terminal, name="terminal", daemon=True).start()
    with Watcher(load_settings) as watcher:
        app = ClickstreamApp(watcher, demo=demo, read_only=read_only)
        app.run()
    if app.last_words:
        sys.stderr.write(f"{escape_controls(app.last_words, lines=True)}\n")
    return int(app.demo_failed) or app.return_code or 0


def _end_with_terminal() -> None:
    """End this process when its terminal is closed, as SIGHUP would.

    That signal may be ignored (`nohup`, some terminal multiplexers), and without it Textual goes on: it reads the end
    of its input again and again, and waits without limit to write its screen, so that SIGTERM does not end it either.
    """
    terminal = select.poll()
    terminal.register(sys.__stdin__, 0)  # type: ignore[arg-type]  # run() is only called where there is one
    while not terminal.poll():
        pass
    os._exit(128 + signal.SIGHUP)
