"""A consumer as an operating-system process: logging, the stop, the exit code. The work is in worker.py."""

from __future__ import annotations

import logging
import os
import threading
from typing import Final

from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, OffsetLost
from clickstream.pipeline.loop import configure_logging, install_stop
from clickstream.pipeline.worker import ConsumerOptions, Worker

__all__ = ["ConsumerOptions", "run"]

_logger = logging.getLogger("clickstream.consumer")

EXIT_OFFSET_LOST: Final = 3
"""Exit code of a worker whose offset needs a human; a restart would not help."""

STOP_SECONDS: Final = 14.0
"""How long a stop may take, whatever hangs; the supervisor's patience is longer."""

_ended = threading.Event()


def run(settings: Settings, options: ConsumerOptions) -> int:
    """Consume until stopped; the exit code."""
    configure_logging(options.name)
    stop = install_stop()
    threading.Thread(target=_end_in_time, args=(stop,), name="end in time", daemon=True).start()
    try:
        Worker(settings, options, stop).run()
    except OffsetLost as error:
        _logger.error("%s", error)
        return EXIT_OFFSET_LOST
    except ClickstreamError as error:
        _logger.error("%s", error)
        return 1
    finally:
        _ended.set()
    return 0


def _end_in_time(stop: threading.Event) -> None:
    """End the process when a stop hangs: on a server that answers no more, in a driver. Nothing is lost by it, since
    whatever is not committed is read again.
    """
    stop.wait()
    if not _ended.wait(STOP_SECONDS):
        _logger.error("a server does not let go: ended without waiting for it")
        os._exit(1)
