"""Searches the index of events."""

from __future__ import annotations

from typing import Any

from clickstream.actions.servers import opensearch_of
from clickstream.config.settings import OpenSearchSettings, Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.times import moment
from clickstream.services.opensearch.search import EVERYTHING, Document, SearchResult, TimeSlot
from clickstream.services.opensearch.search import search as ask


class OpenSearchDisabled(ClickstreamError):
    """OpenSearch is optional, and off here."""

    def __init__(self, settings: Settings) -> None:
        hint = "set OPENSEARCH_ENABLED=true, and OPENSEARCH_HOST to your server"
        if settings.embedded:
            hint = "`clickstream stack up --opensearch` starts one; or, with a server of yours, " + hint
        super().__init__("OpenSearch is not enabled", hint=hint)


def enabled_opensearch(settings: Settings) -> OpenSearchSettings:
    """Raises NotEnabled; ClickstreamError where it is to be the embedded stack's, which has none yet."""
    if not settings.opensearch.enabled:
        raise OpenSearchDisabled(settings)
    return opensearch_of(settings)


def search(settings: Settings, query: str = EVERYTHING, *, slots: int = 24, newest: int = 5) -> SearchResult:
    """What the query finds, in at most `slots` spans of time, with the `newest` documents; empty: everything.

    Raises:
        UsageError: the query is none that OpenSearch understands.
        ClickstreamError: it is not enabled, does not answer, or has no index yet.
    """
    return ask(enabled_opensearch(settings), query.strip() or EVERYTHING, slots=slots, newest=newest)


def document(found: SearchResult) -> dict[str, Any]:
    """As plain data, times in ISO 8601."""
    return {
        "query": found.query,
        "index": found.index,
        "hits": found.hits,
        "took_ms": found.took_ms,
        "first": None if found.first is None else moment(found.first),
        "last": None if found.last is None else moment(found.last),
        "events_over_time": {"interval": found.interval, "slots": [_slot(one) for one in found.over_time]},
        "event_types": [{"event": one.event, "events": one.events} for one in found.kinds],
        "conversion_funnel": [{"event": one.event, "visitors": one.visitors} for one in found.kinds],
        "top_viewed_items": [{"item_id": one.item_id, "views": one.events} for one in found.top_viewed],
        "top_purchased_items": [{"item_id": one.item_id, "purchases": one.events} for one in found.top_purchased],
        "newest": [_document(one) for one in found.newest],
    }


def _slot(one: TimeSlot) -> dict[str, Any]:
    return {"at": moment(one.at), "events": one.events, "purchases": one.purchases}


def _document(one: Document) -> dict[str, Any]:
    return {
        "event_time": moment(one.event_time),
        "visitor_id": one.visitor_id,
        "event": one.event,
        "item_id": one.item_id,
        "transaction_id": one.transaction_id,
    }
