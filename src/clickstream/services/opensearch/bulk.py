"""Sending documents by the bulk request, and telling from the answer what became of each. Tries nothing twice.

The answer is asked for in its shortest form and decoded by type, since the driver's own way costs several times what
making the documents does.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote
from uuid import uuid4

import msgspec
from opensearchpy.exceptions import NotFoundError, TransportError

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import NotAdmitted, ServiceRefused, ServiceUnavailable
from clickstream.domain.harmless import brief
from clickstream.services.opensearch.client import NOT_NOW, SERVICE, connect, translated

BULK_TIMEOUT: Final = 30.0
"""Seconds that a bulk may take. One that took longer is sent again, which does no harm."""

SHARD_PATIENCE: Final = "5s"
"""How long the server itself waits for a shard that is away."""

PROBES_FOR_EACH: Final = 32
"""Documents of a probe for each of several shards."""

LONGEST_REASON: Final = 300
"""Characters of a reason: the server repeats the document's words in it."""

_PARAMETERS: Final = {
    "filter_path": "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason",
    "timeout": SHARD_PATIENCE,
}
_HEADERS: Final = {"content-type": "application/x-ndjson"}

_INDEX_MISSING: Final = "index_not_found_exception"

_PASSING: Final = frozenset({_INDEX_MISSING, "cluster_block_exception"})
"""Errors that are not the document's, whatever their status: the index is made anew, a full disk is made room on."""

_SHARD: Final = "shard"
"""In the type of every error that tells of a shard which is away, starts or moves: some of these are a 404."""

# The driver logs every request, and every failure with its traceback; our errors tell what is wrong.
logging.getLogger("opensearch").setLevel(logging.CRITICAL)


@dataclass(slots=True)
class BulkAnswer:
    """What became of the documents of one bulk; each is named by its place in it."""

    created: int = 0
    duplicates: int = 0
    """There was one of that id already, and it stays."""
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Refused for good, and why."""
    again: list[int] = field(default_factory=list)
    """To be sent again later."""
    reason: str = ""
    """Why the last of those in `again`."""
    index_missing: bool = False


Lives = frozenset[tuple[int, str, int]]
"""Of each shard that takes documents: its number, its node, and when it began there. Another after it has failed."""


class _Cause(msgspec.Struct):
    reason: str | None = None


class _Error(msgspec.Struct):
    type: str = ""
    reason: str | None = None
    caused_by: _Cause | None = None


class _Result(msgspec.Struct):
    status: int
    error: _Error | None = None


class _Item(msgspec.Struct):
    create: _Result | None = None
    delete: _Result | None = None


class _Answer(msgspec.Struct):
    errors: bool
    items: list[_Item]


_decode = msgspec.json.Decoder(_Answer).decode


class BulkWriter:
    """One connection that documents are sent over. For one thread."""

    def __init__(self, settings: OpenSearchSettings) -> None:
        """Connects with the first bulk."""
        self._client = connect(settings, timeout=BULK_TIMEOUT, patience=0)
        self._index = settings.events_index
        self._path = f"/{quote(settings.events_index, safe='')}/_bulk"

    def close(self) -> None:
        self._client.close()

    def send(self, lines: Sequence[str]) -> BulkAnswer:
        """Create these documents, each given as its two lines of the bulk request; waits for the answer.

        Raises:
            ServiceUnavailable: no answer, or none now; whether anything is stored is not known.
            NotAdmitted, ServiceRefused: the server does not take bulks from us.
        """
        return judge(self._post("".join(lines), several=len(lines) > 1), len(lines))

    def lives(self) -> Lives | None:
        """The lives of the index's shards; None where there is no index. Raises as `send` does."""
        with translated():
            try:
                found = self._client.indices.recovery(index=self._index)
            except NotFoundError:
                return None
        # While no shard runs yet, the index is left out.
        shards = [shard for index in found.values() for shard in index["shards"] if shard["primary"]]
        return frozenset((shard["id"], shard["target"]["id"], shard["start_time_in_millis"]) for shard in shards)

    def probe(self, shards: int) -> bool:
        """Have something written to the log of each shard: the deletion of documents that never were.

        False where there is no index.

        Raises:
            ServiceUnavailable: not each has written, or that is not known.
            NotAdmitted, ServiceRefused: the server does not take that from us.
        """
        # Which shard a document belongs to is the server's to say; so many miss one in no lifetime.
        count = 1 if shards <= 1 else shards * PROBES_FOR_EACH
        body = "".join(f'{{"delete":{{"_id":"probe-{uuid4().hex}"}}}}\n' for _ in range(count))
        found = judge(self._post(body, several=False), count)
        if found.index_missing:
            return False
        if found.again or found.refused:
            raise ServiceUnavailable(SERVICE, found.reason or found.refused[0][1])
        return True

    def _post(self, body: str, *, several: bool) -> bytes | str:
        with translated():
            try:
                connection = self._client.transport.get_connection()
                answer: str | bytes
                _, _, answer = connection.perform_request(
                    "POST", self._path, _PARAMETERS, body.encode(), headers=_HEADERS
                )
            except TransportError as error:
                if error.status_code == 413 and several:
                    raise ServiceUnavailable(SERVICE, "a bulk is too large for it") from error
                raise
        return answer


def judge(answer: str | bytes, count: int) -> BulkAnswer:
    """What a server's answer to a bulk of `count` creations, or deletions, says. One of nothing counts as created.

    Raises:
        ServiceUnavailable: it is no such answer (a proxy's words, or cut short).
        NotAdmitted: this user may not write into the index.
    """
    try:
        items = _decode(answer).items
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ServiceUnavailable(SERVICE, "what came is no answer to a bulk request") from error
    if len(items) != count:
        raise ServiceUnavailable(SERVICE, f"it answered for {len(items)} documents of {count}")
    found = BulkAnswer()
    for place, item in enumerate(items):
        result = item.create or item.delete
        if result is None:
            raise ServiceUnavailable(SERVICE, "what came is no answer to a bulk request")
        if 200 <= result.status < 300 or (item.delete and result.error is None):
            found.created += 1
        elif result.status == 409:
            found.duplicates += 1
        else:
            _fault(found, place, result.status, result.error or _Error())
    return found


def _fault(found: BulkAnswer, place: int, status: int, error: _Error) -> None:
    reason = _words(status, error)
    if status in NOT_NOW or status >= 500 or error.type in _PASSING or (status == 404 and _SHARD in error.type):
        found.again.append(place)
        found.reason = reason
        found.index_missing |= error.type == _INDEX_MISSING
    elif status in {401, 403}:
        raise NotAdmitted(f"{SERVICE} refused: {reason}", hint="check OPENSEARCH_USER's rights on the index")
    elif status == 404:
        raise ServiceRefused(f"{SERVICE} refused: {reason}", hint="check OPENSEARCH_EVENTS_INDEX")
    else:
        found.refused.append((place, reason))


def _words(status: int, error: _Error) -> str:
    said = [error.reason or error.type or f"HTTP {status}"]
    if error.caused_by and error.caused_by.reason:
        said.append(error.caused_by.reason)
    return brief(": ".join(said).replace("\x00", ""), LONGEST_REASON)
