"""One look at everything for Prometheus: asks all servers at once when somebody wants figures, and not more often.

Each source keeps its connection. Whoever does not answer in time is left out of this look, and is not asked again
before that question has ended: a server that hangs costs one thread, however many look.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from clickstream.actions.group import snapshot_of
from clickstream.actions.watch.builder import Answers
from clickstream.actions.watch.frame import ProcessRow, StoredCounts
from clickstream.actions.watch.polling import MOST_OF_THE_TIME, Heard, NotAsked
from clickstream.actions.watch.processes import process_rows
from clickstream.actions.watch.search_source import OpenSearchAnswer, OpenSearchSource
from clickstream.actions.watch.services import why_not_ask
from clickstream.actions.watch.sources import (
    KafkaAnswer,
    KafkaSource,
    LiveSettings,
    PostgresAnswer,
    PostgresSource,
    ValkeyAnswer,
    ValkeySource,
    count_rows,
)
from clickstream.actions.watch.surroundings_source import SHARE, SurroundingsSource
from clickstream.config.settings import Settings
from clickstream.domain.obstacles import Surroundings
from clickstream.domain.processes import Snapshot

T = TypeVar("T")

_logger = logging.getLogger("clickstream.metrics")

FRESH_FOR = 1.0
"""Seconds for which a look serves everybody who asks."""

WITHIN = 3.0
"""Seconds after which a look is over, whoever has answered; Prometheus waits longer."""

SUPERVISOR_WITHIN = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """What was found. None: not known."""

    at: float
    """Unix seconds."""
    seconds: float = 0.0
    """How long it took."""
    topic: str = ""
    earliest: bool = True
    """A partition that was never committed is read from its beginning."""
    used: tuple[str, ...] = ()
    """The services that are in use."""
    snapshot: Snapshot | None = None
    kafka: KafkaAnswer | None = None
    postgres: PostgresAnswer | None = None
    valkey: ValkeyAnswer | None = None
    opensearch: OpenSearchAnswer | None = None
    counts: StoredCounts | None = None
    surroundings: Surroundings | None = None
    processes: tuple[ProcessRow, ...] = ()
    """This home's, and workers elsewhere."""

    def service(self, name: str) -> Any:
        """The answer of one of `used`."""
        return {
            "kafka": self.kafka,
            "postgresql": self.postgres,
            "valkey": self.valkey,
            "opensearch": self.opensearch,
        }[name]


class Asked(Generic[T]):
    """One question, asked on a thread of its own; at most one at a time is under way."""

    def __init__(self, name: str, ask: Callable[[], T], *, share: float = 1.0) -> None:
        """`share`: of the time that asking may take at most; in between, the last answer counts."""
        self._name = name
        self._ask = ask
        self._share = share
        self._thread: threading.Thread | None = None
        self._again_at = float("-inf")
        self._value: T | None = None
        self._failing = False

    def begin(self) -> None:
        """Ask, unless the question is under way still, or its last answer is to do."""
        if (self._thread and self._thread.is_alive()) or time.monotonic() < self._again_at:
            return
        self._value = None
        self._thread = threading.Thread(target=self._run, name=f"ask-{self._name}", daemon=True)
        self._thread.start()

    def answer(self, deadline: float) -> T | None:
        """The answer, waited for until `deadline` (monotonic); None: there is none."""
        if self._thread:
            self._thread.join(max(0.0, deadline - time.monotonic()))
            if self._thread.is_alive():
                return None
        return self._value

    def _run(self) -> None:
        began = time.monotonic()
        try:
            self._value = self._ask()
        except NotAsked:
            return
        except Exception as error:  # whatever it is: the figures are missing, and the service counts as down
            if not self._failing:
                _logger.warning("no figures of %s: %s", self._name, error or type(error).__name__)
            self._failing = True
            return
        self._failing = False
        took = time.monotonic() - began
        if self._share < 1:
            self._again_at = time.monotonic() + took * (1 / self._share - 1)


