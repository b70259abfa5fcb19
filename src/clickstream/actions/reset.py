"""Empties topic, tables, cache, search index and rejected lines: all of them or none.

Workers must have stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clickstream.actions.processes.workers import refuse_while_working
from clickstream.actions.servers import kafka_of, opensearch_of, postgres_of, valkey_of
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, ValkeySettings
from clickstream.domain.errors import ClickstreamError, ServiceRefused
from clickstream.pipeline.events.csvfile.rejects import remove_files
from clickstream.services.kafka.admin import check_replaceable, create_topic, delete_topic
from clickstream.services.postgres import reset as tables
from clickstream.services.postgres.migrate import migrate
from clickstream.services.valkey.keys import clear
from clickstream.services.valkey.server import server_info

if TYPE_CHECKING:
    from clickstream.services.opensearch.index import EventsIndex

_CLEAR_WITHIN: Final = 2.0
"""Seconds that the cache has for each key: a reset that is half-way does not wait for it."""


@dataclass(frozen=True, slots=True)
class ResetResult:
    """What a reset did."""

    topic: str
    topic_existed: bool
    tables_existed: bool
    valkey_keys: int
    """Keys deleted."""
    index: str = ""
    """The search index; empty where OpenSearch is not enabled."""
    valkey_error: str = ""
    """Why keys were left in Valkey. They do no harm: each belongs to the topic that was deleted."""
    valkey_at: str = ""
    """Host and port of that Valkey."""
    index_error: str = ""
    """Why the index, which was deleted, could not be made again."""
    rejected_lines: int = 0
    """Lines of CSV files that had been rejected in this home: removed."""

    def summary(self) -> str:
        words = f"emptied: topic {self.topic}, the tables, {self.valkey_keys:,} keys in Valkey"
        if self.rejected_lines:
            words += f", {self.rejected_lines:,} rejected line{'' if self.rejected_lines == 1 else 's'}"
        if self.index:
            words += f", index {self.index}"
        if self.index_error:
            words += f", which indexers will make again: {self.index_error}"
        if self.valkey_error:
            words += f"; other keys were left in Valkey on {self.valkey_at}, where they do no harm: {self.valkey_error}"
        return words


def reset(settings: Settings) -> ResetResult:
    """Recreate the topic, truncate the tables, delete our keys from Valkey and the CSV lines rejected in this home;
    where enabled, recreate the index.

    All servers and rights are looked at first, so that what can be refused is refused while nothing has changed.
    A reset that is cut short after that leaves a mark in the schema: nothing starts on it; another reset completes it.

    Raises:
        ClickstreamError: workers are running; a server does not answer or refuses.
    """
    kafka, postgres, valkey = kafka_of(settings), postgres_of(settings), valkey_of(settings)
    with _index_of(settings) as index:
        server_info(valkey)
        tables.check(postgres)
        check_replaceable(kafka)
        if index:
            index.check_replaceable()
        refuse_while_working(settings)
        mark_is_new = tables.begin(postgres)
        try:
            existed = delete_topic(kafka, kafka.events_topic)
        except ServiceRefused:
            if mark_is_new:
                tables.cancel(postgres)  # nothing has changed
            raise
        except ClickstreamError as error:
            raise _half_way(error) from error
        try:
            create_topic(kafka)
            keys, valkey_error = _clear(valkey)
            index_error = index.replace() if index else ""
            lines = _remove_lines(settings.home)
            there = tables.finish(postgres)
        except ClickstreamError as error:
            raise _half_way(error) from error
    migrate(postgres, session_timeout_ms=settings.pipeline.session_timeout_ms)
    index_name = settings.opensearch.events_index if index else ""
    at = f"{valkey.host}:{valkey.port}"
    return ResetResult(kafka.events_topic, existed, there, keys, index_name, valkey_error, at, index_error, lines)


def _remove_lines(home: Home) -> int:
    try:
        return remove_files(home.rejects) if home.rejects.is_dir() else 0
    except OSError as error:
        raise ClickstreamError(f"{error.filename or home.rejects} cannot be removed: {error.strerror}") from error


def _clear(valkey: ValkeySettings) -> tuple[int, str]:
    """How many keys were deleted, and why others were not: a cache that cannot be emptied stops nothing."""
    try:
        return clear(valkey, patience=_CLEAR_WITHIN), ""
    except ClickstreamError as error:
        return 0, str(error.args[0])


@contextmanager
def _index_of(settings: Settings) -> Iterator[EventsIndex | None]:
    """None where OpenSearch is not enabled."""
    if not settings.opensearch.enabled:
        yield None
        return
    from clickstream.services.opensearch.index import EventsIndex  # noqa: PLC0415 (it loads a driver)

    index = EventsIndex(opensearch_of(settings))
    try:
        yield index
    finally:
        index.close()


def _half_way(error: ClickstreamError) -> ClickstreamError:
    return ClickstreamError(
        f"the reset was cut short: {error.args[0]}",
        hint="fix that and run it again: until then no consumer starts here",
    )
