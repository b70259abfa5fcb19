"""Promises 1 to 3 as a check: sessions recomputed in SQL from `events`, against what is stored. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from clickstream.config.settings import PostgresSettings
from clickstream.services.postgres.connection import connect, translated
from clickstream.services.postgres.migrate import refuse_half_reset, session_timeout
from clickstream.services.postgres.statements import statement


class DifferenceKind(StrEnum):
    """What is stored otherwise than it should be."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    DIFFERENT = "different"
    DUPLICATE = "duplicate event"
    DAY = "different day"


MISSING, UNEXPECTED, DIFFERENT, DUPLICATE, DAY = DifferenceKind

MOST_EXAMPLES = 5
"""Of each kind."""

RANGES = 20
"""Parts, by visitor, that the comparison is done in: it can say how far it is."""

LEAST, MOST = -(2**63), 2**63 - 1

_SKIPPED = b"SELECT coalesce(sum(greatest(to_offset - from_offset, 0)), 0)::bigint FROM offset_gaps"

# Of a sample: no exact borders are needed, and a small table, of which there may be none, needs one range only.
_BORDERS = b"SELECT percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY visitor_id) FROM events TABLESAMPLE SYSTEM (1)"

Progress = Callable[[float], None]
"""Told the share (0 to 1) that is done."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is stored otherwise than it should be."""

    kind: DifferenceKind
    stored: Mapping[str, Any] | None
    """By column, of the table that it is about; None: no such row. A duplicate's has `rows`, how many bear it."""
    expected: Mapping[str, Any] | None
    """The same, as it should be; None: there should be no such row, or, of a duplicate, no second one."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that differ, where both sides have a row."""
        stored, expected = self.stored or {}, self.expected or {}
        return tuple(name for name in stored if name in expected and stored[name] != expected[name])


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
    examples: tuple[Difference, ...] = ()
    """Some of each kind."""

    @property
    def ok(self) -> bool:
        return not (self.missing or self.unexpected or self.different or self.duplicate_events)


def verify(settings: PostgresSettings, *, progress: Progress = lambda share: None) -> Verification:
    """Recompute and compare, in one snapshot of the data, so that the answer is right while consumers write.

    Some seconds for millions of events. Raises ServiceRefused where there are no tables yet, or half reset ones.
    """
    with connect(settings, application_name="clickstream verify") as connection, translated():
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            # Everything comes in the primary key's order: merging takes no memory and no sorting.
            connection.execute("SET LOCAL enable_hashjoin = off")
            connection.execute("SET LOCAL enable_bitmapscan = off")
            connection.execute("SET LOCAL enable_seqscan = off")
            connection.execute("SET LOCAL jit = off")
            connection.execute("SET LOCAL work_mem = '64MB'")
            refuse_half_reset(connection)
            timeout_ms = session_timeout(connection)
            figures: Counter[str] = Counter()
            examples: list[Difference] = []
            ranges = list(_ranges(connection))
            for number, (least, most) in enumerate(ranges):
                progress(number / (len(ranges) + 1))
                given = {"timeout_ms": timeout_ms, "least": least, "most": most, "most_examples": MOST_EXAMPLES}
                _compare(connection, given, figures, examples)
            progress(len(ranges) / (len(ranges) + 1))
            skipped = _one_row(connection, _SKIPPED)[0]
            connection.execute("SET LOCAL enable_hashjoin = on")
            connection.execute("SET LOCAL enable_seqscan = on")
            days, differing = _one_row(connection, statement("verify_days"), {"most_examples": MOST_EXAMPLES})
            examples += [Difference(DAY, one["stored"], one["expected"]) for one in differing]
    return Verification(
        **figures, skipped_messages=skipped, different_days=days, examples=tuple(_some_of_each(examples))
    )


def _ranges(connection: psycopg.Connection[Any]) -> Iterator[tuple[int, int]]:
    """Of visitors, the ends included; of about as many events each."""
    shares = [number / RANGES for number in range(1, RANGES)]
    borders = _one_row(connection, _BORDERS, (shares,))[0] or []
    least = LEAST
    for border in sorted(set(borders)):
        yield least, border
        least = border + 1
    yield least, MOST


def _compare(
    connection: psycopg.Connection[Any], given: dict[str, int], figures: Counter[str], examples: list[Difference]
) -> None:
    """Add up one range of visitors, and some of its differences."""
    sessions = statement("compared_sessions")
    names = ("events", "sessions_stored", "sessions_expected", MISSING, UNEXPECTED, DIFFERENT)
    found = dict(zip(names, _one_row(connection, sessions + statement("verify"), given), strict=True))
    doubled, some = _one_row(connection, statement("duplicates"), given)
    figures.update(found | {"duplicate_events": doubled})
    if found[MISSING] or found[UNEXPECTED] or found[DIFFERENT]:
        rows = connection.execute(sessions + statement("verify_examples"), given)
        examples += [Difference(kind, stored, expected) for kind, stored, expected in rows]
    examples += [Difference(DUPLICATE, one, None) for one in some]


def _some_of_each(examples: list[Difference]) -> Iterator[Difference]:
    seen: Counter[str] = Counter()
    for one in examples:
        seen[one.kind] += 1
        if seen[one.kind] <= MOST_EXAMPLES:
            yield one


def _one_row(connection: psycopg.Connection[Any], query: bytes, parameters: Any = None) -> TupleRow:
    row: TupleRow | None = connection.execute(query, parameters).fetchone()
    assert row is not None, "an aggregate without GROUP BY gives one row"  # noqa: S101
    return row
