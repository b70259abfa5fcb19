"""Numpy arrays as query parameters, and the session settings under which such queries go through the primary key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import pq
from psycopg.adapt import Buffer, Dumper

from clickstream.services.postgres import copy
from clickstream.services.postgres.connection import Connection

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array

INDEXES_ONLY: Final = """
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off;
    SET plan_cache_mode = force_generic_plan
"""
"""Lookups and deletes go key by key through the primary key. On a young table the planner has no statistics yet and
would read all of it for each batch."""


@dataclass(frozen=True, slots=True)
class BigintArray:
    """A bigint[] parameter."""

    values: Int64Array


@dataclass(frozen=True, slots=True)
class TimestampArray:
    """A timestamptz[] parameter, from Unix milliseconds."""

    time_ms: Int64Array


class _BigintArrayDumper(Dumper):
    format = pq.Format.BINARY
    oid = 1016

    def dump(self, obj: Any) -> Buffer | None:
        return copy.array_parameter(obj.values, copy.INT8_OID)


class _TimestampArrayDumper(Dumper):
    format = pq.Format.BINARY
    oid = 1185

    def dump(self, obj: Any) -> Buffer | None:
        return copy.array_parameter(copy.microseconds_2000(obj.time_ms), copy.TIMESTAMPTZ_OID)


def register(connection: Connection) -> None:
    """Make the connection understand the parameters of this module."""
    connection.adapters.register_dumper(BigintArray, _BigintArrayDumper)
    connection.adapters.register_dumper(TimestampArray, _TimestampArrayDumper)
