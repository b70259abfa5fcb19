"""Adds messages that OpenSearch refused to `rejected_events`. Moves no offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clickstream.config.settings import PostgresSettings
from clickstream.domain.events import RejectedMessage
from clickstream.services.postgres.connection import connect, storable, translated
from clickstream.services.postgres.reads import borrow


def record(
    settings: PostgresSettings, topic: str, topic_id: str, refused: Mapping[int, Sequence[RejectedMessage]]
) -> None:
    """Store them, by partition: one row a message, however often it is told.

    Raises:
        ServiceUnavailable, ServiceRefused: PostgreSQL is away; it has no tables yet.
    """
    statement = (
        b'INSERT INTO rejected_events (topic, topic_id, partition, "offset", reason, key, payload)'
        b" VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
    )
    with (
        connect(settings, application_name="clickstream refusals", patience=0, writes=True) as connection,
        translated(),
        connection.transaction(),
    ):
        rows = [
            (topic, topic_id, partition, one.offset, storable(connection, one.reason), one.key, one.payload)
            for partition, messages in refused.items()
            for one in messages
        ]
        connection.cursor().executemany(statement, rows)


def count(settings: PostgresSettings, *, reason_begins: str) -> int:
    """How many rows whose reason begins so are open: neither replayed nor discarded."""
    with borrow(settings) as connection, translated():
        row = connection.execute(
            "SELECT count(*) FROM rejected_events WHERE replayed_at IS NULL AND starts_with(reason, %s)",
            [reason_begins],
        ).fetchone()
    return int(str(row[0])) if row else 0
