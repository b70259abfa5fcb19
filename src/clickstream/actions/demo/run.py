"""Runs the whole pipeline once: starts servers and workers, sends the file, waits until all is stored, verifies.

It always leaves the servers running and stops the workers that it started.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from clickstream.actions import analytics, stack
from clickstream.actions.control import running
from clickstream.actions.demo.data_file import DataFile
from clickstream.actions.demo.progress import FlowMeter, Phase, ProgressReporter, Show
from clickstream.actions.observe.meter import LagMeter, Sample
from clickstream.actions.observe.model import TITLES, ProcessRow
from clickstream.actions.prepare import prepare
from clickstream.actions.processes import consumers, producers
from clickstream.actions.processes.workers import PRODUCER, control_of, local_workers, snapshot_of
from clickstream.actions.reset import reset
from clickstream.actions.servers import opensearch_of, postgres_of
from clickstream.actions.verify import sessions as verify
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ProcessState, Role
from clickstream.pipeline.events.csvfile.reader import refuse_unreadable
from clickstream.services.postgres.inspect import Counts, counts

SAMPLE_EVERY = 0.2
"""Seconds between two samples of the flow."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the user asked for."""

    limit: int | None = None
    """Only the first events by time."""
    fresh: bool = False
    """Empty topic, tables, cache and index of the embedded stack first."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What came out."""

    events: int
    """Rows stored now."""
    sessions: int
    """Rows stored now."""
    duplicates: int
    """Messages of this demo whose event was stored already."""
    rejected: int
    """Messages of this demo that were not events."""
    seconds: float
    """From the producer's start to the last commit."""
    events_per_second: float
    """Messages read in that time."""
    verification: verify.Verification
    analytics: analytics.Analytics
    new: int
    """Rows of `events` that this demo added."""
    bad_lines: int
    """Lines of the file that the producer rejected."""
    unaccounted: str
    """What does not add up; empty when all does."""
    documents: int | None = None
    """In the search index now; None where OpenSearch is not enabled."""

    @property
    def ok(self) -> bool:
        return self.verification.ok and not self.unaccounted

    def document(self) -> dict[str, Any]:
        """The binding shape of `demo --json`."""
        return {
            "events": self.events,
            "sessions": self.sessions,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "seconds": self.seconds,
            "events_per_second": self.events_per_second,
            "verify": verify.document(self.verification),
            "analytics": asdict(self.analytics),
            **({} if self.documents is None else {"documents": self.documents}),
        }


@dataclass(frozen=True, slots=True)
class _Drained:
    """The end of the flow."""

    produced: int
    """Messages that Kafka has taken since the demo began."""
    read: int
    """Messages that the consumers were through with since then."""
    producer: ProcessRow
    seconds: float


def demo(settings: Settings, options: DemoOptions, show: Show) -> DemoResult:
    """Run it. `show` is called a few times a second, from this thread.

    Raises:
        UsageError: fresh, with servers that are not the embedded ones.
        ClickstreamError: whatever keeps the pipeline from running; workers that this call started are stopped.
    """
    if options.fresh and not settings.embedded:
        raise UsageError(
            "--fresh empties the embedded stack only, and other servers are configured",
            hint="`clickstream data reset` empties those",
        )
    if settings.pipeline.data_file.exists():
        refuse_unreadable(settings.pipeline.data_file)
    reporter = ProgressReporter(show)
    with DataFile(settings, options.limit) as data:
        if data.note:
            reporter.report(Phase.DATA, data.note, note=True)
        settings = _bring_up(settings, reporter)
        file = data.ready(
            lambda done, total: reporter.report(Phase.DATA, f"generating {data.path}", done=done, total=total),
            SAMPLE_EVERY,
        )
    if options.fresh:
        _empty(settings, reporter)
    elif producers.under_way(settings):
        raise ClickstreamError("a producer is running", hint="`clickstream producer stop`, or wait until it is done")
    prepare(settings)
    before = counts(postgres_of(settings))
    with LagMeter(settings) as meter:
        start = meter.sample()
    _report_existing_data(before, start, reporter)
    kept = {worker.name for worker in _workers(settings) if worker.under_way}
    try:
        drained = _run_pipeline(settings, producers.SendingRun(file, options.limit), start, reporter)
    finally:
        _stop_started(settings, kept, reporter)
    return _result(settings, before, drained, reporter)


def _bring_up(settings: Settings, reporter: ProgressReporter) -> Settings:
    if not settings.embedded:
        return settings
    reporter.report(Phase.STACK, "starting Kafka, PostgreSQL and Valkey")

    def downloading(state: stack.Download) -> None:
        words = f"downloading {TITLES[state.product]}, once"
        reporter.report(Phase.STACK, words, done=state.bytes_done, total=state.bytes_total)

    stack.up(settings.home, progress=downloading)
    return load_settings()


def _empty(settings: Settings, reporter: ProgressReporter) -> None:
    busy = [worker.name for worker in _workers(settings) if worker.under_way]
    if busy:
        reporter.report(Phase.RESET, f"stopping {', '.join(busy)}")
        control_of(settings).stop(busy)
    index = ", and the search index" if settings.opensearch.enabled else ""
    reporter.report(Phase.RESET, f"emptying topic, tables and cache{index}")
    reset(settings)


