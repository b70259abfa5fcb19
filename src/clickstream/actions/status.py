"""Everything at a glance: services, workers, topic, lag, counts. Works when nothing runs, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from clickstream.actions.group import Worker, local_workers, remote_workers, snapshot_of
from clickstream.actions.lag import LagMeter, Sample
from clickstream.actions.servers import (
    STACK_UP,
    NothingConfigured,
    Questions,
    kafka_of,
    postgres_of,
    stack_is_down,
    valkey_of,
)
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.services.kafka import admin
from clickstream.services.postgres import inspect
from clickstream.services.valkey import board
from clickstream.stack.lockfile import read_lock

SERVICES_WITHIN = 2.0
"""Seconds after which a silent service counts as down."""

WHY_WITHIN = 1.0
"""Seconds that it may then take to find out why."""

FIGURES_WITHIN = 8.0
"""Seconds after which figures of a service that does answer are left out."""


@dataclass(frozen=True, slots=True)
class Service:
    """One server."""

    ok: bool | None
    """None: switched off."""
    version: str | None = None
    latency_ms: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """The events topic; zeros where it does not exist, None where Kafka cannot be asked."""

    name: str
    partitions: int | None
    messages: int | None


@dataclass(frozen=True, slots=True)
class LagFigures:
    """Messages that are not stored yet; None where it is not known."""

    total: int | None
    partitions: dict[int, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows, and sessions that may still grow; None where PostgreSQL cannot be asked."""

    events: int | None
    sessions: int | None
    active_sessions: int
    rejected_events: int | None
    """Messages that wait in the table of that name: neither replayed nor discarded."""
    skipped_messages: int | None = None
    """No rows: messages that were never read, by the gaps that somebody accepted; `topic show` lists them."""
    replayed_rejects: int | None = None
    """Messages in `rejected_events` that were replayed, and stay as a record."""


@dataclass(frozen=True, slots=True)
class Status:
    """What `clickstream status` shows."""

    services: dict[str, Service]
    workers: tuple[Worker, ...]
    topic: Topic
    lag: LagFigures
    counts: Counts


def status(settings: Settings) -> Status:
    """Ask everything at once. Never raises for a server that is down."""
    questions = Questions(_questions(settings))
    local = local_workers(snapshot_of(settings))
    services = {
        "kafka": _service(questions, "kafka", _kafka_version(settings)),
        "postgresql": _service(questions, "postgresql"),
        "valkey": _service(questions, "valkey"),
        "opensearch": _opensearch(settings),
    }
    if stack_is_down(settings):
        services = {
            name: replace(one, error=f"the embedded stack is not running; {STACK_UP}") if one.ok is False else one
            for name, one in services.items()
        }
    remote = _answer(questions, "remote", SERVICES_WITHIN) or ()
    workers = (*local, *remote)
    topic = _topic(settings, questions, reachable=bool(services["kafka"].ok))
    sample: Sample | None = None
    if services["kafka"].ok and services["postgresql"].ok:
        sample = _answer(questions, "lag", FIGURES_WITHIN)
    rows = _answer(questions, "counts", FIGURES_WITHIN) if services["postgresql"].ok else None
    active = sum(worker.active_sessions for worker in workers)
    counts = (
        Counts(rows.events, rows.sessions, active, rows.rejected_events, rows.skipped_messages, rows.replayed_rejects)
        if rows
        else Counts(None, None, active, None)
    )
    return Status(services, workers, topic, _lag(sample), counts)


def _questions(settings: Settings) -> dict[str, Callable[[], Any]]:
    return {
        "kafka": lambda: admin.cluster(kafka_of(settings), timeout=SERVICES_WITHIN),
        "postgresql": lambda: inspect.ping(postgres_of(settings)),
        "valkey": lambda: board.server_info(valkey_of(settings)),
        "remote": lambda: remote_workers(settings, local_workers(snapshot_of(settings))),
        "topic": lambda: _describe(settings),
        "lag": lambda: _sample(settings),
        "counts": lambda: inspect.counts(postgres_of(settings)),
    }


def _service(questions: Questions, name: str, version: str | None = None) -> Service:
    try:
        answer = questions.answer(name, SERVICES_WITHIN + WHY_WITHIN)
    except NothingConfigured:
        return Service(ok=False, error="not configured, and the embedded stack was never started")
    except ClickstreamError as error:
        return Service(ok=False, error=str(error))
    return Service(ok=True, version=getattr(answer, "version", version), latency_ms=answer.latency_ms)


def _kafka_version(settings: Settings) -> str | None:
    """Of the embedded Kafka; of another one nobody can know: its protocol does not tell."""
    return read_lock("kafka")[0].version if settings.embedded else None


def _opensearch(settings: Settings) -> Service:
    if not settings.opensearch.enabled:
        return Service(ok=None, error="off")
    return Service(ok=False, error="not asked: this version of clickstream has no search side")


def _answer(questions: Questions, name: str, deadline: float) -> Any:
    try:
        return questions.answer(name, deadline)
    except ClickstreamError:
        return None


def _describe(settings: Settings) -> tuple[int, int]:
    """Partitions and messages; zeros where there is no such topic."""
    kafka = kafka_of(settings)
    with admin.OffsetReader(kafka) as reader:
        topic = reader.describe(kafka.events_topic)
        if topic is None:
            return 0, 0
        held = reader.read(topic)
    return topic.partitions, sum(offsets.end - offsets.begin for offsets in held.values())


def _topic(settings: Settings, questions: Questions, *, reachable: bool) -> Topic:
    name = settings.kafka.events_topic if settings.kafka else ""
    partitions, messages = (_answer(questions, "topic", FIGURES_WITHIN) if reachable else None) or (None, None)
    return Topic(name, partitions, messages)


def _sample(settings: Settings) -> Sample:
    with LagMeter(settings) as meter:
        return meter.sample()


def _lag(sample: Sample | None) -> LagFigures:
    if sample is None:
        return LagFigures(None, {})
    return LagFigures(sample.total, {partition: sample.lag(partition) for partition in sample.ends})
