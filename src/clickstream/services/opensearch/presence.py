"""Whether given documents are in the index: for the proof that a fault has lost none. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from opensearchpy import OpenSearch

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import ServiceNotReady
from clickstream.services.opensearch.client import SERVICE, connect, converted, translated
from clickstream.services.opensearch.verdicts import describe

_AT_ONCE: Final = 5_000
"""Ids in one question."""


class _Fault(msgspec.Struct):
    type: str = ""
    reason: str | None = None
    index: str | None = None


class _Document(msgspec.Struct):
    id: str = msgspec.field(name="_id")
    found: bool = False
    error: _Fault | None = None


class _Found(msgspec.Struct):
    docs: list[_Document]


class IndexPresence:
    """One connection; use as a context manager. Raises ServiceUnavailable or ServiceRefused everywhere."""

    def __init__(self, settings: OpenSearchSettings) -> None:
        self._client: OpenSearch = connect(settings, timeout=60.0)
        self._index = settings.events_index

    def __enter__(self) -> IndexPresence:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def missing(self, ids: Sequence[str]) -> set[str]:
        """The ids without a document. Looked up by id, so that documents which no search sees yet count too."""
        absent: set[str] = set()
        for start in range(0, len(ids), _AT_ONCE):
            body = {"ids": list(ids[start : start + _AT_ONCE])}
            with translated():
                answer = self._client.mget(body=body, index=self._index, params={"_source": "false"})
            docs = converted(self._client, _Found, answer).docs
            if faults := [one.error for one in docs if one.error]:
                fault = faults[0]
                raise ServiceNotReady(SERVICE, describe(fault.type, fault.reason or "", fault.index or ""))
            absent |= {one.id for one in docs if not one.found}
        return absent
