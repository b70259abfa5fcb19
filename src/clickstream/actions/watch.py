"""Watches everything at once and makes a Frame of it every second. A server that hangs makes its own figures old only.

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
from clickstream.actions.frame import Figure, Frame, Happening, StoredCounts
from clickstream.actions.frame_builder import Answers, FrameBuilder
from clickstream.actions.frame_services import why_not_ask
from clickstream.actions.happenings import ProcessDiary
from clickstream.actions.polling import NotAsked, Poller
from clickstream.actions.sources import (
    KafkaSource,
    LiveSettings,
    PostgresSource,
    ValkeySource,
    count_rows,
    read_analytics,
)
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import Snapshot

if TYPE_CHECKING:
    from clickstream.actions.analytics import Analytics
    from clickstream.services.postgres.verify import Verification

EVERY = 1.0
"""Seconds from frame to frame."""

COUNT_EVERY, ANALYSE_EVERY = 3.0, 5.0
"""Seconds between two scans, at least; see polling.MOST_OF_THE_TIME."""

RECOUNT_AFTER = 60.0
"""Seconds after which what was counted is counted again although nothing was stored: others may write too."""


CLOSE_WITHIN = 0.5
"""Seconds that whoever leaves waits for connections to be closed."""


class SupervisorFeed:
    """Follows the supervisor's snapshots in a thread; where none runs, looks for one twice a second."""

    def __init__(self, settings: LiveSettings, heard: Callable[[list[Happening]], None]) -> None:
        """`heard`: called from the thread with what changed, whenever something did."""
        self._live = settings
        self._heard = heard
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
                self._heard(self._diary.gone(time.time()))
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
                self._heard(changed)


class Scans:
    """Figures that take a scan: asked for again only when something was stored since."""

    def __init__(self, settings: LiveSettings, progress: Callable[[], object]) -> None:
        """`progress`: a value that differs as soon as something was stored; None: not known."""
        self._live = settings
        self._progress = progress
        self._counts = _Scan(count_rows)
        self._analytics = _Scan(read_analytics)

    @property
    def counts(self) -> Figure[StoredCounts] | None:
        return self._counts.figure

    @property
    def analytics(self) -> Figure[Analytics] | None:
        return self._analytics.figure

    def count(self) -> None:
        self._counts.refresh(self._live.current, self._progress())

    def analyse(self) -> None:
        self._analytics.refresh(self._live.current, self._progress())


class _Scan:
    def __init__(self, read: Callable[[Settings], object]) -> None:
        self._read = read
        self._read_at = 0.0
        self._progress: object = None
        self.figure: Figure | None = None  # type: ignore[type-arg]

    def refresh(self, settings: Settings, progress: object) -> None:
        if progress is None:
            raise NotAsked("PostgreSQL does not answer")
        now = time.time()
        if self.figure and progress == self._progress and now - self._read_at < RECOUNT_AFTER:
            self.figure = Figure(self.figure.value, now)
            return
        value = self._read(settings)
        # What was true is true as of the question: what was stored meanwhile may or may not be in it.
        self.figure, self._read_at, self._progress = Figure(value, now), now, progress


class Watcher:
    """All sources, and the frames made of them. Use as a context manager; frames() from one thread."""

    def __init__(self, load: Callable[[], Settings], *, every: float = EVERY) -> None:
        """Raises SettingsError where the settings cannot be read."""
        self.live = LiveSettings(load)
        self._every = every
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._told: list[Happening] = []
        self._verification: Figure[Verification] | None = None
        self._supervisor = SupervisorFeed(self.live, self._processes_changed)
        gate, wake = self._why_not_ask, self._wake.set
        kafka, postgres = KafkaSource(self.live, gate), PostgresSource(self.live, gate, self._topic_id)
        valkey = ValkeySource(self.live, gate)
        self._kafka = Poller("kafka", kafka, turned=self._kafka_turned, ended=kafka.drop)
        self._postgres = Poller("postgresql", postgres, turned=wake, ended=postgres.drop)
        self._valkey = Poller("valkey", valkey, turned=wake, ended=valkey.drop)
        self._scans = Scans(self.live, self._progress)
        self._counting = Poller("counts", self._scans.count, every=COUNT_EVERY, thrifty=True)
        self._analysing = Poller("analytics", self._scans.analyse, every=ANALYSE_EVERY, thrifty=True)
        self._pollers = (self._kafka, self._postgres, self._valkey, self._counting, self._analysing)
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

    def tell(self, happenings: list[Happening]) -> None:
        """Add to what happened, and have a frame at once. From any thread."""
        with self._lock:
            self._told += happenings
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
                due = max(due + self._every, time.monotonic())
            yield self._frame(tick=tick)
            self._wake.wait(max(0.0, due - time.monotonic()))
            self._wake.clear()

    def _frame(self, *, tick: bool) -> Frame:
        with self._lock:
            told, self._told = self._told, []
        self._builder.tell(told)
        answers = Answers(
            self._supervisor.snapshot,
            self._kafka.heard,
            self._postgres.heard,
            self._valkey.heard,
            self._scans.counts,
            self._scans.analytics,
            self._verification,
        )
        return self._builder.build(answers, tick=tick)

    def _kafka_turned(self) -> None:
        self._postgres.ask_now()  # which incarnation of the topic to ask for is known only now
        self._wake.set()

    def _processes_changed(self, happenings: list[Happening]) -> None:
        self.tell(happenings)
        self.ask_now()

    def _why_not_ask(self, name: str) -> str:
        self._supervisor.asked.wait(1.0)
        return why_not_ask(self._supervisor.snapshot, name)

    def _topic_id(self) -> str | None:
        kafka = self._kafka.heard.value
        return kafka.topic_id if kafka else None

    def _progress(self) -> object:
        heard = self._postgres.heard
        if heard.value is None or heard.error or heard.not_asked:
            return None
        return (heard.value.topic_id, tuple(offset.next_offset for offset in heard.value.offsets.values()))


def watch(load: Callable[[], Settings], *, every: float = EVERY) -> Iterator[Frame]:
    """A frame every so many seconds, for ever."""
    with Watcher(load, every=every) as watcher:
        yield from watcher.frames()
