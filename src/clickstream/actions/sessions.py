"""One visitor's sessions and events."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.actions.servers import postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import UsageError
from clickstream.domain.events import MAX_ID
from clickstream.services.postgres.inspect import StoredEvent, StoredSession, sessions_of


@dataclass(frozen=True, slots=True)
class Visitor:
    """What is stored of one visitor, oldest first; empty for a visitor that never came."""

    visitor_id: int
    sessions: list[StoredSession]
    events: list[StoredEvent]


def show(settings: Settings, visitor_id: int) -> Visitor:
    """Raises UsageError for an id that cannot be, ClickstreamError when PostgreSQL cannot be asked."""
    if not 0 <= visitor_id <= MAX_ID:
        raise UsageError(f"{visitor_id} is not a visitor id", hint=f"give a whole number from 0 to {MAX_ID}")
    sessions, events = sessions_of(postgres_of(settings), visitor_id)
    return Visitor(visitor_id, sessions, events)
