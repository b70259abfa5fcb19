"""Rejects: messages that were not events (in PostgreSQL) and bad lines of CSV files (in files of this home).

Finds and shows them; replay.py sends them again and removes them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clickstream.actions.rejects import files as rejects_files
from clickstream.actions.rejects.files import CsvPlace
from clickstream.actions.servers import postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.escapes import escape_bytes, escape_controls
from clickstream.domain.rejects import RejectFilter, RejectSource, ReplayedFilter
from clickstream.services.postgres.rejects import WHOLE, RejectKey, RejectsTable, StoredReject

__all__ = [
    "Listing",
    "Reject",
    "RejectFilter",
    "RejectSource",
    "ReplayedFilter",
    "document",
    "find",
    "find_all",
    "listing",
]

EVERYTHING_OPEN: Final = RejectFilter()

PREVIEW: Final = 200
"""Bytes of a payload that a list shows at most."""

_BATCH: Final = 100
"""Messages that are held in memory at once, whole: a payload may have a megabyte."""

_MESSAGE_ID: Final = re.compile(r"p(\d{1,9})@(\d{1,18})(?:~([\w+/=-]{1,64}))?")

_ENOUGH_OF_A_TOPIC_ID: Final = 8
"""Letters of its 22 that tell apart those that one schema ever saw."""


@dataclass(frozen=True, slots=True)
class Reject:
    """One reject."""

    id: str
    """`p1@12345` for offset 12345 of partition 1, `p1@12345~TOPICID` where that topic is not the one of now,
    `csv:RUN:17` for line 17 of what a producer run could not send."""
    source: RejectSource
    reason: str
    """With controls escaped."""
    where: str
    """The topic, or the rejects file's name."""
    partition: int | None
    position: int
    """The message's offset, or the line's number in its file."""
    at: str
    """When it was rejected: ISO 8601, UTC."""
    key: bytes | None
    """As it came, or its first bytes in a list."""
    payload: bytes | None
    """The same; None: the message had no value."""
    size: int
    """Bytes of the whole payload."""
    replayed_at: str | None
    origin: RejectKey | CsvPlace

    @property
    def text(self) -> str:
        """The payload, with controls escaped."""
        return "" if self.payload is None else escape_bytes(self.payload)


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest rejects, and how many there are."""

    rejects: list[Reject]
    """Newest first."""
    total: int
    problem: str = ""
    """Why PostgreSQL could not be asked; then these are only those from CSV lines."""
    lines: int = 0
    """Of `total`, those that are CSV lines; the others are messages."""


def listing(settings: Settings, chosen: RejectFilter = EVERYTHING_OPEN, *, limit: int = 100) -> Listing:
    """The newest of the rejects that are chosen, with the first PREVIEW bytes of their payloads.

    Raises:
        ClickstreamError: PostgreSQL cannot be asked, and no CSV line can be among those chosen.
    """
    found: list[Reject] = []
    total, problem = 0, ""
    if chosen.messages:
        try:
            with RejectsTable(postgres_of(settings)) as table:
                name = _Names(table, settings)
                stored = table.newest(chosen, limit=limit, first=PREVIEW)
                found, total = [name.reject(row) for row in stored], table.count(chosen)
        except ClickstreamError as error:
            if not chosen.lines:
                raise
            problem = str(error)
    lines = [_from_line(place) for place in rejects_files.places(settings.home, chosen)]
    found = sorted([*found, *lines], key=lambda one: one.at, reverse=True)[:limit]
    return Listing(found, total + len(lines), problem, len(lines))


def find(settings: Settings, id_: str, *, first: int = WHOLE) -> Reject:
    """One reject, with the `first` bytes of its payload.

    Raises:
        UsageError: there is none of that id.
        ClickstreamError: PostgreSQL cannot be asked.
    """
    return find_all(settings, [id_], first=first)[0]


def newest(settings: Settings) -> Reject | None:
    """The newest reject that was not replayed, whole; None where there are none.

    Raises ClickstreamError where PostgreSQL cannot be asked.
    """
    found = listing(settings, limit=1)
    if found.problem:
        raise ClickstreamError(found.problem)
    return find(settings, found.rejects[0].id) if found.rejects else None


def find_all(settings: Settings, ids: Sequence[str], *, first: int = WHOLE) -> list[Reject]:
    """Those of these ids, all or none, each once. Raises as `find` does."""
    unique = list(dict.fromkeys(ids))
    lines = {id_: place for id_ in unique if (place := rejects_files.place(settings.home, id_))}
    messages = [id_ for id_ in unique if id_ not in lines]
    found = {id_: _from_line(place, first) for id_, place in lines.items()}
    if wrong := [id_ for id_ in messages if not _MESSAGE_ID.fullmatch(id_)]:
        raise _unknown(wrong[0])
    if messages:
        with RejectsTable(postgres_of(settings)) as table:
            name = _Names(table, settings)
            found |= {id_: _message(table, name, id_, first) for id_ in messages}
    return [found[id_] for id_ in unique]


def whole_ones(settings: Settings, chosen: RejectFilter) -> Iterator[list[Reject]]:
    """All that are chosen, whole, in batches that memory can hold: messages first, then file by file.

    Raises ClickstreamError when PostgreSQL cannot be asked.
    """
    if chosen.messages and settings.postgres is not None:
        with RejectsTable(settings.postgres) as table:
            name, last = _Names(table, settings), None
            while batch := table.after(last, chosen, limit=_BATCH):
                last = batch[-1].key_of
                yield [name.reject(row) for row in batch]
    for places in rejects_files.by_file(settings.home, chosen):
        yield [_from_line(place, WHOLE) for place in places]


def document(reject: Reject) -> dict[str, Any]:
    """A reject for a JSON document. The payload twice: exactly, and as text that does no harm; `whole`: all of it."""
    return {
        "id": reject.id,
        "source": reject.source,
        "reason": reject.reason,
        "where": escape_controls(reject.where),
        "partition": reject.partition,
        "offset" if reject.source == RejectSource.MESSAGES else "line": reject.position,
        "rejected_at": reject.at,
        "replayed_at": reject.replayed_at,
        "key_base64": _base64(reject.key),
        "key_text": None if reject.key is None else escape_bytes(reject.key),
        "size": reject.size,
        "whole": len(reject.payload or b"") == reject.size,
        "payload_base64": _base64(reject.payload),
        "payload_text": None if reject.payload is None else reject.text,
    }


class _Names:
    """Gives stored messages their ids."""

    def __init__(self, table: RejectsTable, settings: Settings) -> None:
        self.current = table.current_topic_id(settings.kafka.events_topic) if settings.kafka else None

    def reject(self, row: StoredReject) -> Reject:
        key = row.key_of
        tail = "" if key.topic_id == self.current else f"~{key.topic_id[:_ENOUGH_OF_A_TOPIC_ID]}"
        return Reject(
            id=f"p{key.partition}@{key.offset}{tail}",
            source=RejectSource.MESSAGES,
            reason=escape_controls(row.reason),
            where=row.topic,
            partition=key.partition,
            position=key.offset,
            at=row.rejected_at,
            key=row.key,
            payload=row.payload,
            size=row.size,
            replayed_at=row.replayed_at,
            origin=key,
        )


def _message(table: RejectsTable, name: _Names, id_: str, first: int) -> Reject:
    match = _MESSAGE_ID.fullmatch(id_)
    if match is None:
        raise _unknown(id_)
    partition, offset, begins = int(match[1]), int(match[2]), match[3] or name.current or ""
    found = table.find(partition, offset, begins, first=first)
    if len(found) > 1:
        raise UsageError(f"{id_} may be any of {len(found)} rejects", hint="`clickstream rejects list` shows whole ids")
    if not found:
        raise _unknown(id_)
    return name.reject(found[0])


def _from_line(place: CsvPlace, first: int = PREVIEW) -> Reject:
    text = place.bad.text
    return Reject(
        id=place.id,
        source=RejectSource.CSV,
        reason=escape_controls(place.bad.reason),
        where=place.path.name,
        partition=None,
        position=place.bad.line,
        at=place.at,
        key=None,
        payload=text[:first],
        size=len(text),
        replayed_at=None,
        origin=place,
    )


def _unknown(id_: str) -> UsageError:
    return UsageError(f"there is no reject {escape_controls(id_)}", hint="`clickstream rejects list` shows their ids")


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
