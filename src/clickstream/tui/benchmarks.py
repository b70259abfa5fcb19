"""Benchmarks for the dashboard: those of the history, and the running one. Reads no file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickstream.actions.benchmark.history import Record
    from clickstream.actions.benchmark.run import Case, Run
    from clickstream.actions.benchmark.series import Summary

RUNNING = "now"
"""Key of the benchmark that runs."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark, its runs summed up by case."""

    key: str
    """Stays the same, however many come after it."""
    record: Record | None
    """None: it runs."""
    cases: tuple[Summary, ...]

    def case(self, key: str) -> Summary | None:
        """The case of a row's key."""
        return next((case for row, case in self.rows() if row == key), None)

    def rows(self) -> Iterator[tuple[str, Summary]]:
        """Keys of the table's rows, and what they show."""
        return ((f"{self.key}/{number}", case) for number, case in enumerate(self.cases))


@dataclass(slots=True)
class BenchmarkProgress:
    """How far the running benchmark is: written by its job's thread, read by the screen."""

    plan: tuple[Case, ...]
    """The case of each run, in order."""
    runs: list[Run] = field(default_factory=list)
    """Those that have ended."""


def summarize(records: list[Record]) -> tuple[Benchmark, ...]:
    """The newest first. In a thread: it loads the actions."""
    from clickstream.actions.benchmark.series import summaries

    found = [
        Benchmark(str(number), record, tuple(summaries(record.runs)))
        for number, record in enumerate(records)
        if record.runs
    ]
    return tuple(reversed(found))


def running_benchmark(progress: BenchmarkProgress) -> Benchmark | None:
    """What the running benchmark has so far; None: no run has ended."""
    from clickstream.actions.benchmark.series import summaries

    runs = tuple(progress.runs)
    return Benchmark(RUNNING, None, tuple(summaries(runs))) if runs else None
