"""One run of the benchmark, with its own topic, schema and consumers, from the first message to verify.

The clock runs from the first message that a consumer fetched to the last commit, by the consumers' own reports.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from clickstream.actions.benchmark import load as benchmark_load
from clickstream.actions.benchmark.cpu import ServerTimes, peak_of
from clickstream.actions.benchmark.load import Mode, Order, SendResult
from clickstream.actions.benchmark.traces import NAME, Say, Trace, Traces
from clickstream.actions.control import Control, ensure
from clickstream.actions.observe.meter import LagMeter
from clickstream.actions.observe.model import Latency
from clickstream.actions.observe.percentiles import latency_of
from clickstream.actions.prepare import prepare
from clickstream.actions.processes.workers import READY_WITHIN, consumer_spec, producer_spec, start_and_wait
from clickstream.actions.servers import postgres_of
from clickstream.actions.verify import sessions as verify
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, Interrupted
from clickstream.domain.events import EventColumns
from clickstream.domain.processes import ProcessState, ProcessStatus, Role
from clickstream.services.postgres.yardstick import copy_limit

SAMPLE_EVERY = 0.1
"""Seconds between two samples of the flow."""

FALLS_BEHIND = 2.0
"""Seconds of work that may be left when the producer ends; with more, the rate is not sustained."""

KEEPS_UP = 0.95
"""Share of a rate that is really stored, or it is not sustained: the producer may be what cannot keep up."""

PRODUCER = f"{NAME}-producer"


@dataclass(frozen=True, slots=True)
class Case:
    """What one run measures."""

    partitions: int
    events: int
    mode: Mode = Mode.DRAIN
    order: Order = Order.SORTED
    rate: float | None = None
    """Events a second that a live producer sends; None: as fast as it can."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came out; the binding keys of `benchmark --json` first."""

    partitions: int
    events: int
    """Messages read."""
    seconds: float
    events_per_second: float
    cpu_seconds: float
    """Of all parts together."""
    peak_rss_bytes: int
    """Of the largest consumer."""
    copy_limit_events_per_second: float
    ratio_to_copy_limit: float
    mode: Mode
    order: Order
    rate: float | None
    asked: int
    """Events that the case was to send."""
    stored: int
    sessions: int
    verified: bool
    cpu: dict[str, float] = field(default_factory=dict)
    """Seconds by part: consumers, kafka, postgresql."""
    latency_ms: dict[str, float] = field(default_factory=dict)
    """End to end, live only: p50, p95, p99."""
    sustained: bool = True
    """Live only: KEEPS_UP of the rate was stored, and less than FALLS_BEHIND seconds of it was left at the end."""
    producing: dict[str, float] = field(default_factory=dict)
    """Drain only, before the clock of the run: events_per_second, and the cpu_seconds of the sender."""


@dataclass(frozen=True, slots=True)
class _Measured:
    messages: int
    seconds: float
    cpu: dict[str, float]
    peak: int
    latency: Latency | None
    sustained: bool = True
    sent: SendResult | None = None


def run(
    settings: Settings, traces: Traces, case: Case, events: EventColumns, say: Say, cancelled: Callable[[], bool]
) -> Run:
    """Measure one case on the servers of `settings`; nothing of it stays, whatever happens.

    Args:
        settings: the servers; topic, schema and group are replaced.
        traces: removes what is made.
        case: what to measure.
        events: the file's first events by time, as many as the case says.
        say: told what is done now.
        cancelled: asked between steps and a few times a second.

    Raises:
        ClickstreamError: a server went away, a consumer failed.
        Interrupted: `cancelled` said so.
    """
    control = ensure(settings.home)
    with traces.of_a_run(settings, case.partitions, say) as trace:
        own = trace.settings
        prepare(own)
        if case.mode is Mode.LIVE:
            measured = _live(trace, case, control, say, cancelled)
        else:
            measured = _drain(own, case, events, control, say, cancelled)
        say("verifying", 0, 0)
        verification = verify.verify(own)
        _go_on(cancelled)
        say("measuring how fast PostgreSQL alone takes these rows", 0, 0)
        limit = verification.events / copy_limit(postgres_of(own), case.partitions)
    return _result(case, measured, verification, limit)


def _result(case: Case, measured: _Measured, verification: verify.Verification, limit: float) -> Run:
    rate = measured.messages / measured.seconds
    return Run(
        partitions=case.partitions,
        events=measured.messages,
        seconds=round(measured.seconds, 3),
        events_per_second=round(rate, 1),
        cpu_seconds=round(sum(measured.cpu.values()), 3),
        peak_rss_bytes=measured.peak,
        copy_limit_events_per_second=round(limit, 1),
        ratio_to_copy_limit=round(rate / limit, 3),
        mode=case.mode,
        order=case.order,
        rate=case.rate,
        asked=case.events,
        stored=verification.events,
        sessions=verification.sessions_stored,
        verified=verification.ok,
        cpu={part: round(seconds, 3) for part, seconds in measured.cpu.items()},
        latency_ms=_rounded(measured.latency) if case.mode is Mode.LIVE and measured.latency else {},
        sustained=measured.sustained and rate >= KEEPS_UP * (case.rate or 0.0),
        producing=_producing(measured.messages, measured.sent) if measured.sent else {},
    )


