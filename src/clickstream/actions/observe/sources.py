"""The sources of a Frame, one class a server: each keeps its connection and returns plain data.

Drivers load with the first question, in the thread that asks it, when the front end is on the screen already.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from clickstream.actions.observe.arrivals import EndsSample, past_ends
from clickstream.actions.observe.model import StoredCounts
from clickstream.actions.observe.poll import Skipped
from clickstream.actions.servers import in_the_stack, kafka_of, opensearch_of, postgres_of, valkey_of
from clickstream.config.problems import SettingsError
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.obstacles import Surroundings

if TYPE_CHECKING:
    from clickstream.actions.analytics import Analytics
    from clickstream.services.kafka.group import GroupReader
    from clickstream.services.postgres.analytics import TopItem
    from clickstream.services.postgres.inspect import StoredOffset
    from clickstream.services.valkey.heartbeats import Heartbeat

SWITCHED_OFF = "off"

NOT_CONFIGURED = "not configured, and the embedded stack was never started"

ASKING_TIMEOUT = 5.0
"""Seconds that a server's answer may take before the next question."""

AROUND_EVERY = 3.0
"""Seconds between two questions about what is around the topic, each of which is four requests or so."""

AROUND_SHARE = 0.3
"""Of the time that asking them may take at most: a group without a coordinator takes ASKING_TIMEOUT each time."""

Gate = Callable[[str], str]
"""For an embedded server's name, why it should not be asked now; empty: ask."""


class LiveSettings:
    """The settings, read again when a file they come from has changed: a stack that was started meanwhile is found."""

    def __init__(self, load: Callable[[], Settings]) -> None:
        """Raises SettingsError where they cannot be read now."""
        self._load = load
        self.current = load()
        self.problem = ""
        self._changed_at = self._changes()

    def refresh(self) -> Settings:
        changed_at = self._changes()
        if changed_at != self._changed_at:
            self._changed_at = changed_at
            try:
                self.current, self.problem = self._load(), ""
            except SettingsError as error:
                self.problem = str(error)
        return self.current

    def _changes(self) -> tuple[int, ...]:
        return tuple(_changed_at(path) for path in (str(self.current.home.stack_env), ".env"))


class KafkaAnswer(msgspec.Struct, frozen=True):
    """What Kafka says of the events topic."""

    latency_ms: float
    version: str | None
    topic_id: str | None
    """None: there is no such topic."""
    begins: dict[int, int] = msgspec.field(default_factory=dict)
    ends: dict[int, int] = msgspec.field(default_factory=dict)
    read_at: float = 0.0
    """Seconds of the monotonic clock just before the offsets were asked for: they are at least those of then."""
    indexed: dict[int, int] | None = None
    """Where the indexers' group is, read before the ends; None where OpenSearch is not enabled."""
    arrivals: tuple[EndsSample, ...] = ()
    """Where the ends were before anybody looked: see observe/arrivals.py."""


class PostgresAnswer(msgspec.Struct, frozen=True):
    """What PostgreSQL says of the partitions."""

    latency_ms: float
    version: str
    offsets: dict[str, dict[int, StoredOffset]] = msgspec.field(default_factory=dict)
    """By the topic's id, of every incarnation that it had, then by partition."""
    read_at: float = 0.0
    """Seconds of the monotonic clock just after they came: they are at most those of then."""


class ValkeyAnswer(msgspec.Struct, frozen=True):
    """What Valkey says, and the heartbeats in it."""

    latency_ms: float
    version: str
    heartbeats: tuple[Heartbeat, ...] = ()


class OpenSearchAnswer(msgspec.Struct, frozen=True):
    """What OpenSearch says of itself."""

    latency_ms: float
    version: str


