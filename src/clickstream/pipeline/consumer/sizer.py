"""Makes batches smaller where large ones fail.

A message that PostgreSQL refuses is found by halving, and partitions with the same visitors conflict less. Remembers
sizes; stores nothing itself.

"""

from __future__ import annotations

from typing import Final

from clickstream.domain.errors import ServiceRefused

SHARED_FLOOR: Final = 64
"""Batches that others got in the way of do not become smaller than this."""

REFUSED_IN_A_ROW: Final = 100
"""When this many single messages in a row are refused, the messages are not the cause."""


class BatchSizer:
    """How large a batch of each partition may be, and which message is to be rejected."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._size: dict[int, int] = {}
        self._poison: dict[int, tuple[int, str]] = {}
        self._in_a_row = 0

    def size(self, partition: int) -> int | None:
        """The most messages a batch may hold now; None: as many as there are."""
        return self._size.get(partition)

    def poison_message(self, partition: int, offset: int) -> str | None:
        """Why the message at this offset must be rejected; None: it need not."""
        at, reason = self._poison.get(partition, (-1, ""))
        return reason if at == offset else None

    def on_failure(self, partition: int, *, messages: int, last_offset: int, reason: str) -> None:
        """PostgreSQL does not take this batch: try half of it, or reject its only message.

        Raises:
            ServiceRefused: it takes none at all.
        """
        if messages > 1:
            self._size[partition] = messages // 2
            return
        self._in_a_row += 1
        if self._in_a_row > REFUSED_IN_A_ROW:
            raise ServiceRefused(
                f"PostgreSQL takes no message of partition {partition}: {reason}",
                hint=f"{REFUSED_IN_A_ROW} were rejected; fix the tables, then `clickstream rejects replay`",
            )
        self._size[partition] = 1
        self._poison[partition] = last_offset, reason

    def on_conflict(self, partition: int) -> None:
        """Another partition stored events of the same visitors first."""
        self._size[partition] = max(SHARED_FLOOR, self._size.get(partition, self._batch_size) // 4)

    def on_success(self, partition: int, *, events: int) -> None:
        """A batch was stored."""
        self._poison.pop(partition, None)
        if events:
            self._in_a_row = 0
        if (size := self._size.get(partition)) is not None:
            self._size[partition] = size * 2
            if size * 2 >= self._batch_size:
                del self._size[partition]
