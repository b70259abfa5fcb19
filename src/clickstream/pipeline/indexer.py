"""An indexer as an operating-system process: logging, the stop, the exit code. The work is in index_worker.py."""

from __future__ import annotations

from clickstream.config.settings import Settings
from clickstream.pipeline.index_worker import IndexerOptions, IndexWorker
from clickstream.pipeline.process import run_to_end

__all__ = ["IndexerOptions", "run"]


def run(settings: Settings, options: IndexerOptions) -> int:
    """Index until stopped; the exit code."""
    return run_to_end("indexer", options.name, lambda stop: IndexWorker(settings, options, stop).run())
