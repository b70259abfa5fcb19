"""Moves the offsets at which partitions go on, by hand: backward to read again, forward to skip. Stores no event.

This is safe while consumers run: what they prepared before becomes invalid, and they read their offsets again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

import psycopg

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import ClickstreamError
from clickstream.services.postgres import partition_map
from clickstream.services.postgres.connection import Connection, connect, translated

PATIENCE_SECONDS: Final = 30
"""How long a consumer that is in the middle of a commit is waited for."""


class OffsetMover:
    """The offsets of one topic's partitions, held fast until the transaction ends."""

    def __init__(self, connection: Connection, topic: str, topic_id: str) -> None:
        self._connection = connection
        self._topic, self._topic_id = topic, topic_id
        rows = connection.execute(
            "SELECT partition, next_offset FROM consumer_offsets WHERE topic = %s AND topic_id = %s"
            " ORDER BY partition FOR UPDATE",
            [topic, topic_id],
        ).fetchall()
        self.positions: dict[int, int] = dict(cast("list[tuple[int, int]]", rows))
        """Partition to the offset at which it goes on; a partition that was never opened is missing."""

    def move(self, partition: int, *, old: int, new: int) -> None:
        """Have the partition go on at `new`: what is skipped becomes a gap, and gaps that will be read are none."""
        key = [self._topic, self._topic_id, partition]
        # The revision changes, so no window that was saved before is taken for this offset's.
        self._connection.execute(
            "INSERT INTO consumer_offsets (topic, topic_id, partition, next_offset, updated_at)"
            " VALUES (%s, %s, %s, %s, clock_timestamp())"
            " ON CONFLICT (topic, topic_id, partition) DO UPDATE"
            " SET next_offset = excluded.next_offset, updated_at = excluded.updated_at",
            [*key, new],
        )
        if new > old:
            self._connection.execute(
                "INSERT INTO offset_gaps (topic, topic_id, partition, from_offset, to_offset)"
                " VALUES (%s, %s, %s, %s, %s)",
                [*key, old, new],
            )
            return
        self._connection.execute(
            "DELETE FROM offset_gaps WHERE topic = %s AND topic_id = %s AND partition = %s"
            " AND from_offset >= %s AND to_offset > from_offset",
            [*key, new],
        )
        self._connection.execute(
            "UPDATE offset_gaps SET to_offset = %s WHERE topic = %s AND topic_id = %s AND partition = %s"
            " AND from_offset < %s AND to_offset > %s",
            [new, *key, new, new],
        )

    def invalidate_prepared(self) -> None:
        """Invalidate all batches prepared before, even one that begins where its partition goes on now."""
        self._connection.execute("UPDATE visitor_homes SET epoch = epoch + 1")


@contextmanager
def moving(settings: PostgresSettings, *, topic: str, topic_id: str) -> Iterator[OffsetMover]:
    """Hold the offsets of the topic's partitions: no consumer commits until the block ends, and all moves or nothing.

    Raises:
        ClickstreamError: a consumer holds its offset for too long.
        ServiceRefused: there are no tables yet.
        ServiceUnavailable: PostgreSQL went away; nothing moved, unless it went away during the very commit.
    """
    with connect(settings, application_name="clickstream rewind", writes=True) as connection, translated():
        connection.execute(f"SET lock_timeout = '{PATIENCE_SECONDS}s'".encode())
        with connection.transaction():
            try:
                partition_map.lock(connection, alone=True)  # before any row, in the order that commits take them
                held = OffsetMover(connection, topic, topic_id)
            except psycopg.errors.LockNotAvailable as error:
                raise ClickstreamError(
                    f"a consumer has held its offset for {PATIENCE_SECONDS} s",
                    hint="`clickstream status` shows who hangs; `clickstream worker kill NAME` ends it",
                ) from error
            yield held