class CachedConnection:
    """A connection that stays open from question to question; opened again after a fault or a change of settings."""

    def __init__(self, settings: LiveSettings, name: str, gate: Gate, *, patience: float = 0.0) -> None:
        """`patience`: seconds for which a server that is not ready yet is asked again."""
        self._patience = patience
        self._live = settings
        self._name = name
        self.gate = gate
        self._opened: Any = None
        self._for: Settings | None = None

    def __call__(self) -> Any:
        settings = self._live.refresh()
        if (reason := self.reason(settings)) or self._for is not settings:
            self.drop()
        if reason:
            raise Skipped(reason)
        try:
            if self._opened is None:
                self._opened, self._for = self.open(settings), settings
            return self.read(settings, self._opened)
        except BaseException:
            self.drop()
            raise

    def open(self, settings: Settings) -> Any:
        raise NotImplementedError

    def read(self, settings: Settings, opened: Any) -> Any:
        raise NotImplementedError

    def close(self, opened: Any) -> None:
        opened.close()

    def reason(self, settings: Settings) -> str:
        """Why the service should not be asked now; empty: ask."""
        section = {"kafka": settings.kafka, "postgresql": settings.postgres, "valkey": settings.valkey}[self._name]
        if section is None:
            return NOT_CONFIGURED
        return self.gate(self._name) if settings.embedded else ""

    def drop(self) -> None:
        """Let go of what is open."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with suppress(Exception):  # it may be broken in any way; what counts is that it is let go
                self.close(opened)


class KafkaSource(CachedConnection):
    """Asks for the topic's offsets."""

    def __init__(self, settings: LiveSettings, gate: Gate) -> None:
        super().__init__(settings, "kafka", gate)
        self._version: str | None = None
        self._past: tuple[str, tuple[EndsSample, ...]] = ("", ())
        self._indexers: GroupReader | None = None

    def open(self, settings: Settings) -> Any:
        from clickstream.services.kafka.admin import OffsetReader  # noqa: PLC0415
        from clickstream.stack.lockfile import read_lock  # noqa: PLC0415

        # The version is known of the embedded Kafka only: the protocol does not tell it.
        self._version = read_lock("kafka")[0].version if settings.embedded else None
        if settings.opensearch.enabled:
            from clickstream.services.kafka.group import GroupReader  # noqa: PLC0415

            self._indexers = GroupReader(
                kafka_of(settings), settings.opensearch.consumer_group_id, timeout=ASKING_TIMEOUT
            )
        return OffsetReader(kafka_of(settings), timeout=ASKING_TIMEOUT)

    def read(self, settings: Settings, opened: Any) -> KafkaAnswer:

        started = time.perf_counter()
        topic = opened.describe(kafka_of(settings).events_topic)
        latency = round((time.perf_counter() - started) * 1000, 2)
        if topic is None:
            return KafkaAnswer(latency, self._version, None)
        indexed = self._indexers.read(topic.topic_id, topic.partitions) if self._indexers else None
        read_at = time.monotonic()
        held = opened.read(topic)
        begins = {partition: offsets.begin for partition, offsets in held.items()}
        ends = {partition: offsets.end for partition, offsets in held.items()}
        if self._past[0] != topic.topic_id:
            self._past = (topic.topic_id, past_ends(opened, topic, ends))
        return KafkaAnswer(latency, self._version, topic.topic_id, begins, ends, read_at, indexed, self._past[1])

    def close(self, opened: Any) -> None:
        indexers, self._indexers = self._indexers, None
        for reader in (opened, indexers):
            if reader is not None:
                reader.__exit__(None, None, None)


class PostgresSource(CachedConnection):
    """Asks how far each partition is stored."""

    def __init__(self, settings: LiveSettings, gate: Gate, *, patience: float = 0.0) -> None:
        super().__init__(settings, "postgresql", gate, patience=patience)

    def open(self, settings: Settings) -> Any:

        return postgres_of(settings)

    def read(self, settings: Settings, opened: Any) -> PostgresAnswer:
        from clickstream.services.postgres.connection import translated  # noqa: PLC0415
        from clickstream.services.postgres.inspect import read_all_offsets  # noqa: PLC0415
        from clickstream.services.postgres.reads import borrow  # noqa: PLC0415

        with borrow(opened, patience=self._patience) as connection, translated():
            started = time.perf_counter()
            connection.execute("SELECT 1")
            latency = round((time.perf_counter() - started) * 1000, 2)
            major, minor = divmod(connection.info.server_version, 10_000)
            offsets = read_all_offsets(connection, topic=kafka_of(settings).events_topic)
        return PostgresAnswer(latency, f"{major}.{minor}", offsets, time.monotonic())

    def close(self, opened: Any) -> None:
        """The connections are the pool's."""


