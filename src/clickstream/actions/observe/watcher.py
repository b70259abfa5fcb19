"""Watches all servers and makes a Frame every second. A server that hangs only makes its own figures old.

with Watcher(load_settings) as watcher:
    for frame in watcher.frames(): ...
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from clickstream.actions.control import running
from clickstream.actions.observe.answers import SILENT_AFTER, Answers
from clickstream.actions.observe.build import FrameBuilder
from clickstream.actions.observe.journal import ProcessDiary
from clickstream.actions.observe.model import DOWN, Figure, Frame, JournalEntry
from clickstream.actions.observe.poll import Poller, to_next_beat
from clickstream.actions.observe.scans import Scans
from clickstream.actions.observe.services import why_not_ask
from clickstream.actions.observe.sources import (
    AROUND_EVERY,
    AROUND_SHARE,
    KafkaSource,
    LiveSettings,
    OpenSearchSource,
    PostgresSource,
    SurroundingsSource,
    ValkeySource,
)
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import Snapshot

if TYPE_CHECKING:
    from clickstream.services.postgres.verify import Verification

EVERY = 1.0
"""Seconds from frame to frame."""

AFTER_THE_BEAT = 0.2
"""Seconds from the beat on which all servers are asked to the frame: by then they have answered. The beat is the
machine's, so that two front ends show the same."""


class SupervisorFeed:
    """Follows the supervisor's snapshots in a thread; where none runs, looks for one twice a second."""

    def __init__(self, settings: LiveSettings, result: Callable[[list[JournalEntry]], None]) -> None:
        """`result`: called from the thread with what changed, whenever something did."""
        self._live = settings
        self._result = result
        self._diary = ProcessDiary()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poll-supervisor", daemon=True)
        self.snapshot: Snapshot | None = None
        self.asked = threading.Event()
        """Set once it is known whether a supervisor runs."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(ClickstreamError):  # it went away in the middle of a sentence
                self._follow()
            if self.snapshot is not None:
                self.snapshot = None
                self._result(self._diary.gone(time.time()))
            self.asked.set()
            self._stop.wait(0.5)

    def _follow(self) -> None:
        control = running(self._live.current.home)
        if control is None:
            return
        for snapshot in control.watch():
            if self._stop.is_set():
                return
            self.snapshot = snapshot
            self.asked.set()
            if changed := self._diary.read(snapshot):
                self._result(changed)


class Watcher:
    """All sources, and the frames made of them. Use as a context manager; frames() from one thread."""

    def __init__(self, load: Callable[[], Settings], *, every: float = EVERY) -> None:
        """Raises SettingsError where the settings cannot be read."""
        self.live = LiveSettings(load)
        self._every = every
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._unpublished: list[JournalEntry] = []
        self._verification: Figure[Verification] | None = None
        self._supervisor = SupervisorFeed(self.live, self._processes_changed)
        gate, wake = self._why_not_ask, self._wake.set
        kafka, postgres = KafkaSource(self.live, gate), PostgresSource(self.live, gate)
        valkey, search = ValkeySource(self.live, gate), OpenSearchSource(self.live, gate)
        self._postgres = Poller("postgresql", postgres, turned=wake, ended=postgres.drop)
        # Positions first, ends after them: a position that is newer than the end would hide what waits.
        self._kafka = Poller("kafka", kafka, after=self._postgres, turned=wake, ended=kafka.drop)
        self._valkey = Poller("valkey", valkey, turned=wake, ended=valkey.drop)
        self._search = Poller("opensearch", search, turned=wake, ended=search.drop)
        around = SurroundingsSource(self.live, gate)
        self._surroundings = Poller("surroundings", around, every=AROUND_EVERY, share=AROUND_SHARE, ended=around.drop)
        self._scans = Scans(self.live, self._progress)
        servers = (self._postgres, self._kafka, self._valkey, self._search)
        self._counting = self._scans.pollers()
        self._was_down = False
        self._pollers = (*servers, self._surroundings, *self._counting)
        self._builder = FrameBuilder(self.live)

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def settings(self) -> Settings:
        """The settings of now."""
        return self.live.current

    def stop(self) -> None:
        """End frames(), and the threads as soon as whom they ask has answered."""
        self._stop.set()
        self._wake.set()
        self._supervisor.stop()
        for poller in self._pollers:
            poller.stop()

    def publish(self, entries: list[JournalEntry]) -> None:
        """Add to what happened, and have a frame at once. From any thread."""
        with self._lock:
            self._unpublished += entries
        self._wake.set()

    def verified(self, verification: Verification) -> None:
        """Keep what a verify has found. From any thread."""
        self._verification = Figure(verification, time.time())
        self._wake.set()

    def ask_now(self) -> None:
        """Something was changed: ask all servers again at once."""
        for poller in self._pollers:
            poller.ask_now()

    def frames(self) -> Iterator[Frame]:
        """A frame at once, then one every second, and one as soon as something happened; until stop().

        Asking begins with the first frame: the caller has shown itself by then.
        """
        self._supervisor.start()
        self._supervisor.asked.wait(0.3)
        for poller in self._pollers:
            poller.start()
        due = time.monotonic()
        while not self._stop.is_set():
            tick = time.monotonic() >= due
            if tick:
                due = next_frame(time.monotonic(), self._every)
            yield self._frame(tick=tick)
            self._wake.wait(max(0.0, due - time.monotonic()))
            self._wake.clear()

    def _frame(self, *, tick: bool) -> Frame:
        with self._lock:
            told, self._unpublished = self._unpublished, []
        self._builder.publish(told)
        answers = Answers(
            self._supervisor.snapshot,
            self._kafka.result,
            self._postgres.result,
            self._valkey.result,
            self._search.result,
            self._surroundings.result,
            self._scans.counts,
            self._scans.analytics,
            self._scans.top_items,
            self._verification,
        )
        frame = self._builder.build(answers, tick=tick)
        self._count_after_an_outage(frame)
        return frame

    def _count_after_an_outage(self, frame: Frame) -> None:
        """What was asked before PostgreSQL hung is old by now, and took so long that it would not be asked again for
        minutes."""
        down = frame.service("postgresql").state is DOWN
        if self._was_down and not down:
            for poller in self._counting:
                poller.ask_now()
        self._was_down = down

    def _processes_changed(self, entries: list[JournalEntry]) -> None:
        self.publish(entries)
        self.ask_now()

    def _why_not_ask(self, name: str) -> str:
        self._supervisor.asked.wait(1.0)
        return why_not_ask(self._supervisor.snapshot, name)

    def _progress(self) -> object:
        result = self._postgres.result
        if result.value is None or result.error or result.skipped or result.silent_for(time.time()) > SILENT_AFTER:
            return None
        return {
            (topic_id, partition): offset.next_offset
            for topic_id, offsets in result.value.offsets.items()
            for partition, offset in offsets.items()
        }


def next_frame(now: float, every: float) -> float:
    """When to make the next one (monotonic): AFTER_THE_BEAT, and not right after this one."""
    pause = to_next_beat(now - AFTER_THE_BEAT, every)
    return now + (pause if pause >= every / 2 else pause + every)


def watch(load: Callable[[], Settings], *, every: float = EVERY) -> Iterator[Frame]:
    """A frame every `every` seconds, without end."""
    with Watcher(load, every=every) as watcher:
        yield from watcher.frames()
