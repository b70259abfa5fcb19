"""Generates a shop's clickstream as columns, shaped like the RetailRocket file. Reads and writes no files.

Events are laid out visitor by visitor and session by session, then given kinds, items and times, then shuffled.
Times of one visitor grow strictly (but within a basket), so that no two events share an identity by accident.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from clickstream.domain.events import ADD_TO_CART, NO_TRANSACTION, TRANSACTION, VIEW, EventColumns
from clickstream.pipeline.events.chance import BLOCK_BITS, Chance, order_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from clickstream.domain.events import BoolArray, Int64Array

SECOND_MS: Final = 1000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS

SESSION_TIMEOUT_MS: Final = 30 * MINUTE_MS
"""Sessions are laid out for the default timeout."""

MOST_VISITORS: Final = 1 << 22
"""Visitor and time are packed into one 64-bit key."""

HOUR_WEIGHTS: Final = (60, 52, 45, 36, 27, 19, 13, 10, 9, 10, 13, 18, 25, 34, 43, 53, 62, 71, 79, 85, 88, 86, 79, 70)
"""How busy the hours of a day are (UTC)."""

WEEKDAY_WEIGHTS: Final = (105, 106, 104, 102, 95, 82, 88)
"""How busy the days of a week are, Monday first."""

START: Final = datetime(2015, 5, 3, 3, tzinfo=UTC)
END: Final = datetime(2015, 9, 18, 3, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shape:
    """The figures that a generated file has, exactly. Kinds count the duplicates too.

    Raises:
        ValueError: when the figures contradict one another.
    """

    visitors: int
    items: int
    views: int
    addtocarts: int
    transactions: int
    duplicates: int
    """Rows that exactly repeat another row; no row is repeated twice."""
    sessions: int
    """At a timeout of 30 minutes."""
    first_ms: int = int(START.timestamp()) * 1000
    """Time of the first event, Unix milliseconds."""
    last_ms: int = int(END.timestamp()) * 1000

    def __post_init__(self) -> None:
        events = self.rows - self.duplicates
        possible = (
            1 < self.visitors <= self.sessions <= events
            and self.visitors < MOST_VISITORS
            and 0 < self.items <= self.views - self.duplicates
            and 0 <= self.transactions <= self.addtocarts <= self.views - self.duplicates
            and self.duplicates >= 0
            and 0 <= (self.last_ms - self.first_ms) // HOUR_MS < (1 << BLOCK_BITS)
        )
        if not possible:
            raise ValueError(f"no file can have these figures: {self}")

    @property
    def rows(self) -> int:
        return self.views + self.addtocarts + self.transactions

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Times of the first and the last event."""
        return datetime.fromtimestamp(self.first_ms / 1000, UTC), datetime.fromtimestamp(self.last_ms / 1000, UTC)

    def scaled(self, factor: float) -> Shape:
        """The same proportions over the same span, with `factor` times as many rows, visitors, items and sessions."""
        figures = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = ("first_ms", "last_ms")
        return Shape(**{name: n if name in kept else max(1, round(n * factor)) for name, n in figures.items()})


RETAILROCKET: Final = Shape(
    visitors=1_407_580,
    items=235_061,
    views=2_664_312,
    addtocarts=69_332,
    transactions=22_457,
    duplicates=460,
    sessions=1_761_675,
)
"""The figures of the RetailRocket file; its sessions approximately."""


@dataclass(frozen=True, slots=True)
class _Sessions:
    """Where the sessions lie among the laid-out events; parallel arrays, visitors ascending."""

    first: Int64Array
    """Position of a session's first event."""
    size: Int64Array
    visitor: Int64Array
    carts: Int64Array
    """Events that put an item into the cart, each with a view of its own before it."""
    purchases: Int64Array
    """One basket at the end of the session, of the items carted first."""

    def each_event(self) -> Int64Array:
        """The session (index) of every event."""
        return np.repeat(np.arange(len(self.first)), self.size)


@dataclass(frozen=True, slots=True)
class _Duplicates:
    views: int
    addtocarts: int
    transactions: int


