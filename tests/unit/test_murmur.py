"""Visitors' partitions against murmur2 written out byte by byte, and against what Kafka's own tests say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clickstream.pipeline.events.murmur import partitions_of

MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    hashed = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * 0x5BD1E995 & MASK
        word = (word ^ word >> 24) * 0x5BD1E995 & MASK
        hashed = hashed * 0x5BD1E995 & MASK ^ word
    if rest := data[whole:]:
        hashed = (hashed ^ int.from_bytes(rest, "little")) * 0x5BD1E995 & MASK
    hashed = (hashed ^ hashed >> 13) * 0x5BD1E995 & MASK
    return hashed ^ hashed >> 15


def test_the_reference_is_kafkas() -> None:
    # From UtilsTest.java of Apache Kafka, as unsigned numbers.
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {text: murmur2(text) for text in known} == {text: number & MASK for text, number in known.items()}


@given(st.lists(st.integers(0, 2**63 - 1)), st.integers(1, 1000))
def test_any_ids(ids: list[int], partitions: int) -> None:
    expected = [(murmur2(b"%d" % one) & 0x7FFFFFFF) % partitions for one in ids]
    assert partitions_of(np.array(ids, np.int64), partitions).tolist() == expected


def test_ids_of_every_length() -> None:
    ids = [0, 2**63 - 1, *(10**digits for digits in range(19)), *(10**digits - 1 for digits in range(1, 19))]
    expected = [(murmur2(b"%d" % one) & 0x7FFFFFFF) % 1000 for one in ids]
    assert partitions_of(np.array(ids, np.int64), 1000).tolist() == expected
