"""Stored sessions: one visitor's with their events, and lists of the newest, the longest, the open, the converted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from clickstream.actions.servers import postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import UsageError
from clickstream.domain.events import MAX_ID
from clickstream.services.postgres import session_lists
from clickstream.services.postgres.inspect import ListedSession, StoredEvent, StoredSession, sessions_of
from clickstream.services.postgres.session_lists import SessionKind

__all__ = ["ListedSession", "SessionKind", "SessionList", "Visitor", "document", "list_sessions", "show"]

MOST_LISTED: Final = 100_000
"""Sessions of one list: more is an export, not a list."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """What is stored of one visitor, oldest first; empty for a visitor that never came."""

    visitor_id: int
    sessions: list[StoredSession]
    events: list[StoredEvent]


@dataclass(frozen=True, slots=True)
class SessionList:
    """Some sessions of one kind."""

    kind: SessionKind
    limit: int
    sessions: tuple[ListedSession, ...]
    """The longest first; of any other kind the one that began last."""

    @property
    def cut(self) -> bool:
        """Whether there may be more than these."""
        return len(self.sessions) == self.limit


def show(settings: Settings, visitor_id: int) -> Visitor:
    """Raises UsageError for an id that cannot be, ClickstreamError when PostgreSQL cannot be asked."""
    if not 0 <= visitor_id <= MAX_ID:
        raise UsageError(f"{visitor_id} is not a visitor id", hint=f"give a whole number from 0 to {MAX_ID}")
    sessions, events = sessions_of(postgres_of(settings), visitor_id)
    return Visitor(visitor_id, sessions, events)


def list_sessions(settings: Settings, kind: SessionKind = SessionKind.NEWEST, limit: int = 20) -> SessionList:
    """The first `limit` sessions of that kind.

    The longest take a pass over all sessions (a second or so for each ten millions, and 20 s at most), the others read
    the newest days only. Open are those that an event as new as the newest stored one could still extend: by what
    PostgreSQL holds, so that the list is right without consumers and without Valkey, too.

    Raises UsageError for a limit that cannot be, ClickstreamError when PostgreSQL cannot be asked.
    """
    if not 0 < limit <= MOST_LISTED:
        raise UsageError(f"{limit} sessions cannot be listed", hint=f"give a whole number from 1 to {MOST_LISTED:,}")
    return SessionList(kind, limit, tuple(session_lists.list_sessions(postgres_of(settings), kind, limit)))


def document(found: SessionList) -> dict[str, Any]:
    """`{"kind", "limit", "sessions": [ListedSession's fields]}`, for a JSON document."""
    return {"kind": found.kind, "limit": found.limit, "sessions": found.sessions}
