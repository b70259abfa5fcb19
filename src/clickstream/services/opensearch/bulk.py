"""Sends documents by the bulk request, and reads the result of each from the answer. Does not retry.

The answer is asked for in its shortest form and decoded by type, since the driver's own way costs several times what
making the documents does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote
from uuid import uuid4

import msgspec
from opensearchpy.exceptions import NotFoundError

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import AdmissionRefused, ServiceNotReady, ServiceRefused, ServiceUnavailable
from clickstream.domain.escapes import brief
from clickstream.services.opensearch.client import LONGEST_REASON, SERVICE, connect, converted, translated
from clickstream.services.opensearch.verdicts import INDEX_MISSING, Verdict, describe, verdict

BULK_TIMEOUT: Final = 30.0
"""Seconds that a bulk may take. One that took longer is sent again, which does no harm."""

SHARD_PATIENCE: Final = "5s"
"""How long the server itself waits for a shard that is away."""

PROBES_FOR_EACH: Final = 32
"""Documents of a probe for each of several shards."""

_PARAMETERS: Final = {
    "filter_path": "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.index,"
    "items.*.error.caused_by.reason",
    "timeout": SHARD_PATIENCE,
}
_HEADERS: Final = {"content-type": "application/x-ndjson"}

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
    doubtful: list[tuple[int, str]] = field(default_factory=list)
    """Refused, and why; whether for good, that does not tell."""
    again: list[int] = field(default_factory=list)
    """To be sent again later."""
    reason: str = ""
    """Why the last of those in `again`."""
    index_missing: bool = False
    witnessed: bool = False
    """The witness was taken."""


Lives = frozenset[tuple[int, str, int]]
"""Of each shard that takes documents: its number, its node, and when it began there. Another after it has failed."""


class _Cause(msgspec.Struct):
    reason: str | None = None


class _Error(msgspec.Struct):
    type: str = ""
    reason: str | None = None
    index: str | None = None
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


class _Target(msgspec.Struct):
    id: str


class _Shard(msgspec.Struct):
    id: int
    primary: bool
    start_time_in_millis: int
    target: _Target


class _Recovery(msgspec.Struct):
    shards: list[_Shard]


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

    def send(self, lines: Sequence[str], witness: str | None = None) -> BulkAnswer:
        """Create these documents, each given as its two lines of the bulk request; waits for the answer.

        Args:
            lines: the documents.
            witness: one that was taken before; sent with them, it tells whether the index takes documents.

        Raises:
            ServiceUnavailable: no answer, or none now; whether anything is stored is not known.
            AdmissionRefused: the server does not take bulks from us.
        """
        return judge(self._post("".join(lines) + (witness or "")), len(lines), witness=witness is not None)

    def lives(self) -> Lives | None:
        """The lives of the index's shards; None where there is no index. Raises as `send` does."""
        with _translated():
            try:
                answer = self._client.indices.recovery(index=self._index)
            except NotFoundError:
                return None
            found = converted(self._client, dict[str, _Recovery], answer)
        # While no shard runs yet, the index is left out.
        shards = [shard for index in found.values() for shard in index.shards if shard.primary]
        return frozenset((shard.id, shard.target.id, shard.start_time_in_millis) for shard in shards)

    def probe(self, shards: int) -> bool:
        """Have something written to the log of each shard: the deletion of documents that never were.

        False where there is no index.

        Raises:
            ServiceUnavailable: not each has written, or that is not known.
            AdmissionRefused: the server does not take that from us.
        """
        # Which shard a document belongs to is the server's to say; so many miss one in no lifetime.
        count = 1 if shards <= 1 else shards * PROBES_FOR_EACH
        body = "".join(f'{{"delete":{{"_id":"probe-{uuid4().hex}"}}}}\n' for _ in range(count))
        found = judge(self._post(body), count)
        if found.index_missing:
            return False
        if faults := [found.reason] * bool(found.again) + [reason for _, reason in (*found.refused, *found.doubtful)]:
            raise ServiceNotReady(SERVICE, faults[0])
        return True

    def _post(self, body: str) -> bytes | str:
        with _translated():
            connection = self._client.transport.get_connection()
            answer: str | bytes
            _, _, answer = connection.perform_request("POST", self._path, _PARAMETERS, body.encode(), headers=_HEADERS)
        return answer


@contextmanager
def _translated() -> Iterator[None]:
    """A bulk that is refused whole is not a document's fault, since ours are small and whole: it is waited out, too."""
    try:
        with translated():
            yield
    except AdmissionRefused:
        raise
    except ServiceRefused as error:
        raise ServiceNotReady(SERVICE, str(error)) from error


def judge(answer: str | bytes, count: int, *, witness: bool = False) -> BulkAnswer:
    """What a server's answer to a bulk of `count` creations, or deletions, says.

    A deletion counts as created, even of a document that is not there. `witness`: there was another one behind these.

    Raises:
        ServiceUnavailable: it does not answer a bulk request (it is a proxy's, or cut short).
        AdmissionRefused: this user may not write into the index.
    """
    try:
        items = _decode(answer).items
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ServiceUnavailable(SERVICE, "what came does not answer a bulk request") from error
    if len(items) != count + witness:
        raise ServiceUnavailable(SERVICE, f"it answered for {len(items)} documents of {count + witness}")
    found, beside = BulkAnswer(), BulkAnswer()
    for place, item in enumerate(items):
        _note(found if place < count else beside, place, item)
    found.witnessed = bool(beside.created or beside.duplicates)
    return found


def _note(found: BulkAnswer, place: int, item: _Item) -> None:
    result = item.create or item.delete
    if result is None:
        raise ServiceUnavailable(SERVICE, "what came does not answer a bulk request")
    if 200 <= result.status < 300 or (item.delete and result.error is None):
        found.created += 1
        return
    error = result.error or _Error()
    whose = verdict(result.status, error.type)
    if whose is Verdict.DUPLICATE:
        found.duplicates += 1
    elif whose is Verdict.STATE:
        found.again.append(place)
        found.reason = brief(describe(error.type, _words(result.status, error), error.index or ""), LONGEST_REASON)
        found.index_missing |= error.type == INDEX_MISSING
    elif whose is Verdict.OWN:
        found.refused.append((place, _words(result.status, error)))
    elif whose is Verdict.NOT_ADMITTED:
        reason = _words(result.status, error)
        raise AdmissionRefused(f"{SERVICE} refused: {reason}", hint="check OPENSEARCH_USER's rights on the index")
    else:
        found.doubtful.append((place, brief(describe(error.type, _words(result.status, error)), LONGEST_REASON)))


def _words(status: int, error: _Error) -> str:
    said = [error.reason or error.type or f"HTTP {status}"]
    if error.caused_by and error.caused_by.reason:
        said.append(error.caused_by.reason)
    return brief(": ".join(said).replace("\x00", ""), LONGEST_REASON)