def generate_events(shape: Shape, seed: int, go_on: Callable[[], None] = lambda: None) -> EventColumns:
    """All rows of a file of that shape, in file order: hour by hour, the hours and the rows of an hour shuffled.

    `go_on` is called now and then; what it raises ends the work.

    Raises:
        ValueError: when there is no room for the events in the span, or for the carts in the sessions.
    """
    chance = Chance(seed, go_on)
    repeated = _split_duplicates(shape)
    sessions = _lay_out(shape, repeated, chance)
    session = sessions.each_event()
    kind = np.full(len(session), VIEW, dtype=np.int8)
    cart, purchase, bought = _funnel(sessions, chance)
    kind[cart], kind[purchase] = ADD_TO_CART, TRANSACTION

    item = _items(shape, kind == VIEW, chance)
    item[cart] = item[cart - 1]
    # Sorted within a basket, so that a basket with one item twice has the two side by side.
    item[purchase] = item[bought[np.lexsort((item[bought], session[bought]))]]

    time_ms = shape.first_ms + _times(shape, sessions, _intervals(item, session, purchase, sessions, chance), chance)
    transaction_id = np.full(len(session), NO_TRANSACTION, dtype=np.int64)
    transaction_id[purchase] = _number_baskets(session[purchase], time_ms[purchase])

    events = EventColumns(time_ms, sessions.visitor[session], kind, item, transaction_id)
    return _shuffle_with_duplicates(shape, repeated, events, chance)


def _split_duplicates(shape: Shape) -> _Duplicates:
    carts = shape.duplicates * shape.addtocarts // shape.rows
    transactions = shape.duplicates * shape.transactions // shape.rows
    return _Duplicates(shape.duplicates - carts - transactions, carts, transactions)


