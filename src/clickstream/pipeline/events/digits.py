"""Parses and writes decimal numbers, many at a time. Parsing takes eight digits as one 64-bit word."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

PADDING: Final = 32
"""Bytes that must precede and follow the text in its buffer, so that a word may reach beyond the text."""

LONGEST: Final = 18
"""Digits that are read; any number of that many fits into an int64."""

_U = np.uint64


def words_at(padded: bytes) -> npt.NDArray[np.uint64]:
    """An overlapping view: element i is the little-endian word of the bytes i to i+7."""
    return np.ndarray(shape=(len(padded) - 7,), dtype="<u8", buffer=padded, strides=(1,))


def numbers_before(
    words: npt.NDArray[np.uint64], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The numbers written in [start, end), and which of them are 1 to LONGEST ASCII digits; others mean nothing."""
    length = ends - starts
    good = (length >= 1) & (length <= LONGEST)
    longest = int(length[good].max(initial=0))
    value = np.zeros(len(starts), dtype=np.uint64)
    for done in range(0, longest, 8):
        foreign = (8 * (8 - np.clip(length - done, 0, 8))).astype(np.uint64)
        # The field's bytes are the word's upper ones; "0" to "9" become 0 to 9, and what precedes the field 0.
        word = (words[ends - done - 8] ^ _U(0x3030303030303030)) >> foreign << foreign
        good &= ((word + _U(0x7676767676767676)) | word) & _U(0x8080808080808080) == 0
        word = word * _U(10) + (word >> _U(8)) & _U(0x00FF00FF00FF00FF)
        word = word * _U(100) + (word >> _U(16)) & _U(0x0000FFFF0000FFFF)
        word = word * _U(10_000) + (word >> _U(32)) & _U(0x00000000FFFFFFFF)
        value += word * _U(10**done)
    return value.astype(np.int64), good


def digits_of(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The ASCII digits of numbers from 0 on, a row each, as wide as the largest one's; zero bytes go before a number.

    A negative number has no digits: its row is zero bytes only.
    """
    width = len(str(int(numbers.max(initial=0))))
    text = np.zeros((len(numbers), width), dtype=np.uint8)
    rest = numbers
    for place in reversed(range(width)):
        upper = rest // 10
        text[:, place] = np.where(rest > 0, rest - 10 * upper + ord("0"), 0)
        rest = upper
    text[numbers == 0, -1] = ord("0")
    return text
