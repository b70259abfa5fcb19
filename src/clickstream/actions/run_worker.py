"""Being a worker of a supervisor: what `clickstream worker ROLE --report` runs in a process of its own.

Without --report it is run_worker_foreground.py.
"""

from __future__ import annotations

from argparse import Namespace

from clickstream.config.settings import load_settings
from clickstream.domain.errors import UsageError


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
    if role == "consumer":
        from clickstream.pipeline import consumer  # noqa: PLC0415 (a worker loads its own role only)

        return consumer.run(settings, consumer.ConsumerOptions(args.name, args.accept_gap, args.report))
    if role == "indexer":
        from clickstream.pipeline import indexer  # noqa: PLC0415

        return indexer.run(settings, indexer.IndexerOptions(args.name, args.accept_gap, args.report))
    if role == "producer":
        from clickstream.pipeline import producer  # noqa: PLC0415
        from clickstream.pipeline.loop import configure_logging  # noqa: PLC0415

        configure_logging("producer")
        realtime = None if args.realtime is None else float(args.realtime)
        options = producer.ProducerOptions(args.file, args.limit, args.rate, realtime, args.report)
        return producer.run(settings, options, orders=0 if args.report else None)
    raise UsageError(f"there is no worker {role!r}")
