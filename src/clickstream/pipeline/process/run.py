"""Runs a consumer or indexer to its end: logging, the stop, a stop that hangs, the exit code."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clickstream.domain.errors import ClickstreamError, FileFault, OffsetLost
from clickstream.pipeline.process.loop import OnReport, configure_logging, install_stop

EXIT_OFFSET_LOST: Final = 3
"""Exit code of a worker whose offset needs a human; a restart would not help."""

EXIT_FILE_FAULT: Final = 4
"""Exit code of a producer whose file cannot be read; a restart would not help."""

STOP_SECONDS: Final = 14.0
"""How long a stop may take, whatever hangs; the supervisor's patience is longer."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a consumer or an indexer is told on its command line."""

    name: str
    accept_gap: bool = False
    """Go on where Kafka removed messages that were never read; a consumer records the gap."""
    report: bool = False
    """Write WorkerReports to stdout."""
    on_report: OnReport | None = None
    """Told each report too, in this process."""


def run_to_end(
    role: str,
    name: str,
    work: Callable[[threading.Event], None],
    *,
    set_up_log: Callable[[str], None] = configure_logging,
) -> int:
    """Call `work` with the event that asks it to stop; the exit code. `set_up_log`: told the name before all else.

    Raises KeyboardInterrupt once it has ended well after a SIGINT.
    """
    set_up_log(name)
    logger = logging.getLogger(f"clickstream.{role}")
    stop, ended = install_stop(), threading.Event()
    threading.Thread(target=_end_in_time, args=(logger, stop, ended), name="end in time", daemon=True).start()
    try:
        work(stop)
    except OffsetLost as error:
        logger.error("%s", error)
        return EXIT_OFFSET_LOST
    except FileFault as error:
        logger.error("%s", error)
        return EXIT_FILE_FAULT
    except ClickstreamError as error:
        logger.error("%s", error)
        return 1
    finally:
        ended.set()
    stop.raise_if_interrupted()
    return 0


def _end_in_time(logger: logging.Logger, stop: threading.Event, ended: threading.Event) -> None:
    """End the process when a stop hangs: on a server that answers no more, in a driver. Nothing is lost by it, since
    whatever is not committed is read again.
    """
    stop.wait()
    if not ended.wait(STOP_SECONDS):
        logger.error("a server does not let go: ended without waiting for it")
        os._exit(1)
