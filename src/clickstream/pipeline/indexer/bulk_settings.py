"""Sets the index up for bulk loading while the indexers are far behind, and restores its own settings afterwards.

Each of several indexers sets them, and the first that catches up or stops restores them; an extra refresh is harmless.
"""

from __future__ import annotations

import logging
from typing import Final

from clickstream.domain.errors import ClickstreamError, ServiceUnavailable
from clickstream.services.opensearch.index import EventsIndex

_logger = logging.getLogger("clickstream.indexer")

FAR_BEHIND: Final = 100_000
"""Messages behind from which on loading is worth two changes of settings."""

CAUGHT_UP: Final = 10_000
"""Messages behind that are the batches under way."""


class BulkSettings:
    """What this indexer has made of the settings. One thread at a time. Never raises: it works without them, too."""

    def __init__(self, index: EventsIndex) -> None:
        self._index = index
        self.open = True
        """The settings may have to be looked at."""
        self._begun = False

    def reopen(self) -> None:
        """Partitions came: this indexer may be far behind now, or their last owner may have died while loading."""
        self.open = True

    def adapt(self, behind: int | None) -> None:
        """Do what is right at so many messages behind; None: not known yet."""
        if not self.open or behind is None:
            return
        try:
            if behind > FAR_BEHIND:
                if not self._begun:
                    self._index.begin_loading()
                    self._begun = True
                    _logger.info("%d messages behind: no refreshes and no replicas until that is caught up", behind)
            elif behind <= CAUGHT_UP:
                self._end()
        except ServiceUnavailable:
            return  # next time
        except ClickstreamError as error:
            _logger.warning("the index keeps its settings: %s", error)
            self.open = False

    def finish(self) -> None:
        """The indexer stops."""
        if not self.open:
            return
        try:
            self._end()
        except ClickstreamError as error:
            _logger.warning("the index keeps the settings of loading until an indexer runs again: %s", error)

    def _end(self) -> None:
        if self._index.end_loading():
            _logger.info("the index has its own settings again")
        self._begun = self.open = False
