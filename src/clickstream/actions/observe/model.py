"""The Frame: a frozen state of the whole pipeline, made once a second. Plain data: no requests, no wording.

A figure that could not be read is None or keeps its last value with the time at which that was true: see Figure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from clickstream.actions.analytics import Analytics
    from clickstream.domain.obstacles import Obstacle, Surroundings
    from clickstream.domain.reports import WorkerReport
    from clickstream.services.postgres.analytics import TopItem
    from clickstream.services.postgres.verify import Verification

from clickstream.domain.processes import FINAL_STATES, ProcessState, Role

T = TypeVar("T")

Amount = TypeVar("Amount", int, float)

SERVICES = ("kafka", "postgresql", "valkey", "opensearch")
TITLES = {"kafka": "Kafka", "postgresql": "PostgreSQL", "valkey": "Valkey", "opensearch": "OpenSearch"}


class ServiceState(StrEnum):
    """How a service stands."""

    ASKING = "asking"
    """Not known yet, or it starts."""
    UP = "ok"
    DOWN = "failed"
    """It does not answer."""
    OFF = "off"
    """Not configured, switched off, or an embedded server that does not run."""


class PartitionState(StrEnum):
    """How a partition stands; judge.py decides."""

    OK = "OK"
    LAGGING = "LAGGING"
    STALLED = "STALLED"
    STOPPED = "STOPPED"


class Trend(StrEnum):
    """Where a lag is going."""

    GROWING = "growing"
    SHRINKING = "shrinking"
    STEADY = "steady"


class Severity(StrEnum):
    """How grave a happening is."""

    INFO = "info"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


ASKING, UP, DOWN, OFF = ServiceState
OK, LAGGING, STALLED, STOPPED = PartitionState
INFO, GOOD, WARN, BAD = Severity

NO_ANSWER = "no answer"
"""The error of a server of which a question is outstanding."""

SILENT = "silent"
"""The activity of a worker that has not reported lately, and of a server that runs and does not answer."""


class Figure(msgspec.Struct, Generic[T], frozen=True):
    """A value with the time at which it was true."""

    value: T
    at: float
    """Unix seconds."""

    def age(self, now: float) -> float:
        return max(0.0, now - self.at)


class Outcomes(msgspec.Struct, Generic[Amount], frozen=True):
    """What became of the messages that the consumers read, as they count it themselves. All but `late` make up what
    was read."""

    stored: Amount
    """New events."""
    duplicates: Amount
    """Events that were stored already."""
    rejected: Amount
    """Messages that are not events."""
    late: Amount
    """Of `stored`: those that came later than a consumer remembers, so that their sessions were looked up."""


class ServiceRow(msgspec.Struct, frozen=True):
    """One server."""

    name: str
    """One of SERVICES."""
    state: ServiceState = ASKING
    since: float = 0.0
    """Unix seconds at which it came into that state, as far as this process has seen."""
    version: str | None = None
    latency_ms: float | None = None
    error: str = ""
    """Why it is DOWN or OFF; a sentence for people."""
    aiven_state: str | None = None
    """In which state Aiven says it is; None where Aiven is not asked, or does not tell."""
    aiven_error: str | None = None
    """Why Aiven does not tell."""

    @property
    def trouble(self) -> str:
        """A sentence on why it is DOWN or OFF."""
        if self.error in {"", NO_ANSWER}:
            return f"{TITLES[self.name]} does not answer"
        return self.error if TITLES[self.name] in self.error else f"{TITLES[self.name]}: {self.error}"

    @property
    def silent(self) -> bool:
        """It is DOWN since it does not answer; else it refuses, or its process has ended."""
        return self.state is ServiceState.DOWN and (self.error in {"", NO_ANSWER} or "does not answer" in self.error)


class ProcessRow(msgspec.Struct, frozen=True):
    """One process: a server or worker of this home, or a worker elsewhere that sends heartbeats."""

    name: str
    role: Role
    host: str
    local: bool
    """This home's supervisor has it: it can be stopped and restarted from here."""
    pid: int | None
    state: ProcessState
    """The supervisor's word."""
    activity: str = ""
    """The worker's own word while it runs: `running`, `idle`, `waiting`, ...; `silent`: it has not reported lately."""
    detail: str = ""
    """Why it waits; else empty."""
    partitions: tuple[int, ...] = ()
    rate: float = 0.0
    """Events a second."""
    rates: tuple[float, ...] = ()
    """`rate` once a second, oldest first; at most five minutes of it."""
    lag: int | None = None
    """Of its partitions, as their rows have it; where that is not known, as it says itself."""
    cpu_percent: float = 0.0
    rss_bytes: int = 0
    restarts: int = 0
    uptime_seconds: float = 0.0
    """Of the present life; 0 where it does not live."""
    exit_reason: str = ""
    """How the last life ended; empty if none ever did."""
    report: WorkerReport | None = None

    @property
    def label(self) -> str:
        """Its name, with its host where it is not this home's."""
        return self.name if self.local else f"{self.name} on {self.host}"

    @property
    def under_way(self) -> bool:
        """It works, or will soon again."""
        return self.state not in FINAL_STATES

    @property
    def reason(self) -> str:
        """Why it waits, or how its last life ended; empty for one that was stopped on request."""
        return self.detail or ("" if self.state == ProcessState.STOPPED else self.exit_reason)

    @property
    def events(self) -> int:
        """Since this life began: messages taken and committed, or acknowledged."""
        return self.report.events if self.report else 0

    @property
    def active_sessions(self) -> int:
        return self.report.active_sessions if self.report else 0

    @property
    def counters(self) -> dict[str, int]:
        return dict(self.report.counters) if self.report else {}

    @property
    def pace(self) -> str:
        """What a producer's sending follows."""
        return self.report.pace if self.report else ""