def _drain(
    own: Settings, case: Case, events: EventColumns, control: Control, say: Say, cancelled: Callable[[], bool]
) -> _Measured:
    def sending(done: int, total: int) -> None:
        _go_on(cancelled)
        say("producing", done, total)

    sent = benchmark_load.send(own, benchmark_load.arranged(events, case.order), sending)
    times = ServerTimes(own, control.snapshot())
    _start_consumers(own, case, control)
    return replace(_finish(own, case, control, say, cancelled, times), sent=sent)


def _live(trace: Trace, case: Case, control: Control, say: Say, cancelled: Callable[[], bool]) -> _Measured:
    own = trace.settings
    _start_consumers(own, case, control)
    times = ServerTimes(own, control.snapshot())
    arguments = ["--file", str(own.pipeline.data_file.expanduser().absolute()), "--limit", str(case.events)]
    if case.rate:
        arguments += ["--rate", f"{case.rate:g}"]
    control.start([replace(producer_spec(own, arguments), name=PRODUCER)])
    # While it loads: after its end, a producer's pid is unknown.
    trace.producers |= {one.pid for one in control.snapshot().of(Role.PRODUCER) if one.name == PRODUCER and one.pid}
    control.wait([PRODUCER], {ProcessState.RUNNING, ProcessState.FINISHED}, READY_WITHIN)
    return _finish(own, case, control, say, cancelled, times)


def _start_consumers(own: Settings, case: Case, control: Control) -> None:
    start_and_wait(control, [consumer_spec(own, f"{NAME}-{number}") for number in range(case.partitions)])


def _finish(
    own: Settings, case: Case, control: Control, say: Say, cancelled: Callable[[], bool], times: ServerTimes
) -> _Measured:
    """Wait until everything is stored, and read the consumers' last reports."""
    peak, sustained, produced_at = 0, True, 0.0
    with LagMeter(own) as meter:
        while True:
            _go_on(cancelled)
            snapshot = control.snapshot()
            consumers = [one for one in snapshot.of(Role.CONSUMER) if one.name.startswith(f"{NAME}-")]
            _refuse_failed(consumers)
            peak = max(peak, *(peak_of(one.pid) for one in consumers))
            sample = meter.sample()
            read = sum(sample.positions.values())
            say("reading", read, case.events)
            if not produced_at and _produced(snapshot.get(PRODUCER)):
                produced_at = time.monotonic()
                sustained = sample.total <= FALLS_BEHIND * (case.rate or read)
            if sample.total == 0 and read and (produced_at or case.mode is Mode.DRAIN):
                break
            time.sleep(SAMPLE_EVERY)
    servers = times.elapsed()
    control.stop([one.name for one in consumers])
    reports = [one.report for one in control.snapshot().of(Role.CONSUMER) if one.name.startswith(f"{NAME}-")]
    known = [report for report in reports if report and report.first_message_at and report.last_commit_at]
    began = min(report.first_message_at or 0 for report in known)
    ended = max(report.last_commit_at or 0 for report in known)
    return _Measured(
        messages=sum(report.events for report in known),
        seconds=ended - began,
        cpu={"consumers": sum(report.cpu_seconds for report in known), **servers},
        peak=peak,
        latency=latency_of([report.latency_counts for report in known]),
        sustained=sustained,
    )


def _producing(messages: int, sent: SendResult) -> dict[str, float]:
    return {"events_per_second": round(messages / sent.seconds, 1), "cpu_seconds": round(sent.cpu_seconds, 3)}


def _produced(producer: ProcessStatus | None) -> bool:
    if producer is not None and producer.state is ProcessState.FAILED:
        raise ClickstreamError(f"the producer has failed: {producer.exit_reason}")
    return producer is not None and producer.state is ProcessState.FINISHED


def _refuse_failed(consumers: list[ProcessStatus]) -> None:
    for one in consumers:
        if one.state is ProcessState.FAILED or one.restarts:
            raise ClickstreamError(f"{one.name} died in the middle of the run: {one.exit_reason}")


def _go_on(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Interrupted("the benchmark was cancelled; nothing of it is left")


def _rounded(latency: Latency) -> dict[str, float]:
    return {name: round(getattr(latency, name), 1) for name in ("p50", "p95", "p99")}
