"""Consumers in threads of the test's own process: quick to start, and their failures are at hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from clickstream.config.settings import Settings
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.consumer.sink import consumer
from clickstream.pipeline.process.loop import OnReport
from clickstream.pipeline.process.run import WorkerOptions
from tests.feed import all_committed
from tests.waiting import wait_until


class Runs(Protocol):
    """A worker of any kind."""

    def run(self) -> None: ...


class Running:
    """A worker in a thread of this process."""

    def __init__(self, name: str, make: Callable[[threading.Event, OnReport], Runs]) -> None:
        """`make`: of the event that stops it, and of whom it tells its reports."""
        self.stop = threading.Event()
        self.report = WorkerReport(0.0, "starting")
        """The last one."""
        self.failure: BaseException | None = None
        self._worker = make(self.stop, self.hear)
        self._thread = threading.Thread(target=self._run, name=name)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._worker.run()
        except BaseException as error:
            self.failure = error

    def hear(self, report: WorkerReport) -> None:
        self.report = report

    def end(self) -> None:
        self.stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self.failure:
            raise self.failure


@contextmanager
def running(names: Iterable[str], make: Callable[[str, threading.Event, OnReport], Runs]) -> Iterator[list[Running]]:
    workers = [Running(name, partial(make, name)) for name in names]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.end()


@contextmanager
def consumers(settings: Settings, count: int = 1, *, accept_gap: bool = False) -> Iterator[list[Running]]:
    def make(name: str, stop: threading.Event, heard: OnReport) -> Runs:
        return consumer(settings, WorkerOptions(name, accept_gap, on_report=heard), stop)

    with running([f"consumer-{number}" for number in range(count)], make) as workers:
        yield workers


def drain(settings: Settings, count: int = 1, *, accept_gap: bool = False) -> None:
    with consumers(settings, count, accept_gap=accept_gap):
        wait_until(lambda: all_committed(settings), "everything committed")