class PartitionRow(msgspec.Struct, frozen=True):
    """One partition of the events topic. Rates are messages a second over the last seconds."""

    partition: int
    begin: int
    """The oldest offset that Kafka holds."""
    end: int
    """The offset of the next message to come."""
    position: int
    """The offset in PostgreSQL: what is before it was read, and is stored, a duplicate or rejected. It was asked for
    before `end` was."""
    lag: int
    """`end` less `position`. As the position is the older reading, what was read in between counts as waiting, and a
    lag of 0 is true."""
    rate_in: float
    rate_out: float
    trend: Trend
    seconds_to_drain: float | None
    """None: never, at these rates."""
    state: PartitionState
    owner: str | None
    """The worker that has it, with its host where that is not this one; None: no known worker has it."""
    share: float
    """Its part (0 to 1) of what all partitions take in now, or hold where nothing comes in."""
    commit_age: float | None
    """Seconds since its last commit; None: it never committed."""
    as_of: float
    """Unix seconds at which all of this was true: the older of Kafka's and PostgreSQL's answers."""
    seconds_behind: float | None = None
    """How long the message at `position` had waited, by the record timestamps, when `end` was read; None: not known."""
    foreign_owner: str | None = None
    """The member of the consumers' group that has it and is not a worker of clickstream."""
    silent: bool = False
    """Its owner has not reported lately."""
    held_from: int | None = None
    """The offset from which on another producer's open transaction holds messages back; None: none does."""


class Latency(msgspec.Struct, frozen=True):
    """End-to-end latency (commit minus record timestamp) over the last ten seconds, in milliseconds."""

    p50: float
    p95: float
    p99: float
    samples: int


class ProducerRow(msgspec.Struct, frozen=True):
    """How far this home's producer is."""

    state: ProcessState
    """The supervisor's word."""
    sent: int
    """Events that Kafka has acknowledged in this run."""
    total: int
    """Events that the run is to send; 0: not known yet."""
    rate: float
    failed: int
    bad_lines: int
    newest_event_ms: int | None
    """The newest event time sent or, where the producer does not tell, taken by a consumer; Unix milliseconds."""
    activity: str = ""
    """Its own word while it runs: `running`, `paused`, `waiting`, ..."""
    pace: str = ""
    """What its sending follows: `500 events/s`, `5x realtime`, `full speed`."""


class StoredCounts(msgspec.Struct, frozen=True):
    """Rows in PostgreSQL."""

    events: int
    sessions: int
    rejected: int
    """Messages that wait in `rejected_events`: neither replayed nor discarded."""
    replayed: int = 0
    """Messages there that were replayed, and stay as a record."""
    skipped: int = 0
    """No rows: messages that were never read, by the gaps that somebody accepted; `topic show` lists them."""
    rejected_lines: int | None = 0
    """No rows: lines of CSV files that producers of this home rejected; None: not readable."""


class JournalEntry(msgspec.Struct, frozen=True):
    """Something worth a line: what, when and how grave."""

    at: float
    """Unix seconds."""
    level: Severity
    text: str
    mark: bool = False
    """Worth a mark on the throughput plot: a fault or the end of one."""


class History(msgspec.Struct, frozen=True):
    """The last five minutes, one value a second, oldest first; all of one length. NaN: not known then."""

    at: tuple[float, ...] = ()
    """Unix seconds."""
    produced: tuple[float, ...] = ()
    """Events a second into Kafka."""
    stored: tuple[float, ...] = ()
    """New events a second in PostgreSQL."""
    lag: tuple[float, ...] = ()
    active: tuple[float, ...] = ()
    """Open sessions."""
    hour: tuple[tuple[float, tuple[int, ...]], ...] = ()
    """(Unix seconds, highest lag of the ten seconds from then, by partition number) for an hour."""
    not_new: tuple[float, ...] = ()
    """Messages a second that were read and made no new event: duplicates and rejects."""


