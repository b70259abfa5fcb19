"""Prepares OpenSearch: the index template, the index, and the visualizations in OpenSearch Dashboards.

It can be repeated at any time: existing objects stay or are replaced by the same, and the dashboards get the time
range of the present events.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from clickstream.actions.opensearch.search import enabled_opensearch
from clickstream.config.settings import OpenSearchSettings, Settings
from clickstream.domain.times import moment
from clickstream.services.opensearch import saved_objects
from clickstream.services.opensearch.compare import IndexReader
from clickstream.services.opensearch.index import EventsIndex
from clickstream.services.opensearch.saved_objects import SavedObject
from clickstream.services.opensearch.search import time_range
from clickstream.services.opensearch.server import server_info

Note = Callable[[str], object]
"""Is told of each step that is done, in words."""

NO_DASHBOARDS = (
    "no OpenSearch Dashboards to import into: OPENSEARCH_DASHBOARDS_URL is not set; "
    "`clickstream opensearch search` shows the same pictures"
)


@dataclass(frozen=True, slots=True)
class InitResult:
    """What is there now."""

    version: str
    index: str
    documents: int
    index_made: bool
    template_made: bool
    span: tuple[int, int] | None
    """Unix ms of the earliest and the latest event; None: there is none yet."""
    imported: tuple[SavedObject, ...]
    """Empty: there is no Dashboards."""
    pages: tuple[str, ...]
    """Where a browser finds the dashboards."""


def init(settings: Settings, note: Note) -> InitResult:
    """Make what is missing.

    Raises:
        UsageError: OPENSEARCH_DASHBOARDS_URL is not a web address.
        ClickstreamError: OpenSearch is not enabled, or it or Dashboards does not answer, refuses us or what we want.
    """
    search = enabled_opensearch(settings)
    note("OpenSearch is enabled")
    if search.dashboards_url:
        saved_objects.address(search)  # a wrong address is told before anything is made
    version = server_info(search).version
    note(f"reachable: {search.host}:{search.port}, version {version}")
    with closing(EventsIndex(search)) as index:
        template_made = index.ensure_template()
        index_made = index.identity() is None
        index.ensure()
    with IndexReader(search) as reader:
        documents = reader.refresh()
    note(f"index {search.events_index}: {documents:,} documents" + (", made now" if index_made else ""))
    span = time_range(search)
    imported = _import(search, span, note) if search.dashboards_url else ()
    pages = tuple(saved_objects.page(search, one) for one in imported if one.type == "dashboard")
    return InitResult(
        version, search.events_index, documents, index_made, template_made, span, imported, pages
    )  # fmt: skip


def document(found: InitResult) -> dict[str, Any]:
    """As plain data, times in ISO 8601."""
    span = {"from": moment(found.span[0]), "to": moment(found.span[1])} if found.span else None
    return {
        "enabled": True,
        "version": found.version,
        "index": found.index,
        "documents": found.documents,
        "index_made": found.index_made,
        "template_made": found.template_made,
        "time_range": span,
        "imported": [{"type": one.type, "id": one.id, "title": one.title} for one in found.imported],
        "pages": list(found.pages),
    }


def _import(search: OpenSearchSettings, span: tuple[int, int] | None, note: Note) -> tuple[SavedObject, ...]:
    imported = saved_objects.import_objects(search, saved_objects.saved_objects(search.events_index, span))
    for one in imported:
        note(f"{one.type.replace('-', ' ')} {one.title}")
    return tuple(imported)
