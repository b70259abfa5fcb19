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

import msgspec
from opensearchpy.exceptions import AuthorizationException, NotFoundError, TransportError

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import NotAdmitted, ServiceRefused, ServiceUnavailable
from clickstream.domain.harmless import brief
from clickstream.services.opensearch.client import NOT_NOW, SERVICE, connect, translated

BULK_TIMEOUT: Final = 30.0
"""Seconds that a bulk may take. One that took longer is sent again, which does no harm."""

SHARD_PATIENCE: Final = "5s"
"""How long the server itself waits for a shard that is away."""

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
    create: _Result


class _Answer(msgspec.Struct):
    errors: bool
    items: list[_Item]


_decode = msgspec.json.Decoder(_Answer).decode


class BulkWriter:
    """One connection that documents are sent over. For one thread."""

    def __init__(self, settings: OpenSearchSettings) -> None:
        """Connects with the first bulk."""
        self._client = connect(settings, timeout=BULK_TIMEOUT)
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
        body = "".join(lines).encode()
        with translated():
            try:
                connection = self._client.transport.get_connection()
                _, _, answer = connection.perform_request("POST", self._path, _PARAMETERS, body, headers=_HEADERS)
            except TransportError as error:
                if error.status_code == 413 and len(lines) > 1:
                    raise ServiceUnavailable(SERVICE, "a bulk is too large for it") from error
                raise
        return judge(answer, len(lines))

    def flush(self) -> bool:
        """Have the server write to its disk all that the index holds; False where there is no index.

        Raises:
            ServiceUnavailable: it cannot, or did not say so.
            NotAdmitted: this user may not ask for it.
        """
        with translated():
            try:
                shards = self._client.indices.flush(index=self._index)["_shards"]
            except NotFoundError:
                return False
            except AuthorizationException as error:
                hint = "OPENSEARCH_USER needs the right indices:admin/flush on it"
                raise NotAdmitted(f"{SERVICE} does not let us flush index {self._index}", hint=hint) from error
        # Of several shards one may be away, and counts neither way: what it held in memory only is away with it.
        if shards["failed"] or not shards["successful"]:
            raise ServiceUnavailable(SERVICE, "it cannot write to its disk what it holds in memory")
        return True


def judge(answer: str | bytes, count: int) -> BulkAnswer:
    """What a server's answer to a bulk of `count` creations says.

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
        status = item.create.status
        if 200 <= status < 300:
            found.created += 1
        elif status == 409:
            found.duplicates += 1
        else:
            _fault(found, place, status, item.create.error or _Error())
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
