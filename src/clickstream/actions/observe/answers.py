"""The latest answer of each source: what a Frame is built from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from clickstream.actions.observe.poll import PollResult
from clickstream.actions.observe.sources import KafkaAnswer, OpenSearchAnswer, PostgresAnswer, ValkeyAnswer
from clickstream.domain.obstacles import Surroundings
from clickstream.domain.processes import Snapshot

if TYPE_CHECKING:
    from clickstream.actions.analytics import Analytics
    from clickstream.actions.observe.model import Figure, StoredCounts
    from clickstream.services.postgres.analytics import TopItem
    from clickstream.services.postgres.verify import Verification

SILENT_AFTER = 3.0
"""Seconds without an answer after which a server counts as down."""


class Answers(msgspec.Struct, frozen=True):
    """What every source last said."""

    snapshot: Snapshot | None
    kafka: PollResult[KafkaAnswer]
    postgres: PollResult[PostgresAnswer]
    valkey: PollResult[ValkeyAnswer]
    opensearch: PollResult[OpenSearchAnswer] = msgspec.field(default_factory=PollResult)
    surroundings: PollResult[Surroundings | None] = msgspec.field(default_factory=PollResult)
    counts: Figure[StoredCounts] | None = None
    analytics: Figure[Analytics] | None = None
    top_items: Figure[tuple[TopItem, ...]] | None = None
    verification: Figure[Verification] | None = None
    snapshot_at: float | None = None
    """Unix seconds at which the supervisor gave `snapshot`; None: just now."""
    silent_after: float = SILENT_AFTER
    """Seconds without an answer after which a server counts as down."""
    waited_out: bool = False
    """It was waited for each answer for as long as it will be: a server that has not answered counts as down."""
