"""The generator's random numbers: integer draws, permutations and heavy-tailed counts. Knows nothing of events.

Only integer arithmetic on raw 64-bit words of PCG64, whose stream numpy keeps fixed: the distributions of
numpy.random.Generator may change between versions, and floating-point logarithms and powers between machines.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array

UInt64Array = npt.NDArray[np.uint64]

LARGEST_COUNT = 8192
"""Where the heavy tail is cut off."""

BLOCK_BITS = 16


class Chance:
    """Random draws in a fixed order; one seed gives the same draws everywhere.

    `before_draw` is called before each; what it raises ends the work.
    """

    def __init__(self, seed: int, before_draw: Callable[[], None] = lambda: None) -> None:
        self._bits = np.random.PCG64(seed)
        self._before_draw = before_draw

    def words(self, length: int) -> UInt64Array:
        """`length` uniform 64-bit words."""
        self._before_draw()
        return np.asarray(self._bits.random_raw(length), dtype=np.uint64)

    def below(self, bound: int, length: int) -> Int64Array:
        """`length` uniform integers from 0 to bound - 1; bound is at most 2**32."""
        return ((self.words(length) >> 32) * np.uint64(bound) >> 32).astype(np.int64)

    def permutation(self, length: int, block: Int64Array | None = None) -> Int64Array:
        """The positions 0 to length - 1 in random order; with `block` (below 2**16), blocks in ascending order."""
        words = self.words(length)
        if block is None:
            return order_of(words)
        return order_of((words >> np.uint64(BLOCK_BITS)) | (block.astype(np.uint64) << np.uint64(64 - BLOCK_BITS)))

    def heavy_tailed(self, parts: int, total: int, twice_exponent: int, shift: int) -> Int64Array:
        """`parts` counts of at least 1 that add up to `total`, in random order.

        The share of parts with count k falls off as (k + shift) ** -(twice_exponent / 2).
        """
        counts = _ascending_counts(parts, twice_exponent, shift)
        difference = total - int(counts.sum())
        # What is missing goes to the smallest, where one more changes the shape least; so does what is too much.
        if difference > 0:
            counts += difference // parts
            counts[: difference % parts] += 1
        while difference < 0:
            smallest = np.flatnonzero(counts > 1)[:-difference]
            counts[smallest] -= 1
            difference += len(smallest)
        return counts[self.permutation(parts)]


def order_of(words: UInt64Array) -> Int64Array:
    """The positions of `words` by their high bits, equal ones by position, so that any sort gives the same order."""
    mask = np.uint64((1 << len(words).bit_length()) - 1)
    keys = (words & ~mask) | np.arange(len(words), dtype=np.uint64)
    keys.sort()
    return (keys & mask).astype(np.int64)


def _ascending_counts(parts: int, twice_exponent: int, shift: int) -> Int64Array:
    weights = [(1 << 96) // isqrt((k + shift) ** twice_exponent << 64) for k in range(1, LARGEST_COUNT + 1)]
    tails = list(accumulate(reversed(weights)))  # tails[i]: the weight of all counts from LARGEST_COUNT - i on
    at_least = np.array([0] + [(2 * parts * tail + tails[-1]) // (2 * tails[-1]) for tail in tails])
    return np.repeat(np.arange(1, LARGEST_COUNT + 1), np.diff(at_least)[::-1])
