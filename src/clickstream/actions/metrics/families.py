"""A Frame as families of Prometheus' metrics: their names, types, labels and meanings. Sends no requests.

A figure that is not known is left out, never shown as zero. Counters of the data come from Kafka's and PostgreSQL's own
offsets, so a worker's restart does not reset them. Counters of a worker restart at zero with it; Prometheus' rate()
allows for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import InfoMetricFamily, Metric

from clickstream import __version__
from clickstream.actions.observe.model import OFF, SILENT, UP, ProcessRow
from clickstream.domain.processes import ProcessState, Role
from clickstream.domain.reports import LATENCY_EDGES_MS, WorkerState

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame

WHO = ("process", "role", "host")
"""Labels of what one process tells of itself. No pid: each restart would make new series."""

OUTCOMES = {"stored": "stored", "duplicates": "duplicate", "rejected": "rejected"}
"""A consumer's and an indexer's counters to the label that says what became of the messages."""

_GONE = {ProcessState.STOPPED, ProcessState.FINISHED}

_LE = (*(str(edge / 1000) for edge in LATENCY_EDGES_MS), "+Inf")


def families(frame: Frame, seconds: float) -> Iterator[Metric]:
    """Every family, in a fixed order; those of which nothing is known are empty. `seconds`: that the look took."""
    yield InfoMetricFamily("clickstream_build", "The clickstream that tells this.", value={"version": __version__})
    yield GaugeMetricFamily(
        "clickstream_look_duration_seconds", "How long the last look at all servers took.", value=seconds
    )
    yield from _services(frame)
    yield from _partitions(frame)
    yield from _indexing(frame)
    yield from _surroundings(frame)
    yield from _rows(frame)
    yield from _processes(frame.processes, frame.at)
    yield from _work(frame.processes)
    yield _latency(frame.processes)


def _services(frame: Frame) -> Iterator[Metric]:
    up = GaugeMetricFamily("clickstream_service_up", "1: the server answers; 0: it does not.", labels=["service"])
    latency = GaugeMetricFamily(
        "clickstream_service_latency_seconds", "One round trip on an open connection.", labels=["service"]
    )
    for row in frame.services:
        if row.state is OFF and row.name not in dict(frame.addresses):
            continue
        up.add_metric([row.name], float(row.state is UP))
        if row.latency_ms is not None:
            latency.add_metric([row.name], row.latency_ms / 1000)
    yield from (up, latency)


def _partitions(frame: Frame) -> Iterator[Metric]:
    labels = ["topic", "partition"]
    produced = CounterMetricFamily(
        "clickstream_messages_produced", "Messages that Kafka has taken: its offset of the next one.", labels=labels
    )
    processed = CounterMetricFamily(
        "clickstream_messages_processed",
        "Messages that are stored in PostgreSQL, as events, duplicates or rejects: its offset of the next one."
        " A rewind sets it back.",
        labels=labels,
    )
    lag = GaugeMetricFamily(
        "clickstream_partition_lag_messages", "Messages in Kafka that PostgreSQL has not stored.", labels=labels
    )
    held = GaugeMetricFamily("clickstream_partition_held_messages", "Messages that Kafka holds.", labels=labels)
    committed = GaugeMetricFamily(
        "clickstream_partition_last_commit_timestamp_seconds", "When its offset moved last, Unix time.", labels=labels
    )
    total = GaugeMetricFamily("clickstream_lag_messages", "Messages that are not stored, of all partitions.")
    known = frame.service("kafka").state is UP
    stored = known and frame.service("postgresql").state is UP
    for partition, begin, end in frame.topic_offsets if known else ():
        produced.add_metric([frame.topic, str(partition)], end)
        held.add_metric([frame.topic, str(partition)], end - begin)
    for row in frame.partitions if stored else ():
        at = [frame.topic, str(row.partition)]
        processed.add_metric(at, row.position)
        lag.add_metric(at, row.lag)
        if row.commit_age is not None:
            committed.add_metric(at, round(frame.at - row.commit_age, 3))
    if stored and frame.lag is not None:
        total.add_metric([], frame.lag)
    yield from (produced, processed, lag, total, held, committed)


def _indexing(frame: Frame) -> Iterator[Metric]:
    labels = ["topic", "partition"]
    indexed = CounterMetricFamily(
        "clickstream_messages_indexed", "Messages that OpenSearch has: the indexers' offset of the next.", labels=labels
    )
    lag = GaugeMetricFamily("clickstream_index_lag_messages", "Messages that OpenSearch does not have.", labels=labels)
    for row in frame.indexing.partitions if frame.indexing else ():
        indexed.add_metric([frame.topic, str(row.partition)], row.position)
        lag.add_metric([frame.topic, str(row.partition)], row.lag)
    yield from (indexed, lag)


def _surroundings(frame: Frame) -> Iterator[Metric]:
    compacted = GaugeMetricFamily(
        "clickstream_topic_compacted", "1: Kafka removes messages of the topic before they are read.", labels=["topic"]
    )
    foreign = GaugeMetricFamily(
        "clickstream_group_foreign_members", "Members of the group that are not workers of ours.", labels=["group"]
    )
    unstable = GaugeMetricFamily(
        "clickstream_partition_unstable_messages",
        "Messages that cannot be read yet, as another producer's transaction is open.",
        labels=["topic", "partition"],
    )
    if (found := frame.surroundings) is not None:
        if found.compacted is not None:
            compacted.add_metric([found.topic], float(found.compacted))
        for group, members in found.foreign.items():
            foreign.add_metric([group], len(members))
        for row in frame.partitions:
            unstable.add_metric(
                [found.topic, str(row.partition)], max(0, row.end - found.unstable.get(row.partition, row.end))
            )
    yield from (compacted, foreign, unstable)


def _rows(frame: Frame) -> Iterator[Metric]:
    events = CounterMetricFamily("clickstream_events_stored", "Distinct events in PostgreSQL.")
    sessions = GaugeMetricFamily("clickstream_sessions", "Sessions in PostgreSQL; a late event may join two.")
    active = GaugeMetricFamily("clickstream_active_sessions", "Sessions that may still grow, in event time.")
    rejects = GaugeMetricFamily("clickstream_rejects_open", "Rejected messages, neither replayed nor discarded.")
    lines = GaugeMetricFamily(
        "clickstream_rejected_lines", "Lines of CSV files that producers of this home rejected, not discarded."
    )
    replayed = GaugeMetricFamily("clickstream_rejects_replayed", "Rejected messages that were replayed.")
    if frame.counts and frame.service("postgresql").state is UP:
        counts = frame.counts.value
        events.add_metric([], counts.events)
        sessions.add_metric([], counts.sessions)
        rejects.add_metric([], counts.rejected)
        replayed.add_metric([], counts.replayed)
        if counts.rejected_lines is not None:
            lines.add_metric([], counts.rejected_lines)
    if frame.supervisor or frame.service("valkey").state is UP:
        active.add_metric([], frame.active_sessions)
    yield from (events, sessions, active, rejects, replayed, lines)


def _processes(rows: tuple[ProcessRow, ...], at: float) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "clickstream_process_up",
        "1: it runs; 0: it starts, waits for its restart, was given up, or is silent. Not there: it was stopped, or"
        " has finished.",
        labels=WHO,
    )
    waiting = GaugeMetricFamily("clickstream_process_waiting", "1: it waits for a server.", labels=WHO)
    started = GaugeMetricFamily(
        "clickstream_process_start_time_seconds", "When its present life began, Unix time.", labels=WHO
    )
    restarts = CounterMetricFamily(
        "clickstream_process_restarts", "Restarts after a crash; of this home's processes only.", labels=WHO
    )
    memory = GaugeMetricFamily(
        "clickstream_process_resident_memory_bytes", "Memory; of this home's processes only.", labels=WHO
    )
    for row in rows:
        if row.state in _GONE or row.role == Role.FAULT:
            continue
        up.add_metric(_who(row), float(row.state == ProcessState.RUNNING and row.activity != SILENT))
        if row.role != Role.SERVER:
            waiting.add_metric(_who(row), float(row.activity == WorkerState.WAITING))
        if row.uptime_seconds:
            started.add_metric(_who(row), round(at - row.uptime_seconds, 3))
        if row.local:
            restarts.add_metric(_who(row), row.restarts)
            memory.add_metric(_who(row), row.rss_bytes)
    yield from (up, waiting, started, restarts, memory)


def _work(rows: tuple[ProcessRow, ...]) -> Iterator[Metric]:
    messages = CounterMetricFamily(
        "clickstream_worker_messages", "What became of a worker's messages in its life.", labels=[*WHO, "outcome"]
    )
    late = CounterMetricFamily(
        "clickstream_worker_late_events",
        "Of the events that a consumer stored in its life, those that came later than it remembers sessions.",
        labels=WHO,
    )
    batches = CounterMetricFamily("clickstream_worker_batches", "Batches that it committed in its life.", labels=WHO)
    for row in rows:
        counters = row.report.counters if row.report else {}
        if row.role in {Role.CONSUMER, Role.INDEXER} and row.report:
            for name, outcome in OUTCOMES.items():
                messages.add_metric([*_who(row), outcome], counters.get(name, 0))
            batches.add_metric(_who(row), counters.get("batches", 0))
            if row.role == Role.CONSUMER:
                late.add_metric(_who(row), counters.get("late", 0))
        elif row.role == Role.PRODUCER and row.report:
            messages.add_metric([*_who(row), "acknowledged"], row.report.events)
            messages.add_metric([*_who(row), "failed"], counters.get("failed", 0))
    yield from (messages, late, batches)


def _latency(rows: tuple[ProcessRow, ...]) -> Metric:
    histogram = HistogramMetricFamily(
        "clickstream_commit_latency_seconds",
        "From a message's record timestamp to its commit in PostgreSQL, of a sample of the messages.",
        labels=WHO,
    )
    for row in rows:
        if row.report and len(row.report.latency_counts) == len(_LE):
            buckets = list(zip(_LE, map(float, accumulate(row.report.latency_counts)), strict=True))
            histogram.add_metric(_who(row), buckets, row.report.latency_seconds)
    return histogram


def _who(row: ProcessRow) -> list[str]:
    return [row.name, row.role, row.host]
