"""Figures that may need a table scan: when each is read, and how old it is. Reads through sources.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from clickstream.actions.observe.model import Figure, StoredCounts
from clickstream.actions.observe.poll import MOST_OF_THE_TIME, Poller, Skipped
from clickstream.actions.observe.sources import LiveSettings, count_rows, read_funnels, read_top_items, recount_rejects
from clickstream.config.settings import Settings

if TYPE_CHECKING:
    from clickstream.actions.analytics import Analytics
    from clickstream.services.postgres.analytics import TopItem

T = TypeVar("T")

COUNT_EVERY, FUNNELS_EVERY, ITEMS_EVERY = 1.0, 2.0, 15.0
"""Seconds between two questions of a kind, at least."""

COUNT_SHARE, FUNNELS_SHARE, ITEMS_SHARE = 3 * MOST_OF_THE_TIME, 2 * MOST_OF_THE_TIME, MOST_OF_THE_TIME
"""Of the time that each may take, at most: what is looked at most is asked for most often. Rows and funnels take a scan
of a small table, or the few rows kept beside a large one; the items take a pass over `events`, by one process of the
server. All come as much less often while the pipeline takes all cores, for then they take longer."""

RECOUNT_AFTER = 300.0
"""Seconds after which what was counted is counted again although nothing was stored: others may write too."""


class Scans:
    """Figures that may take a scan: asked for again only when something was stored since."""

    def __init__(self, settings: LiveSettings, progress: Callable[[], object]) -> None:
        """`progress`: a value that differs as soon as something was stored; None: not known."""
        self._live = settings
        self._counts = _Scan(progress, count_rows)
        self._funnels = _Scan(progress, read_funnels)
        self._items = _Scan(progress, read_top_items)
        self._counted: Figure[StoredCounts] | None = None

    def pollers(self) -> tuple[Poller[None], ...]:
        """Those that ask for these figures; the caller starts them."""
        return (
            Poller("counts", self.count, every=COUNT_EVERY, share=COUNT_SHARE),
            Poller("funnels", self.read_funnels, every=FUNNELS_EVERY, share=FUNNELS_SHARE),
            Poller("items", self.read_items, every=ITEMS_EVERY, share=ITEMS_SHARE),
        )

    @property
    def counts(self) -> Figure[StoredCounts] | None:
        return self._counted

    @property
    def analytics(self) -> Figure[Analytics] | None:
        """The funnels with their time, and the last items that were read."""
        funnels, items = self._funnels.figure, self._items.figure
        if funnels is None or items is None:
            return funnels
        return Figure(replace(funnels.value, top_items=items.value), funnels.at)

    @property
    def top_items(self) -> Figure[tuple[TopItem, ...]] | None:
        return self._items.figure

    def count(self) -> None:
        """Rows where something was stored since; rejects in any case, for replaying and discarding stores nothing."""
        began = time.time()
        if self._counts.refresh(self._live.current):
            self._counted = self._counts.figure
        elif self._counted is not None:
            self._counted = Figure(recount_rejects(self._live.current, self._counted.value), began)

    def read_funnels(self) -> None:
        self._funnels.refresh(self._live.current)

    def read_items(self) -> None:
        self._items.refresh(self._live.current)


class _Scan(Generic[T]):
    def __init__(self, progress: Callable[[], object], read: Callable[[Settings], T]) -> None:
        self._progress_now = progress
        self._read = read
        self._progress: object = None
        self._found: Figure[T] | None = None
        self._true_at = 0.0
        """When that was last known to be true still."""

    @property
    def figure(self) -> Figure[T] | None:
        """What was read last. It is as true now as it was then while nothing was stored since, as far as is known."""
        found, now = self._found, time.time()
        if found is None:
            return None
        if self._still_true(now):
            self._true_at = now
        return Figure(found.value, max(found.at, self._true_at))

    def refresh(self, settings: Settings) -> bool:
        """Read it, unless it is still true; whether it was read. Raises Skipped, or as `read` does."""
        progress, now = self._progress_now(), time.time()
        if progress is None:
            raise Skipped("PostgreSQL does not answer")
        if self._still_true(now):
            return False
        value = self._read(settings)
        # What was true is true as of the question: what was stored meanwhile may or may not be in it.
        self._found, self._progress = Figure(value, now), progress
        return True

    def _still_true(self, now: float) -> bool:
        if self._found is None or self._progress != self._progress_now():
            return False
        return now - self._found.at < RECOUNT_AFTER
