"""Opens the dashboard on this terminal, and gives the terminal back whatever happens."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from clickstream.domain.harmless import harmless
from clickstream.tui.app import ClickstreamApp

if TYPE_CHECKING:
    from clickstream.actions.demo import DemoOptions
    from clickstream.config.settings import Settings


def run(load_settings: Callable[[], Settings], *, demo: DemoOptions | None = None, read_only: bool = False) -> int:
    """Show the dashboard until the user leaves; the process's exit code. The pipeline goes on running.

    Args:
        load_settings: reads the settings; called again when their files change. Raises SettingsError.
        demo: run a demo at once, with these options.
        read_only: offer nothing that changes something.
    """
    from clickstream.actions.observe.watcher import Watcher

    # Drivers log to stderr where nobody has said otherwise: that would be on top of the screen.
    logging.getLogger().addHandler(logging.NullHandler())
    with Watcher(load_settings) as watcher:
        app = ClickstreamApp(watcher, demo=demo, read_only=read_only)
        app.run()
    if app.last_words:
        sys.stderr.write(f"{harmless(app.last_words, lines=True)}\n")
    return int(app.demo_failed) or app.return_code or 0
