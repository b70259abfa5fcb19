"""A dashboard that `clickstream serve` shows in a browser ends with that server, however the server ends.

Its driver does not notice the end of its input and would run on.
"""

from __future__ import annotations

import os
import signal
import threading
import time

CHECK_EVERY = 1.0

PATIENCE = 5.0
"""Seconds to leave in good order."""


def end_with_server() -> None:
    """Begin to watch the process that started this one."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="watch-server", daemon=True).start()


def _watch(server: int) -> None:
    while os.getppid() == server:
        time.sleep(CHECK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)