class ValkeySource(CachedConnection):
    """Asks for the heartbeats."""

    def __init__(self, settings: LiveSettings, gate: Gate, *, patience: float = 0.0) -> None:
        super().__init__(settings, "valkey", gate, patience=patience)
        self._version = ""

    def open(self, settings: Settings) -> Any:
        from clickstream.services.valkey.connection import connect  # noqa: PLC0415
        from clickstream.services.valkey.server import server_info  # noqa: PLC0415

        self._version = server_info(valkey_of(settings), patience=self._patience).version
        return connect(valkey_of(settings), patience=self._patience)

    def read(self, settings: Settings, opened: Any) -> ValkeyAnswer:
        from clickstream.services.valkey.connection import translated  # noqa: PLC0415
        from clickstream.services.valkey.heartbeats import HeartbeatRegistry  # noqa: PLC0415

        started = time.perf_counter()
        with translated():
            opened.ping()
        latency = round((time.perf_counter() - started) * 1000, 2)
        heartbeats = HeartbeatRegistry(opened, topic=kafka_of(settings).events_topic).read()
        return ValkeyAnswer(latency, self._version, tuple(heartbeats))


class OpenSearchSource(CachedConnection):
    """Asks how it is."""

    def __init__(self, settings: LiveSettings, gate: Gate, *, patience: float = 0.0) -> None:
        super().__init__(settings, "opensearch", gate, patience=patience)

    def reason(self, settings: Settings) -> str:
        if not settings.opensearch.enabled:
            return SWITCHED_OFF
        return self.gate("opensearch") if in_the_stack(settings) else ""

    def open(self, settings: Settings) -> Any:
        from clickstream.services.opensearch.client import connect, translated  # noqa: PLC0415
        from clickstream.services.opensearch.server import ASKING_TIMEOUT  # noqa: PLC0415

        client = connect(opensearch_of(settings), timeout=ASKING_TIMEOUT, patience=self._patience)
        with translated():
            client.info()  # connecting does not count as latency
        return client

    def read(self, settings: Settings, opened: Any) -> OpenSearchAnswer:
        from clickstream.services.opensearch.client import translated  # noqa: PLC0415
        from clickstream.services.opensearch.server import info_of  # noqa: PLC0415

        with translated():
            found = info_of(opened)
        return OpenSearchAnswer(found.latency_ms, found.version)


class SurroundingsSource(CachedConnection):
    """Asks for the topic's settings, the members of our groups, and open transactions."""

    def __init__(self, settings: LiveSettings, gate: Gate) -> None:
        super().__init__(settings, "kafka", gate)

    def open(self, settings: Settings) -> Any:
        from clickstream.actions.observe.surroundings import groups_of  # noqa: PLC0415
        from clickstream.services.kafka.surroundings import SurroundingsReader  # noqa: PLC0415

        return SurroundingsReader(kafka_of(settings), groups_of(settings), timeout=ASKING_TIMEOUT)

    def read(self, settings: Settings, opened: Any) -> Surroundings | None:
        found: Surroundings | None = opened.read()
        return found

    def close(self, opened: Any) -> None:
        opened.__exit__(None, None, None)


def count_rows(settings: Settings) -> StoredCounts:
    """Rows stored now."""
    from clickstream.services.postgres.inspect import counts  # noqa: PLC0415

    found = counts(postgres_of(settings), patience=0)
    return StoredCounts(
        found.events,
        found.sessions,
        found.rejected_events,
        found.replayed_rejects,
        found.skipped_messages,
        _rejected_lines(settings),
    )


def recount_rejects(settings: Settings, before: StoredCounts) -> StoredCounts:
    """The counts with the rejects of now: replaying and discarding them stores nothing. Cheap: they are few."""
    from clickstream.services.postgres.inspect import count_rejects  # noqa: PLC0415

    rejected, replayed = count_rejects(postgres_of(settings), patience=0)
    return replace(before, rejected=rejected, replayed=replayed, rejected_lines=_rejected_lines(settings))


def _rejected_lines(settings: Settings) -> int | None:
    from clickstream.actions.rejects.files import count  # noqa: PLC0415

    try:
        return count(settings.home)
    except (ClickstreamError, OSError):  # `rejects list` says what is wrong with the file
        return None


def read_funnels(settings: Settings) -> Analytics:
    """The funnels now, without items."""
    from clickstream.actions.analytics import funnels  # noqa: PLC0415

    return funnels(settings)


def read_top_items(settings: Settings) -> tuple[TopItem, ...]:
    """The top items now. A pass over `events` that groups them: ask very seldom."""
    from clickstream.actions.analytics import top_items  # noqa: PLC0415

    return top_items(settings)


def _changed_at(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 (twice a second and more: no Path needed)
    except OSError:
        return 0
