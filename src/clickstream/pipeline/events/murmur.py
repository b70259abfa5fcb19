"""The partition that Kafka's Java clients choose for a visitor: murmur2 of the id in decimal, by column. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array

UInt32Array = NDArray[np.uint32]

_SEED: Final = 0x9747B28C
_M: Final = np.uint32(0x5BD1E995)
_POSITIVE: Final = np.uint32(0x7FFFFFFF)
_ZERO: Final = np.uint32(ord("0"))


def partitions_of(visitor_id: Int64Array, partitions: int) -> Int64Array:
    """For each id (not negative): toPositive(murmur2(decimal ASCII)) modulo the number of partitions."""
    chosen = np.empty(len(visitor_id), np.int64)
    powers = 10 ** np.arange(1, 19, dtype=np.int64)
    digits = np.searchsorted(powers, visitor_id, side="right") + 1
    for length in np.unique(digits).tolist():
        those = digits == length
        chosen[those] = (_murmur2(visitor_id[those], length) & _POSITIVE) % np.uint32(partitions)
    return chosen


def _murmur2(visitor_id: Int64Array, length: int) -> UInt32Array:
    """Kafka's 32-bit murmur2 of ids that have `length` decimal digits."""
    text = _decimals(visitor_id, length)
    hashed = np.full(len(visitor_id), _SEED ^ length, np.uint32)
    whole = length - length % 4
    for at in range(0, whole, 4):
        word = text[at] | text[at + 1] << np.uint32(8) | text[at + 2] << np.uint32(16) | text[at + 3] << np.uint32(24)
        word *= _M
        word ^= word >> np.uint32(24)
        word *= _M
        hashed *= _M
        hashed ^= word
    for at in range(whole, length):
        hashed ^= text[at] << np.uint32(8 * (at - whole))
    if whole < length:
        hashed *= _M
    hashed ^= hashed >> np.uint32(13)
    hashed *= _M
    hashed ^= hashed >> np.uint32(15)
    return hashed


def _decimals(visitor_id: Int64Array, length: int) -> list[UInt32Array]:
    """The ids' digits as ASCII codes, the first one first."""
    rest: NDArray[Any] = visitor_id.astype(np.uint32) if length < 10 else visitor_id
    text = []
    for _ in range(length):
        upper = rest // 10
        text.append((rest - upper * 10).astype(np.uint32) + _ZERO)
        rest = upper
    return text[::-1]
