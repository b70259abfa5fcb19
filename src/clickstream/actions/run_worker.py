"""Being a worker of a supervisor: what `clickstream worker ROLE --report` runs in a process of its own.

Without --report it is run_worker_foreground.py.
"""

from __future__ import annotations

import logging
from argparse import Namespace
from typing import TYPE_CHECKING

from clickstream.config.settings import load_settings
from clickstream.domain.errors import FileFault, UsageError
from clickstream.pipeline.process import EXIT_FILE_FAULT, WorkerOptions, run_to_end

if TYPE_CHECKING:
    from clickstream.pipeline.index_worker import IndexWorker
    from clickstream.pipeline.worker import Worker

_logger = logging.getLogger(__name__)


def run_worker(role: str, args: Namespace) -> int:
    """Work until done or stopped; the exit code.

    Args:
        role: `consumer`, `indexer` or `producer`.
        args: the parsed command line of that role.

    Raises:
        ClickstreamError: it cannot start, or cannot go on.
        SettingsError: a setting is wrong.
    """
    settings = load_settings()
    if role in {"consumer", "indexer"}:
        options = WorkerOptions(args.name, args.accept_gap, args.report)
        make = worker_class(role)
        return run_to_end(role, args.name, lambda stop: make(settings, options, stop).run())
    if role == "producer":
        from clickstream.pipeline import producer  # noqa: PLC0415
        from clickstream.pipeline.loop import configure_logging  # noqa: PLC0415

        configure_logging("producer")
        realtime = None if args.realtime is None else float(args.realtime)
        sending = producer.ProducerOptions(args.file, args.limit, args.rate, realtime, args.report)
        try:
            return producer.run(settings, sending, orders=0 if args.report else None)
        except FileFault as fault:
            _logger.error("%s", fault)
            return EXIT_FILE_FAULT
    raise UsageError(f"there is no worker {role!r}")


def worker_class(role: str) -> type[Worker | IndexWorker]:
    """What does the work of a consumer or an indexer; loads that one only."""
    if role == "consumer":
        from clickstream.pipeline.worker import Worker  # noqa: PLC0415

        return Worker
    from clickstream.pipeline.index_worker import IndexWorker  # noqa: PLC0415

    return IndexWorker