class Sampler:
    """Looks when asked to; safe from several threads at once."""

    def __init__(self, load: Callable[[], Settings], *, fresh_for: float = FRESH_FOR, within: float = WITHIN) -> None:
        """Raises SettingsError where the settings cannot be read."""
        self._live = LiveSettings(load)
        self._fresh_for = fresh_for
        self._within = within
        self._lock = threading.Lock()
        self._last: Look | None = None
        self._looked_at = float("-inf")
        self._snapshot: Snapshot | None = None
        self._sources = (
            KafkaSource(self._live, self._gate),
            PostgresSource(self._live, self._gate),
            ValkeySource(self._live, self._gate),
            OpenSearchSource(self._live, self._gate),
        )
        kafka, postgres, valkey, search = self._sources
        self._supervisor = Asked("supervisor", lambda: snapshot_of(self._live.current))
        self._kafka: Asked[KafkaAnswer] = Asked("kafka", kafka)
        self._postgres: Asked[PostgresAnswer] = Asked("postgresql", postgres)
        self._valkey: Asked[ValkeyAnswer] = Asked("valkey", valkey)
        self._search: Asked[OpenSearchAnswer] = Asked("opensearch", search)
        self._around = SurroundingsSource(self._live, self._gate)
        self._surroundings: Asked[Surroundings | None] = Asked("surroundings", self._around, share=SHARE)
        self._counts = Asked("counts", self._count, share=MOST_OF_THE_TIME)

    def look(self) -> Look:
        """The figures of now, or of a second ago. Never raises for a server that is down."""
        with self._lock:  # whoever comes meanwhile gets the same
            if self._last is None or time.monotonic() - self._looked_at > self._fresh_for:
                self._last = self._look()
                self._looked_at = time.monotonic()
            return self._last

    def close(self) -> None:
        """Let go of the connections."""
        for source in (*self._sources, self._around):
            source.drop()

    def _look(self) -> Look:
        began, settings = time.monotonic(), self._live.refresh()
        deadline = began + self._within
        self._supervisor.begin()
        self._snapshot = self._supervisor.answer(began + SUPERVISOR_WITHIN)
        for asked in (self._postgres, self._valkey, self._search):
            asked.begin()
        # Positions first, ends after them: a position that is newer than the end would hide what waits.
        postgres = self._postgres.answer(began + self._within / 2)
        self._kafka.begin()
        self._surroundings.begin()
        self._counts.begin()
        kafka = self._kafka.answer(deadline)
        valkey = self._valkey.answer(deadline)
        search = self._search.answer(deadline)
        if postgres is None:
            postgres = self._postgres.answer(deadline)
        counts = self._counts.answer(deadline) if postgres else None
        now = time.time()
        answers = Answers(self._snapshot, Heard(), Heard(), Heard(valkey, now))
        return Look(
            at=now,
            seconds=time.monotonic() - began,
            topic=settings.kafka.events_topic if settings.kafka else "",
            earliest=settings.pipeline.auto_offset_reset == "earliest",
            used=_used(settings),
            snapshot=self._snapshot,
            kafka=kafka,
            postgres=postgres,
            valkey=valkey,
            opensearch=search,
            counts=counts,
            surroundings=self._surroundings.answer(deadline),
            processes=process_rows(answers, {}, now, tick=False),
        )

    def _gate(self, name: str) -> str:
        return why_not_ask(self._snapshot, name)

    def _count(self) -> StoredCounts:
        if self._live.current.embedded and (reason := self._gate("postgresql")):
            raise NotAsked(reason)
        return count_rows(self._live.current)


def _used(settings: Settings) -> tuple[str, ...]:
    servers = {
        "kafka": settings.kafka,
        "postgresql": settings.postgres,
        "valkey": settings.valkey,
        "opensearch": settings.opensearch.enabled or None,
    }
    return tuple(name for name, server in servers.items() if server is not None)