class IndexedPartition(msgspec.Struct, frozen=True):
    """One partition."""

    partition: int
    position: int
    """The group's offset in Kafka: what is before it is in the index."""
    end: int
    lag: int
    owner: str | None
    """The indexer that has it; None where that is not known."""
    foreign_owner: str | None = None
    """The member of the group that has it and is not an indexer."""


class IndexLag(msgspec.Struct, frozen=True):
    """All partitions of the topic."""

    group: str
    total: int
    partitions: tuple[IndexedPartition, ...]


class Frame(msgspec.Struct, frozen=True):
    """Everything at one instant."""

    at: float
    """Unix seconds."""
    home: str = ""
    """CLICKSTREAM_HOME."""
    embedded: bool = True
    """The servers are, or will be, this home's embedded ones."""
    addresses: tuple[tuple[str, str], ...] = ()
    """Services to the addresses that they are asked at."""
    configured: bool = False
    """There are servers to talk to at all."""
    supervisor: bool = False
    """A supervisor runs in this home."""
    topic: str = ""
    data_file: str = ""
    """The name of the file that the producer sends, without its folder."""
    services: tuple[ServiceRow, ...] = tuple(ServiceRow(name) for name in SERVICES)
    processes: tuple[ProcessRow, ...] = ()
    """Servers, consumers, producers of this home, then workers elsewhere."""
    topic_exists: bool | None = None
    """None: not known."""
    topic_offsets: tuple[tuple[int, int, int], ...] = ()
    """Of each partition its number, the oldest offset that Kafka holds, and the next one to come."""
    partitions: tuple[PartitionRow, ...] = ()
    """Empty until Kafka and PostgreSQL have both answered."""
    produced_per_second: float | None = None
    read_per_second: float | None = None
    """Messages that the consumers are through with, whatever became of them: by the offsets in PostgreSQL."""
    stored_per_second: float | None = None
    """New events: as in `outcomes`."""
    outcomes: Outcomes[float] | None = None
    """What became of the messages, a second."""
    outcome_totals: Outcomes[int] | None = None
    """The same since the present life of each consumer began; where none runs, in the last lives of this home's; None:
    no consumer has reported."""
    lag: int | None = None
    indexing: IndexLag | None = None
    """How far the indexers are; None where OpenSearch is not enabled, or it is not known."""
    surroundings: Surroundings | None = None
    """What Kafka says of the topic and of the groups beside offsets; None: not known, or too old."""
    obstacles: tuple[Obstacle, ...] = ()
    """What in Kafka keeps messages from being stored, the gravest first; as of some seconds ago."""
    active_sessions: int = 0
    counts: Figure[StoredCounts] | None = None
    """Counting takes a scan, so it happens seldom; between counts `at` moves on while nothing is stored."""
    analytics: Figure[Analytics] | None = None
    """`at` is that of the funnels."""
    top_items: Figure[tuple[TopItem, ...]] | None = None
    """Those in `analytics`, with their own time: they are several times as dear."""
    latency: Latency | None = None
    producer: ProducerRow | None = None
    verification: Figure[Verification] | None = None
    """What the last verify of this front end found; None as well once the data that it was about is gone."""
    happenings: tuple[JournalEntry, ...] = ()
    """Newest first; at most 200."""
    history: History = msgspec.field(default_factory=History)
    problem: str = ""
    """The settings cannot be read: why. What is shown then is how things stood with the settings before."""

    @property
    def topic_partitions(self) -> int | None:
        """0: there is no topic; None: not known."""
        return None if self.topic_exists is None else len(self.topic_offsets)

    @property
    def topic_messages(self) -> int | None:
        """That Kafka holds; 0: there is no topic; None: not known."""
        return None if self.topic_exists is None else sum(end - begin for _, begin, end in self.topic_offsets)

    @property
    def held_partitions(self) -> frozenset[int]:
        """The partitions that an open transaction holds back."""
        return frozenset(row.partition for row in self.partitions if row.held_from is not None)

    @property
    def rates_known(self) -> bool:
        """Whether partitions have rates; else what follows from them, trend and drain time, is not known."""
        return self.produced_per_second is not None and self.stored_per_second is not None

    def service(self, name: str) -> ServiceRow:
        return next(row for row in self.services if row.name == name)

    def workers(self, role: str) -> tuple[ProcessRow, ...]:
        """The processes of a role: `server`, `consumer`, `producer`."""
        return tuple(row for row in self.processes if row.role == role)
