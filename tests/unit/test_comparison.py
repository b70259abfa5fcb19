"""Two stores' rows held against one another: what only one has, and what they tell differently."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.comparison import Bucket, Row, Sums, differences

IDENTITIES = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.sampled_from(["addtocart", "transaction", "view"]), st.integers(0, 2)
)
STORE = st.dictionaries(IDENTITIES, st.none() | st.integers(0, 1), max_size=20)


@given(STORE, STORE)
def test_every_difference_is_told_once_and_nothing_else(
    left: dict[tuple[int, int, str, int], int | None], right: dict[tuple[int, int, str, int], int | None]
) -> None:
    ours, theirs = ([Row(*key, store[key]) for key in sorted(store)] for store in (left, right))
    told = list(differences(ours, theirs))
    missing = {one.identity for one, other in told if one and not other}
    unexpected = {other.identity for one, other in told if other and not one}
    different = {one.identity for one, other in told if one and other}
    assert missing == left.keys() - right.keys()
    assert unexpected == right.keys() - left.keys()
    assert different == {key for key in left.keys() & right.keys() if left[key] != right[key]}
    assert len(told) == len(missing) + len(unexpected) + len(different)


def test_a_row_that_one_store_has_twice_is_told() -> None:
    row = Row(1, 2, "view", 3, None)
    assert list(differences([row], [row, row])) == [(None, row)]


def test_sums_of_whole_numbers_are_compared_exactly_as_far_as_they_are_exact() -> None:
    assert Sums(2, 10, 20).same(Sums(2, 10.0, 20.0))
    assert not Sums(2, 10, 20).same(Sums(2, 11, 20))
    assert not Sums(2, 10, 20).same(Sums(3, 10, 20))
    assert Sums(9, 8e18, 1).same(Sums(9, 8e18 + 4096, 1))
    assert not Sums(9, 8e18, 1).same(Sums(9, 9e18, 1))


def test_a_row_s_bucket_and_document() -> None:
    row = Row(86_400_000 * 3 + 5, 7, "view", 9, None)
    assert Bucket.of(row) == Bucket(3, "view")
    assert row.id == "7-259200005-view-9"