def _lay_out(shape: Shape, repeated: _Duplicates, chance: Chance) -> _Sessions:
    """Events to visitors by a heavy-tailed law, cut into sessions anywhere, then carts and purchases to sessions."""
    total = shape.rows - shape.duplicates
    counts = chance.heavy_tailed(shape.visitors, total, twice_exponent=5, shift=0)
    opens_session = np.zeros(total, dtype=np.bool_)
    opens_session[np.cumsum(counts) - counts] = True
    inner = np.flatnonzero(~opens_session)
    opens_session[inner[chance.permutation(len(inner))[: shape.sessions - shape.visitors]]] = True
    first = np.flatnonzero(opens_session)
    size = np.diff(first, append=total)
    visitor = np.repeat(np.arange(shape.visitors), counts)[first]

    slots = np.repeat(np.arange(len(size)), size // 3)  # three events make room for view, cart and purchase
    carted = _pick(slots, shape.addtocarts - repeated.addtocarts, chance)
    bought = _pick(carted, shape.transactions - repeated.transactions, chance)
    return _Sessions(
        first, size, visitor, np.bincount(carted, minlength=len(size)), np.bincount(bought, minlength=len(size))
    )


def _pick(sessions: Int64Array, number: int, chance: Chance) -> Int64Array:
    """`number` of the entries of `sessions` (ascending), rather several of one session than single ones of many."""
    if number > len(sessions):
        raise ValueError(f"the sessions have room for {len(sessions)} carts, not for {number}")
    own = chance.words(len(sessions))
    shared = chance.words(int(sessions[-1]) + 1 if len(sessions) else 0)[sessions]
    keys = np.where(chance.below(8, len(sessions)) == 0, own, shared)
    return np.sort(sessions[order_of(keys)[:number]])


def _funnel(sessions: _Sessions, chance: Chance) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Positions of carts, of purchases, and of the carts that are purchased (by session, as the purchases).

    A session is: some views, pairs of view and cart, more views, purchases.
    """
    carting = np.flatnonzero(sessions.carts)
    carts, purchases = sessions.carts[carting], sessions.purchases[carting]
    spare = sessions.size[carting] - 2 * carts - purchases
    pairs = sessions.first[carting] + (chance.below(1 << 32, len(carting)) * (spare + 1) >> 32)
    rank = _ranks(carts)
    cart = np.repeat(pairs, carts) + 2 * rank + 1
    bought = cart[rank < np.repeat(purchases, carts)]
    end = (sessions.first + sessions.size)[carting]
    purchase = np.repeat(end - purchases, purchases) + _ranks(purchases)
    return cart, purchase, bought


def _ranks(counts: Int64Array) -> Int64Array:
    """0 to count - 1 for each of `counts`, one after the other."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)


def _items(shape: Shape, viewed: BoolArray, chance: Chance) -> Int64Array:
    """An item for every view, 0 elsewhere; each item at least once, a few of them very often."""
    views = int(viewed.sum())
    ids = 2 * np.arange(shape.items) + chance.below(2, shape.items)  # with holes, as a catalogue has
    counts = chance.heavy_tailed(shape.items, views, twice_exponent=6, shift=11)
    item = np.zeros(len(viewed), dtype=np.int64)
    item[viewed] = np.repeat(ids, counts)[chance.permutation(views)]
    return item


def _intervals(
    item: Int64Array, session: Int64Array, purchase: Int64Array, sessions: _Sessions, chance: Chance
) -> Int64Array:
    """Milliseconds from each event to the one before it in its session: mostly seconds, under the timeout."""
    words = chance.words(len(item))
    draws = [((words >> shift) & 0x1FFFFF).astype(np.int64) for shift in (0, 21, 42)]
    skewed = (draws[0] * draws[1] >> 21) * draws[2] >> 21
    interval = SECOND_MS + (skewed * (SESSION_TIMEOUT_MS - 2 * SECOND_MS) >> 21)
    interval[sessions.first] = 0
    later = purchase[1:][session[purchase[1:]] == session[purchase[:-1]]]
    interval[later] = np.where(item[later] == item[later - 1], SECOND_MS, 0)  # a basket is paid at once
    return interval


def _times(shape: Shape, sessions: _Sessions, interval: Int64Array, chance: Chance) -> Int64Array:
    """Milliseconds from the span's start to each event: sessions start with the rhythm of day and week.

    Where two sessions of a visitor would come closer than the timeout, the later one moves on; from the
    span's end, sessions move back in the same way.
    """
    elapsed = np.cumsum(interval)
    into_session = elapsed - np.repeat(elapsed[sessions.first], sessions.size)
    closes = np.append(np.diff(sessions.visitor) > 0, True)  # a visitor's last session
    opens = np.append(True, closes[:-1])
    rest = np.where(closes, 0, SESSION_TIMEOUT_MS + 1 + chance.below(15 * MINUTE_MS, len(closes)))
    room = into_session[sessions.first + sessions.size - 1] + rest

    before = np.cumsum(room) - room
    before -= before[opens][sessions.visitor]
    behind = (before + room)[closes][sessions.visitor] - before
    span = shape.last_ms - shape.first_ms
    if int(behind.max()) > span:
        raise ValueError(f"a visitor's events do not fit between {shape.span[0]} and {shape.span[1]}")

    wish = _session_starts(shape, sessions.visitor, chance)
    apart = sessions.visitor << 40  # keeps the running maximum from crossing over to the next visitor
    start = np.maximum.accumulate(wish - before + apart) - apart + before
    start = np.minimum(start, span - behind)
    return np.repeat(start, sessions.size) + into_session


def _session_starts(shape: Shape, visitor: Int64Array, chance: Chance) -> Int64Array:
    """Wished starts of sessions, milliseconds into the span, ascending by visitor."""
    span = shape.last_ms - shape.first_ms
    hours = [datetime.fromtimestamp(shape.first_ms // 1000 + 3600 * n, UTC) for n in range(span // HOUR_MS + 1)]
    weights = np.cumsum([HOUR_WEIGHTS[hour.hour] * WEEKDAY_WEIGHTS[hour.weekday()] for hour in hours])
    hour = np.searchsorted(weights, chance.below(int(weights[-1]), len(visitor)), side="right")
    keys = (visitor << 40) + np.minimum(hour * HOUR_MS + chance.below(HOUR_MS, len(visitor)), span)
    keys.sort()
    starts: Int64Array = keys - (visitor << 40)
    starts[0], starts[-1] = 0, span  # so that the span is filled; the last session is moved back to end there
    return starts


def _number_baskets(session: Int64Array, time_ms: Int64Array) -> Int64Array:
    """Transaction ids of purchases: one a session, from 0 upwards by time."""
    baskets, first, basket = np.unique(session, return_index=True, return_inverse=True)
    number = np.empty(len(baskets), dtype=np.int64)
    number[np.argsort(time_ms[first], kind="stable")] = np.arange(len(baskets))
    return number[basket]


def _shuffle_with_duplicates(shape: Shape, repeated: _Duplicates, events: EventColumns, chance: Chance) -> EventColumns:
    numbers = ((VIEW, repeated.views), (ADD_TO_CART, repeated.addtocarts), (TRANSACTION, repeated.transactions))
    rows = [np.arange(len(events))]
    for kind, number in numbers:
        candidates = np.flatnonzero(events.kind == kind)
        rows.append(candidates[chance.permutation(len(candidates))[:number]])
    row = np.concatenate(rows)
    hour = (events.time_ms[row] - shape.first_ms) // HOUR_MS
    block = chance.permutation((shape.last_ms - shape.first_ms) // HOUR_MS + 1)
    return events.take(row[chance.permutation(len(row), block[hour])])
