"""Saved windows: the open sessions of each partition, so its next owner need not look them up.

A saved window is good for one revision of the partition's offset only and is ignored for any other. Losing
it only costs time, so no method here raises when the server is away.
"""

from __future__ import annotations

import logging
import time
from typing import Final

import msgspec
import valkey

from clickstream.config.settings import ValkeySettings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.events import KINDS
from clickstream.services.valkey.connection import PREFIX, connect, translated

_logger = logging.getLogger("clickstream.valkey")

_FORMAT: Final = 1

_KINDS: Final = bytes(range(len(KINDS)))

AWAY_SECONDS: Final = 10.0
"""How long a server that did not answer is left alone: the pipeline must not wait for a cache again and again."""


class SavedWindow(msgspec.Struct, frozen=True, array_like=True):
    """A window's content: the mark (Unix ms) and its columns as raw little-endian bytes, one int64 a row."""

    mark: int
    visitor_id: bytes
    time_ms: bytes
    kind: bytes
    item_id: bytes


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    version: int
    next_offset: int
    revision: int
    window: SavedWindow


class WindowCache:
    """Keeps and finds windows, by schema, topic incarnation and partition."""

    def __init__(self, settings: ValkeySettings, *, schema: str, topic_id: str) -> None:
        self._client: valkey.Valkey = connect(settings, patience=0)
        self._prefix = f"{PREFIX}window:{schema}:{topic_id}:"
        self._ttl_seconds = settings.session_ttl_hours * 3600
        self._away = False
        self._away_until = float("-inf")

    def save(self, partition: int, next_offset: int, revision: int, window: SavedWindow) -> bool:
        """Keep the window that belongs to this revision of the offset; False when the server would not."""
        if time.monotonic() < self._away_until:
            return False
        value = msgspec.msgpack.encode(_Envelope(_FORMAT, next_offset, revision, window))
        try:
            with translated():
                self._client.set(f"{self._prefix}{partition}", value, ex=self._ttl_seconds)
        except ClickstreamError as error:
            self._leave_alone(f"open sessions of partition {partition} not kept: {error}")
            return False
        self._away = False
        return True

    def load(self, partition: int, next_offset: int, revision: int) -> SavedWindow | None:
        """The window that belongs to just this revision of the offset, if there is one."""
        if time.monotonic() < self._away_until:
            return None
        try:
            with translated():
                value = self._client.get(f"{self._prefix}{partition}")
        except ClickstreamError as error:
            self._leave_alone(f"open sessions of partition {partition} not found: {error}")
            return None
        self._away = False
        if not isinstance(value, bytes):
            return None
        try:
            envelope = msgspec.msgpack.decode(value, type=_Envelope)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if (envelope.version, envelope.next_offset, envelope.revision) != (_FORMAT, next_offset, revision):
            return None
        return envelope.window if _is_whole(envelope.window) else None

    def _leave_alone(self, why: str) -> None:
        if not self._away:  # else it was said already
            _logger.warning("%s", why)
        self._away = True
        self._away_until = time.monotonic() + AWAY_SECONDS

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]


def _is_whole(window: SavedWindow) -> bool:
    """Whether its columns are of one length and hold kinds that there are, and its mark is a time."""
    columns = (window.visitor_id, window.time_ms, window.item_id)
    whole = all(len(one) == 8 * len(window.kind) for one in columns) and not window.kind.strip(_KINDS)
    return whole and -(2**63) <= window.mark < 2**63
