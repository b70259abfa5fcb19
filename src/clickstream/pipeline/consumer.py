"""A consumer as an operating-system process: logging, the stop, the exit code. The work is in worker.py."""

from __future__ import annotations

from clickstream.config.settings import Settings
from clickstream.pipeline.process import run_to_end
from clickstream.pipeline.worker import ConsumerOptions, Worker

__all__ = ["ConsumerOptions", "run"]


def run(settings: Settings, options: ConsumerOptions) -> int:
    """Consume until stopped; the exit code."""
    return run_to_end("consumer", options.name, lambda stop: Worker(settings, options, stop).run())
