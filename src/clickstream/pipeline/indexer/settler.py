"""Settles batches of documents: sends each until it is stored or refused for good, however long that takes.

Only documents that failed are sent again, in smaller bulks while the server is overloaded. Knows no partition's offset.

A settled batch is not yet safe. A shard that cannot write its log, as on a full disk, fails the bulk with 500, and has
the documents in its memory: sent again, by us or by the indexer that takes over, they are "there" (409). A bulk beside
it is even answered with 201, because the server takes a closed log for a written one. All of these documents are gone
when the shard fails, which it does with its next write. So `secure` writes something: a shard that accepts it in the
same life in which it accepted the documents has its log in order. (A flush would not do: it never returns where the log
is closed.) Only then may offsets be committed; else all documents since the last proof are sent again.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from clickstream.config.settings import OpenSearchSettings, PostgresSettings
from clickstream.domain.errors import BatchInvalidated, ServiceNotReady, ServiceRefused, ServiceUnavailable
from clickstream.domain.events import RejectedMessage
from clickstream.pipeline.indexer.documents import Documents
from clickstream.pipeline.indexer.doubts import Doubts
from clickstream.pipeline.process.loop import Backoff
from clickstream.services.opensearch.bulk import BulkAnswer, BulkWriter, Lives
from clickstream.services.opensearch.client import SERVICE

_logger = logging.getLogger("clickstream.indexer")

REASON: Final = f"{SERVICE} refused it: "
"""How the reasons of its refusals begin in `rejected_events`."""

REFUSED_IN_A_ROW: Final = 1_000
"""When this many documents in a row are refused, the documents are not the cause."""

SMALLEST: Final = 64
"""Documents that a bulk holds at least, unless there are no more."""

FRUITLESS: Final = 8
"""Times in a row that documents are sent of which none can be judged; then the batch is read again, with what has come
behind it meanwhile, which may be taken."""

_LOOK_EVERY: Final = 0.05


class BatchAbandoned(BatchInvalidated):
    """The batch was given up before it was settled; some of it may be stored."""


class ShardFailed(BatchInvalidated):
    """A shard has begun a new life: documents that it had taken in the one before may be lost."""


class IndexDeleted(BatchInvalidated):
    """The index was deleted: what it held must be read again."""


@dataclass(frozen=True, slots=True)
class SettledBatch:
    """What became of a batch."""

    created: int
    duplicates: int
    refused: int
    again: int
    """Documents sent more than once."""


class Settler:
    """Sends batches, one after the other, on one thread; `trouble` may be read from any."""

    def __init__(
        self,
        opensearch: OpenSearchSettings,
        postgres: PostgresSettings,
        *,
        most: int,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        """`most`: documents of a bulk."""
        self._postgres = postgres
        self._writer = BulkWriter(opensearch)
        self._most = self._size = most
        self._backoff = backoff()
        self._refused_in_a_row = 0
        self._doubts = Doubts()
        self._lives: Lives | None = None
        self.trouble: ServiceUnavailable | None = None
        """Why nothing gets through at present; None while all is well."""

    def close(self) -> None:
        self._writer.close()

    def forget(self) -> None:
        """What was settled and not secured will be sent again. Not while anything is being settled."""
        self._lives = None

    def secure(self, cancelled: threading.Event) -> None:
        """Return when all that was settled since the last `forget` is safe on the server's disk.

        Raises:
            Abandoned: `cancelled` was set first.
            ShardFailed, IndexDeleted: it may be lost.
            AdmissionRefused: the server does not let us ask.
        """
        while not self._secured(cancelled):
            pass

    def _secured(self, cancelled: threading.Event) -> bool:
        if cancelled.is_set():
            raise BatchAbandoned
        if self._lives is None:
            return True  # no document was sent
        try:
            for _ in range(2):  # the second shows that the log was not closed under the first
                if not self._writer.probe(len(self._lives)):
                    raise IndexDeleted("the index was deleted")
            if self._look() != self._lives:
                raise ShardFailed("a shard has failed since documents were sent to it")
        except ServiceUnavailable as error:
            self._failed(error, cancelled)
            return False
        self._recovered()
        return True

    def _look(self) -> Lives:
        found = self._writer.lives()
        if found is None:
            raise IndexDeleted("the index was deleted")
        return found

    def settle(self, batch: Documents, topic: tuple[str, str], cancelled: threading.Event) -> SettledBatch:
        """Return when every document is stored or its refusal recorded. `topic`: name and id.

        Raises:
            Abandoned: `cancelled` was set first.
            IndexDeleted: the index was deleted.
            ServiceUnavailable: none of these documents is taken, and why is not known; others might be.
            ServiceRefused: the server takes no document at all, or none from us.
        """
        created = duplicates = again = fruitless = 0
        refused: list[tuple[int, str]] = []
        pending = list(range(len(batch.lines)))
        while pending:
            part, rest = pending[: self._size], pending[self._size :]
            lines = [batch.lines[place] for place in part]
            answer = self._send(lines, cancelled)
            if answer is None:
                again += len(part)
                continue
            fruitless = 0 if self._judged(lines, answer, cancelled) else fruitless + 1
            if fruitless == FRUITLESS:
                raise ServiceNotReady(SERVICE, answer.reason)
            created, duplicates = created + answer.created, duplicates + answer.duplicates
            refused += [(part[place], reason) for place, reason in answer.refused]
            self._count_refusals(answer)
            again += len(answer.again)
            pending = [part[place] for place in answer.again] + rest
        self._doubts.clear()
        if refused:
            self._record(batch, refused, topic, cancelled)
        return SettledBatch(created, duplicates, len(refused), again)

    def _send(self, lines: list[str], cancelled: threading.Event) -> BulkAnswer | None:
        """One bulk; None: nothing is known of it, and that was waited out."""
        if cancelled.is_set():
            raise BatchAbandoned
        try:
            if self._lives is None:
                self._lives = self._look()
            answer = self._writer.send(lines, self._doubts.witness(lines))
        except ServiceUnavailable as error:
            self._failed(error, cancelled)
            return None
        if answer.index_missing:
            raise IndexDeleted(answer.reason)
        return answer

    def _judged(self, lines: list[str], answer: BulkAnswer, cancelled: threading.Event) -> bool:
        """Whether what was refused could be judged. Waits where something is not taken now."""
        away = bool(answer.again)
        judged = self._doubts.judge(lines, answer)
        if away or not judged:
            self._failed(ServiceNotReady(SERVICE, answer.reason), cancelled)
        else:
            self._recovered()
        if not judged:
            self._size = self._most  # the more neighbours, the sooner one of them is taken
        return judged

    def _failed(self, error: ServiceUnavailable, cancelled: threading.Event) -> None:
        if self.trouble is None:
            _logger.warning("waiting: %s", error)
        self.trouble = error
        self._size = max(min(SMALLEST, self._most), self._size // 2)
        self._backoff.failed()
        while not self._backoff.due and not cancelled.wait(_LOOK_EVERY):
            pass

    def _recovered(self) -> None:
        if self.trouble is not None:
            _logger.info("going on")
        self.trouble = None
        self._size = min(self._most, self._size * 2)
        self._backoff.succeeded()

    def _count_refusals(self, answer: BulkAnswer) -> None:
        taken = answer.created + answer.duplicates
        self._refused_in_a_row = len(answer.refused) + (0 if taken else self._refused_in_a_row)
        if not taken and self._refused_in_a_row > REFUSED_IN_A_ROW:
            raise ServiceRefused(
                f"{SERVICE} takes no document: {answer.refused[0][1]}",
                hint="does the mapping of OPENSEARCH_EVENTS_INDEX fit? once deleted, it is created and filled again",
            )

    def _record(
        self, batch: Documents, refused: list[tuple[int, str]], topic: tuple[str, str], cancelled: threading.Event
    ) -> None:
        from clickstream.services.postgres.refusals import record  # noqa: PLC0415 (loads a driver; seldom needed)

        rows: dict[int, list[RejectedMessage]] = defaultdict(list)
        for place, reason in refused:
            message: Any = batch.messages[place]
            rows[message.partition()].append(
                RejectedMessage(message.offset(), REASON + reason, message.key(), message.value())
            )
        while True:
            if cancelled.is_set():
                raise BatchAbandoned
            try:
                record(self._postgres, *topic, rows)
            except ServiceUnavailable as error:
                self._failed(error, cancelled)
                continue
            self._recovered()
            return
