"""Everything at a glance: services, workers, topic, lag, counts. Works when nothing runs, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from clickstream.actions import aiven
from clickstream.actions.group import Worker, local_workers, remote_workers, snapshot_of
from clickstream.actions.lag.indexers import index_lag
from clickstream.actions.servers import (
    STACK_UP,
    NothingConfigured,
    Questions,
    kafka_of,
    opensearch_of,
    postgres_of,
    stack_is_down,
    valkey_of,
)
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.obstacles import Obstacle, Progress, obstacles
from clickstream.stack.lockfile import read_lock

if TYPE_CHECKING:
    from clickstream.actions.lag.measure import Sample

SERVICES_WITHIN = 5.0
"""Seconds after which a silent service counts as down; also how long one that is not ready yet is waited for."""

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
    aiven_state: str | None = None
    """In which state Aiven says it is; None where Aiven is not asked, or does not tell."""
    aiven_error: str | None = None
    """Why Aiven does not tell."""


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
    opensearch: IndexerLag | None = None
    """That of the indexers; None where OpenSearch is not enabled, or it is not known."""


@dataclass(frozen=True, slots=True)
class IndexerLag:
    """Messages that are not indexed yet."""

    total: int
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
    obstacles: tuple[Obstacle, ...] = ()
    """What in Kafka keeps messages from being stored."""


def status(settings: Settings) -> Status:
    """Ask everything at once. Never raises for a server that is down."""
    local = local_workers(snapshot_of(settings))
    questions = Questions(_questions(settings, local))
    services = {
        "kafka": _service(questions, "kafka", _kafka_version(settings)),
        "postgresql": _service(questions, "postgresql"),
        "valkey": _service(questions, "valkey"),
        "opensearch": _search_service(settings, questions),
    }
    if stack_is_down(settings):
        services = {
            name: replace(one, error=f"the embedded stack is not running; {STACK_UP}") if one.ok is False else one
            for name, one in services.items()
        }
    remote = _answer(questions, "remote", SERVICES_WITHIN) or ()
    workers = (*local, *remote)
    sample: Sample | None = None
    if services["kafka"].ok and services["postgresql"].ok:
        sample = _answer(questions, "lag", FIGURES_WITHIN)
    topic = _topic(settings, sample, reachable=bool(services["kafka"].ok))
    rows = _answer(questions, "counts", FIGURES_WITHIN) if services["postgresql"].ok else None
    active = sum(worker.active_sessions for worker in workers)
    counts = (
        Counts(rows.events, rows.sessions, active, rows.rejected_events, rows.skipped_messages, rows.replayed_rejects)
        if rows
        else Counts(None, None, active, None)
    )
    for name, word in aiven.words(settings, questions).items():
        services[name] = replace(services[name], aiven_state=word.state, aiven_error=word.error)
    around = _answer(questions, "surroundings", FIGURES_WITHIN) if services["kafka"].ok else None
    found = obstacles(around, _progress(sample)) if around else ()
    return Status(services, workers, topic, _lag(sample), counts, found)


def _questions(settings: Settings, local: tuple[Worker, ...]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What to ask whom. Each driver is loaded when its turn has come: loading is most of what `status` does."""
    yield from aiven.question(settings)  # first: it is the farthest away

    from clickstream.services.kafka.admin import cluster  # noqa: PLC0415

    yield "kafka", lambda: cluster(kafka_of(settings), timeout=SERVICES_WITHIN)

    from clickstream.services.postgres.inspect import counts, ping  # noqa: PLC0415

    yield "postgresql", lambda: ping(postgres_of(settings), patience=SERVICES_WITHIN)
    yield "counts", lambda: counts(postgres_of(settings), patience=SERVICES_WITHIN)

    from clickstream.actions.lag.measure import LagMeter  # noqa: PLC0415

    def sample() -> Sample:
        with LagMeter(settings) as meter:
            return meter.sample()

    yield "lag", sample

    from clickstream.actions.lag.surroundings import look_around  # noqa: PLC0415

    yield "surroundings", lambda: look_around(settings)

    from clickstream.services.valkey.board import server_info  # noqa: PLC0415

    yield "valkey", lambda: server_info(valkey_of(settings), patience=SERVICES_WITHIN)
    yield "remote", lambda: remote_workers(settings, local)

    if settings.opensearch.enabled:
        yield "opensearch", lambda: _search_info(settings)


def _search_info(settings: Settings) -> Any:
    from clickstream.services.opensearch.server import server_info  # noqa: PLC0415

    return server_info(opensearch_of(settings), patience=SERVICES_WITHIN)


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


def _search_service(settings: Settings, questions: Questions) -> Service:
    return _service(questions, "opensearch") if settings.opensearch.enabled else Service(ok=None, error="off")


def _answer(questions: Questions, name: str, deadline: float) -> Any:
    try:
        return questions.answer(name, deadline)
    except ClickstreamError:
        return None


def _topic(settings: Settings, sample: Sample | None, *, reachable: bool) -> Topic:
    """From the sample of the lag, which has it all; there is none where PostgreSQL is down, or there is no topic."""
    name = settings.kafka.events_topic if settings.kafka else ""
    if sample:
        return Topic(name, sample.topic.partitions, sum(end - sample.begins[p] for p, end in sample.ends.items()))
    if not reachable:
        return Topic(name, None, None)
    asked = Questions([("topic", lambda: _describe(settings))])
    return Topic(name, *(_answer(asked, "topic", FIGURES_WITHIN) or (None, None)))


def _describe(settings: Settings) -> tuple[int, int]:
    """Partitions and messages; zeros where there is no such topic."""
    from clickstream.services.kafka.admin import OffsetReader  # noqa: PLC0415

    kafka = kafka_of(settings)
    with OffsetReader(kafka) as reader:
        topic = reader.describe(kafka.events_topic)
        if topic is None:
            return 0, 0
        held = reader.read(topic)
    return topic.partitions, sum(offsets.end - offsets.begin for offsets in held.values())


def _progress(sample: Sample | None) -> dict[int, Progress]:
    from clickstream.actions.lag.surroundings import progress_of  # noqa: PLC0415

    return progress_of(sample) if sample else {}


def _lag(sample: Sample | None) -> LagFigures:
    if sample is None:
        return LagFigures(None, {})
    partitions = {partition: sample.lag(partition) for partition in sample.ends}
    return LagFigures(sample.total, partitions, _indexer_lag(sample))


def _indexer_lag(sample: Sample) -> IndexerLag | None:
    if sample.indexed is None:
        return None
    behind = index_lag("", sample.indexed, sample.begins, sample.ends, {})
    return IndexerLag(behind.total, {row.partition: row.lag for row in behind.partitions})