def _report_existing_data(before: Counts, start: Sample, reporter: ProgressReporter) -> None:
    if before.events:
        words = f"{before.events:,} events are stored already: what comes again counts as duplicate"
        reporter.report(Phase.PIPELINE, words, note=True)
    if start.total:
        words = f"{start.total:,} messages wait in Kafka since earlier: they are stored too"
        reporter.report(Phase.PIPELINE, words, note=True)


def _run_pipeline(settings: Settings, run: producers.SendingRun, start: Sample, reporter: ProgressReporter) -> _Drained:
    reporter.report(Phase.PIPELINE, "starting consumers")
    consumers.start(settings)
    reporter.report(Phase.PIPELINE, "starting the producer")
    began = time.time()
    producers.start(settings, run)
    with FlowMeter(settings, start) as meter:
        while True:
            workers = _workers(settings)
            finished = _producer_finished(workers)
            reporter.flow(meter.sample(workers))
            if finished and meter.drained:
                return _Drained(meter.produced, meter.read, finished, max(0.0, meter.last_commit - began))
            _refuse_failed(workers)
            time.sleep(SAMPLE_EVERY)


def _producer_finished(workers: tuple[ProcessRow, ...]) -> ProcessRow | None:
    producer = next((worker for worker in workers if worker.name == PRODUCER), None)
    if producer is None or producer.state == ProcessState.STOPPED:
        raise ClickstreamError("the producer was stopped before it was done")
    return producer if producer.state == ProcessState.FINISHED else None


def _refuse_failed(workers: tuple[ProcessRow, ...]) -> None:
    for worker in workers:
        if worker.state == ProcessState.FAILED:
            hint = f"see `clickstream {'producer' if worker.role == Role.PRODUCER else 'consumer'} logs`"
            raise ClickstreamError(f"{worker.name} has failed: {worker.reason}", hint=hint)
    for role, done in ((Role.CONSUMER, "stored"), (Role.INDEXER, "indexed")):
        states = [worker.state for worker in workers if worker.role == role]
        if states and all(state == ProcessState.STOPPED for state in states):
            raise ClickstreamError(f"all {role}s were stopped before everything was {done}")


def _stop_started(settings: Settings, kept: set[str], reporter: ProgressReporter) -> None:
    control = running(settings.home)
    started = [worker.name for worker in _workers(settings) if worker.name not in kept]
    if control and started:
        reporter.report(Phase.PIPELINE, "stopping the workers")
        control.stop(started)


def _result(settings: Settings, before: Counts, drained: _Drained, reporter: ProgressReporter) -> DemoResult:
    words = "verifying: computing every session again, in SQL"
    reporter.report(Phase.VERIFY, words)
    verification = verify.verify(
        settings, progress=lambda share: reporter.report(Phase.VERIFY, words, done=round(100 * share), total=100)
    )
    reporter.report(Phase.ANALYTICS, "counting")
    funnel = analytics.analytics(settings)
    after = counts(postgres_of(settings))
    read = drained.read
    new, rejected = after.events - before.events, _ever_rejected(after) - _ever_rejected(before)
    duplicates = read - new - rejected
    told = _counted_duplicates(settings, read)
    return DemoResult(
        events=after.events,
        sessions=after.sessions,
        duplicates=duplicates,
        rejected=rejected,
        seconds=round(drained.seconds, 3),
        events_per_second=round(read / drained.seconds, 1) if drained.seconds > 0 else 0.0,
        verification=verification,
        analytics=funnel,
        new=new,
        bad_lines=drained.producer.counters.get("bad_lines", 0),
        unaccounted=_unaccounted(drained, duplicates, told),
        documents=_documents(settings),
    )


def _documents(settings: Settings) -> int | None:
    if not settings.opensearch.enabled:
        return None
    from clickstream.services.opensearch.compare import IndexReader  # noqa: PLC0415 (it loads a driver)

    with IndexReader(opensearch_of(settings)) as index:
        return index.refresh()


def _ever_rejected(counted: Counts) -> int:
    """A message that was replayed meanwhile was rejected all the same; what was sent in its place is another."""
    return counted.rejected_events + counted.replayed_rejects


def _counted_duplicates(settings: Settings, read: int) -> int | None:
    """Duplicates as the consumers counted them; None where a restart or another host makes that count partial."""
    snapshot = snapshot_of(settings)
    reports = [process.report for process in snapshot.of(Role.CONSUMER)] if snapshot else []
    counters = [report.counters for report in reports if report]
    if sum(counter.get("messages", 0) for counter in counters) != read:
        return None
    return sum(counter.get("duplicates", 0) for counter in counters)


def _unaccounted(drained: _Drained, duplicates: int, told: int | None) -> str:
    arrived, acknowledged, total = drained.produced, drained.producer.events, drained.producer.counters.get("total", 0)
    if acknowledged != total:
        return f"the producer read {total:,} events and Kafka acknowledged {acknowledged:,}"
    if arrived < acknowledged:
        return f"Kafka acknowledged {acknowledged:,} events and holds {arrived:,}"
    if duplicates < 0:
        return f"{-duplicates:,} rows more were stored than messages read"
    if told is not None and told != duplicates:
        return f"{duplicates:,} messages left no row, and the consumers know of {told:,} duplicates"
    return ""


def _workers(settings: Settings) -> tuple[ProcessRow, ...]:
    return local_workers(settings)
