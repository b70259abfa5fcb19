"""The watcher without servers: when frames are made, and when figures that take a scan are asked for again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from clickstream.actions.analytics import Analytics, Funnel
from clickstream.actions.observe import scans as scanning
from clickstream.actions.observe import watcher as watching
from clickstream.actions.observe.model import ASKING, DOWN, SERVICES, UP, Frame, ServiceRow, StoredCounts
from clickstream.actions.observe.poll import PollResult, Skipped
from clickstream.actions.observe.scans import Scans
from clickstream.actions.observe.sources import PostgresAnswer
from clickstream.actions.observe.watcher import AFTER_THE_BEAT, Watcher, next_frame
from clickstream.config.settings import load_settings
from clickstream.services.postgres.analytics import TopItem
from clickstream.services.postgres.inspect import StoredOffset

FUNNEL = Funnel(10, 2, 1, 1, 10.0, 50.0, 1.0)
ITEMS = (TopItem(7, 5, 2, 1),)


class Database:
    """What is stored, and how often it was scanned."""

    def __init__(self) -> None:
        self.counts = StoredCounts(100, 10, 3)
        self.progress: object = 1
        self.scans: list[str] = []

    def count_rows(self, _: object) -> StoredCounts:
        self.scans.append("rows")
        return self.counts

    def recount_rejects(self, _: object, before: StoredCounts) -> StoredCounts:
        return StoredCounts(before.events, before.sessions, self.counts.rejected, self.counts.replayed)

    def read_funnels(self, _: object) -> Analytics:
        self.scans.append("funnels")
        return Analytics(FUNNEL, FUNNEL, FUNNEL, ())

    def read_top_items(self, _: object) -> tuple[TopItem, ...]:
        self.scans.append("items")
        return ITEMS


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    database = Database()
    for name in ("count_rows", "recount_rejects", "read_funnels", "read_top_items"):
        monkeypatch.setattr(scanning, name, getattr(database, name))
    return database


@pytest.fixture
def scans(database: Database) -> Scans:
    settings: Any = SimpleNamespace(current=None)
    return Scans(settings, lambda: database.progress)


def test_rows_are_counted_when_something_was_stored(scans: Scans, database: Database) -> None:
    for progress in (1, 1, 2, 2):
        database.progress = progress
        scans.count()
    assert database.scans == ["rows", "rows"]


def test_rejects_that_are_replayed_leave_the_count_although_nothing_is_stored(scans: Scans, database: Database) -> None:
    scans.count()
    database.counts = StoredCounts(100, 10, 1, 2)
    scans.count()
    assert database.scans == ["rows"]
    assert scans.counts
    assert (scans.counts.value.rejected, scans.counts.value.replayed) == (1, 2)


def test_funnels_do_not_wait_for_the_items_which_have_their_own_time(scans: Scans, database: Database) -> None:
    scans.read_funnels()
    assert scans.analytics
    assert (scans.analytics.value.all_time, scans.analytics.value.top_items) == (FUNNEL, ())
    assert scans.top_items is None
    scans.read_items()
    assert scans.top_items
    assert scans.analytics.value.top_items == scans.top_items.value == ITEMS


def test_a_figure_is_of_now_while_nothing_was_stored_since(
    scans: Scans, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(scanning, "time", SimpleNamespace(time=lambda: now[0]))
    scans.read_funnels()
    scans.read_items()
    now[0] += 30
    assert scans.analytics
    assert scans.top_items
    assert (scans.analytics.at, scans.top_items.at) == (1_030, 1_030)
    database.progress = 2
    now[0] += 5  # true of the time until when nothing had been stored, as far as is known
    assert (scans.analytics.at, scans.top_items.at) == (1_030, 1_030)


def test_no_server_is_asked_while_postgresql_is_away(scans: Scans, database: Database) -> None:
    database.progress = None
    for ask in (scans.count, scans.read_funnels, scans.read_items):
        with pytest.raises(Skipped):
            ask()
    assert database.scans == []


def test_while_postgresql_hangs_nothing_is_known_of_what_it_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = PostgresAnswer(0.4, "18.6", {"one": {0: StoredOffset(7, 0.5)}})
    watcher = Watcher(load_settings)
    known = {("one", 0): 7}
    for asked_at, progress in ((None, known), (99.0, known), (95.0, None)):
        monkeypatch.setattr(watching, "time", SimpleNamespace(time=lambda: 100.0))
        watcher._postgres._result = PollResult(answer, 94.0, asked_at=asked_at)
        assert watcher._progress() == progress


def test_after_an_outage_what_is_counted_is_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher(load_settings)
    asked: list[int] = []
    told: list[str] = []
    for poller in watcher._counting:
        monkeypatch.setattr(poller, "ask_now", lambda: asked.append(1))
    for state in (ASKING, UP, UP, DOWN, DOWN, UP, UP):
        services = tuple(ServiceRow(name, state if name == "postgresql" else UP) for name in SERVICES)
        watcher._count_after_an_outage(Frame(at=1.0, services=services))
        assert len(asked) == (3 if state is UP and DOWN in told else 0)
        told.append(state)


@pytest.mark.parametrize("now", [100.0, 100.1, 100.2, 100.5, 100.69, 100.71, 100.99])
def test_frames_come_just_after_the_beat_and_not_twice_in_a_row(now: float) -> None:
    due = next_frame(now, 1.0)
    assert due % 1 == pytest.approx(AFTER_THE_BEAT)
    assert 0.5 <= due - now <= 1.5
