"""Promises 1 to 3 as a check: sessions recomputed in SQL from `events`, against what is stored. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.connection import connect, translated
from clickstream.services.postgres.migrate import refuse_half_reset, session_timeout
from clickstream.services.postgres.statements import statement

_SKIPPED = b"SELECT coalesce(sum(greatest(to_offset - from_offset, 0)), 0)::bigint FROM offset_gaps"


@dataclass(frozen=True, slots=True)
class Verification:
    """What the recomputation found, in rows."""

    events: int
    sessions_stored: int
    sessions_expected: int
    missing: int
    """Sessions (by visitor and start) that should be stored and are not."""
    unexpected: int
    """Sessions that are stored and should not be."""
    different: int
    """Sessions whose other columns are wrong."""
    duplicate_events: int
    """Event identities that more than one row bears."""
    skipped_messages: int = 0
    """Messages that were never read, by the gaps that somebody accepted: no fault of the sessions."""
    different_days: int = 0
    """Days whose figures, which the consumers' transactions add up for `status` and `analytics`, are not those of the
    stored sessions. No fault of the sessions either: somebody else wrote into the tables."""

    @property
    def ok(self) -> bool:
        return not (self.missing or self.unexpected or self.different or self.duplicate_events)


def verify(settings: PostgresSettings) -> Verification:
    """Recompute and compare, in one snapshot of the data, so that the answer is right while consumers write.

    Some seconds for millions of events. Raises ServiceRefused where there are no tables yet, or half reset ones.
    """
    with connect(settings, application_name="clickstream verify") as connection, translated():
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            # Both sides of the join come in the primary key's order: merging them takes no memory and no sorting.
            connection.execute("SET LOCAL enable_hashjoin = off")
            connection.execute("SET LOCAL jit = off")
            connection.execute("SET LOCAL work_mem = '64MB'")
            refuse_half_reset(connection)
            timeout_ms = session_timeout(connection)
            figures = _one_row(connection, statement("verify"), {"timeout_ms": timeout_ms})
            doubled = _one_row(connection, statement("duplicates"))
            skipped = _one_row(connection, _SKIPPED)
            connection.execute("SET LOCAL enable_hashjoin = on")
            days = _one_row(connection, statement("verify_days"))
    return Verification(*figures, *doubled, *skipped, *days)


def _one_row(connection: psycopg.Connection[Any], query: bytes, parameters: dict[str, int] | None = None) -> TupleRow:
    row: TupleRow | None = connection.execute(query, parameters).fetchone()
    assert row is not None, "an aggregate without GROUP BY gives one row"  # noqa: S101
    return row
