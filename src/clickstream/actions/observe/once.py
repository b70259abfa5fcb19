"""Observes once: asks all servers at the same time, and makes a Frame of the answers that came in time.

The sources and the builder are those of the watcher. A server that does not answer in time is left out of this sample,
and is not asked again before that question has ended: a server that hangs costs one thread, however many ask.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec.structs import replace

from clickstream.actions import aiven
from clickstream.actions.control import running
from clickstream.actions.observe.answers import SILENT_AFTER, Answers
from clickstream.actions.observe.build import FrameBuilder
from clickstream.actions.observe.model import DOWN, OFF, Figure, Frame, StoredCounts
from clickstream.actions.observe.offsets import missing_topic
from clickstream.actions.observe.poll import MOST_OF_THE_TIME, PollResult, Skipped
from clickstream.actions.observe.services import why_not_ask
from clickstream.actions.observe.sources import (
    AROUND_SHARE,
    CachedConnection,
    KafkaSource,
    LiveSettings,
    OpenSearchSource,
    PostgresSource,
    SurroundingsSource,
    ValkeySource,
    count_rows,
)
from clickstream.actions.servers import STACK_UP, NoServerConfigured, Questions
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import Snapshot

T = TypeVar("T")

Told = Callable[[str], None]

WITHIN = 5.0
"""Seconds after which a sample ends, even if some servers have not answered; also how long one that is not ready yet
is waited for."""

SUPERVISOR_WITHIN = 0.5

LINGER = 1.5
"""Seconds for which it is waited, once the servers have answered, for what others do in Kafka: a group without a
coordinator keeps that answer back for longer."""

APART = 1.0
"""Seconds between two samples that rates are taken from."""


class SingleQuestion(Generic[T]):
    """One question, asked on a thread of its own; at most one at a time is under way."""

    def __init__(self, name: str, ask: Callable[[], T], *, share: float = 1.0, told: Told = lambda words: None) -> None:
        """`share`: of the time that asking may take at most; in between, the last answer counts. `told`: once, of a
        fault.
        """
        self._told = told
        self._name = name
        self._ask = ask
        self._share = share
        self._thread: threading.Thread | None = None
        self._again_at = float("-inf")
        self._failing = False
        self._closing = threading.Lock()
        self._closed = False
        self.result: PollResult[T] = PollResult()

    def close(self) -> None:
        """Let go of what the question opened; where it is under way still, once it has ended."""
        with self._closing:
            self._closed = True
            if not (self._thread and self._thread.is_alive()):
                self._let_go()

    def _let_go(self) -> None:
        if isinstance(self._ask, CachedConnection):
            self._ask.drop()

    def begin(self) -> None:
        """Ask, unless the question is under way still, or its last answer is to do."""
        if (self._thread and self._thread.is_alive()) or time.monotonic() < self._again_at:
            return
        self.result = replace(self.result, asked_at=time.time())
        self._thread = threading.Thread(target=self._run, name=f"ask-{self._name}", daemon=True)
        self._thread.start()

    def answer(self, deadline: float) -> PollResult[T]:
        """What is known by `deadline` (monotonic)."""
        if self._thread:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        return self.result

    def _run(self) -> None:
        self._ask_once()
        with self._closing:
            if self._closed:
                self._let_go()

    def _ask_once(self) -> None:
        began = time.monotonic()
        before = self.result
        try:
            self.result = PollResult(self._ask(), time.time())
        except Skipped as reason:
            self.result = replace(before, error="", skipped=str(reason), asked_at=None)
            return
        except Exception as error:  # whatever it is: the figures are missing, and the service counts as down
            words = str(error) if isinstance(error, ClickstreamError) else f"internal error: {error!r}"
            if not self._failing:
                self._told(f"no figures of {self._name}: {words}")
            self._failing = True
            self.result = replace(before, error=words, skipped="", asked_at=None)
            return
        self._failing = False
        took = time.monotonic() - began
        if self._share < 1:
            self._again_at = time.monotonic() + took * (1 / self._share - 1)


class Observer:
    """Looks when asked to; safe from several threads at once. Use as a context manager."""

    def __init__(
        self,
        load: Callable[[], Settings],
        *,
        within: float = WITHIN,
        patience: float = 0.0,
        fresh_for: float = 0.0,
        counts: bool = True,
        told: Told = lambda words: None,
    ) -> None:
        """Args:
            load: reads the settings.
            within: seconds that a sample may take.
            patience: seconds for which a server that is not ready yet is asked again.
            fresh_for: seconds for which a sample serves everybody who asks.
            counts: whether rows are counted.
            told: of a server that begins to give no figures.

        Raises SettingsError where the settings cannot be read.
        """
        self._live = LiveSettings(load)
        self._within, self._fresh_for = within, fresh_for
        self._lock = threading.Lock()
        self._last, self._looked_at = Frame(at=0.0), float("-inf")
        self._snapshot: Snapshot | None = None
        gate, live = self._gate, self._live
        kafka, around = KafkaSource(live, gate), SurroundingsSource(live, gate)
        postgres, valkey = PostgresSource(live, gate, patience=patience), ValkeySource(live, gate, patience=patience)
        search = OpenSearchSource(live, gate, patience=patience)
        self._supervisor = SingleQuestion("supervisor", self._ask_supervisor, told=told)
        self._kafka = SingleQuestion("kafka", kafka, told=told)
        self._around = SingleQuestion("surroundings", around, share=AROUND_SHARE, told=told)
        self._postgres = SingleQuestion("postgresql", postgres, told=told)
        self._valkey = SingleQuestion("valkey", valkey, told=told)
        self._search = SingleQuestion("opensearch", search, told=told)
        self._counts = SingleQuestion("counts", self._count, share=MOST_OF_THE_TIME, told=told) if counts else None
        self._builder = FrameBuilder(self._live)
        self.seconds = 0.0
        """How long the last sample took."""

    def __enter__(self) -> Observer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sample(self) -> Frame:
        """The figures of now, or of a moment ago. Never raises for a server that is down."""
        with self._lock:  # concurrent callers share one sample
            if time.monotonic() - self._looked_at > self._fresh_for:
                self._last = self._sample()
                self._looked_at = time.monotonic()
            return self._last

    def close(self) -> None:
        """Let go of the connections; of one at which a question hangs, once it has ended."""
        for asked in (self._kafka, self._around, self._postgres, self._valkey, self._search):
            asked.close()

    def _sample(self) -> Frame:
        began, began_at, settings = time.monotonic(), time.time(), self._live.refresh()
        deadline = began + self._within
        aiven_asked = Questions(aiven.question(settings))  # first: it is the farthest away
        self._supervisor.begin()
        supervisor = self._supervisor.answer(began + SUPERVISOR_WITHIN)
        self._snapshot = supervisor.value
        for asked in (self._postgres, self._valkey, self._search, self._around):
            asked.begin()
        # Positions first, ends after them: a position that is newer than the end would hide what waits.
        self._postgres.answer(began + self._within / 2)
        self._kafka.begin()
        if self._counts:
            self._counts.begin()
        kafka, postgres = self._kafka.answer(deadline), self._postgres.answer(deadline)
        counts = self._counts.answer(deadline) if self._counts else PollResult()
        around = self._around.answer(min(deadline, time.monotonic() + LINGER))
        answers = Answers(
            self._snapshot,
            kafka,
            postgres,
            self._valkey.answer(deadline),
            self._search.answer(deadline),
            around,
            counts=Figure(counts.value, counts.at) if counts.value else None,
            # A sample may take seconds, in which no report can come; an old snapshot is as old as it is.
            snapshot_at=supervisor.at if supervisor.at >= began_at else None,
            silent_after=min(SILENT_AFTER, self._within - 0.2),
            waited_out=True,
        )
        frame = self._builder.build(answers)
        self.seconds = time.monotonic() - began
        words = aiven.words(settings, aiven_asked)
        services = tuple(
            replace(row, aiven_state=words[row.name].state, aiven_error=words[row.name].error)
            if row.name in words
            else row
            for row in frame.services
        )
        return replace(frame, services=services)

    def _ask_supervisor(self) -> Snapshot | None:
        control = running(self._live.current.home)
        return control.snapshot() if control else None

    def _gate(self, name: str) -> str:
        return why_not_ask(self._snapshot, name)

    def _count(self) -> StoredCounts:
        if self._live.current.embedded and (reason := self._gate("postgresql")):
            raise Skipped(reason)
        return count_rows(self._live.current)


def observe(load: Callable[[], Settings], *, patience: float = WITHIN) -> Frame:
    """One sample."""
    with Observer(load, patience=patience) as observer:
        return observer.sample()


def observe_flow(load: Callable[[], Settings]) -> Frame:
    """Two samples, a second apart: with rates, without counts.

    Raises:
        ClickstreamError: Kafka or PostgreSQL does not answer, or there is no topic: nothing is known of any lag.
    """
    with Observer(load, patience=WITHIN, counts=False) as observer:
        frame = observer.sample()
        if frame.partitions:
            time.sleep(APART)
            frame = observer.sample()
    return refuse_unknown(frame)


def refuse_unknown(frame: Frame) -> Frame:
    """The frame; raises ClickstreamError where it knows of no partition, with the reason."""
    if not frame.configured:
        raise NoServerConfigured
    for name in ("kafka", "postgresql"):
        service = frame.service(name)
        if service.state is OFF:
            raise ClickstreamError(service.trouble, hint=STACK_UP)
        if service.state is DOWN:
            raise ClickstreamError(service.trouble)
    if frame.topic_exists is False:
        raise missing_topic(frame.topic)
    return frame
