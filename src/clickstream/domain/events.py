"""What an event is: its kinds, its limits, its identity, and the column form in which batches travel.

The columns are numpy arrays, yet this room imports no numpy: it only names their types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int64Array = npt.NDArray[np.int64]
    Int8Array = npt.NDArray[np.int8]
    BoolArray = npt.NDArray[np.bool_]

EventKind = Literal["view", "addtocart", "transaction"]

KINDS: Final[tuple[EventKind, ...]] = ("view", "addtocart", "transaction")
"""Event kinds in the order of PostgreSQL's enum; a kind's code is its index here."""

VIEW, ADD_TO_CART, TRANSACTION = range(3)

NO_TRANSACTION: Final = -1
"""How a missing transaction id is written in columns (ids are never negative)."""

MAX_ID: Final = 2**63 - 1
"""PostgreSQL's bigint."""

MAX_TIMESTAMP_MS: Final = 9_224_318_015_999_999
"""The last millisecond that PostgreSQL's timestamptz can hold (end of the year 294276), Unix time."""

EXAMPLE_VISITOR: Final = 0
"""For examples in help texts: its first event is the first of every generated file, however few events are taken."""

CSV_HEADER: Final = ("timestamp", "visitorid", "event", "itemid", "transactionid")


@dataclass(frozen=True, slots=True)
class EventColumns:
    """A batch of events as parallel arrays of one length.

    Identity of an event: (visitor_id, time_ms, kind, item_id). Of two that differ only in transaction_id, the first
    stays.
    """

    time_ms: Int64Array
    """Unix milliseconds."""
    visitor_id: Int64Array
    kind: Int8Array
    """Index into KINDS."""
    item_id: Int64Array
    transaction_id: Int64Array
    """NO_TRANSACTION where there is none."""

    def __len__(self) -> int:
        return len(self.time_ms)

    def take(self, index: Int64Array | BoolArray | slice) -> EventColumns:
        """The rows that `index` selects (positions, mask or slice), in its order."""
        return EventColumns(
            self.time_ms[index],
            self.visitor_id[index],
            self.kind[index],
            self.item_id[index],
            self.transaction_id[index],
        )


@dataclass(frozen=True, slots=True)
class RejectedMessage:
    """A Kafka message that is not an event; kept whole."""

    offset: int
    reason: str
    key: bytes | None
    payload: bytes | None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A CSV line that is not an event."""

    line: int
    """Counted from 1, the header included."""
    reason: str
    text: bytes
