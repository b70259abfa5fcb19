"""What the words of `consumer rewind --to` mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.errors import UsageError
from clickstream.domain.target import HIGHEST_OFFSET, Target, TopicEnd

ZONES = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("earliest", Target(TopicEnd.EARLIEST)),
        (" LATEST ", Target(TopicEnd.LATEST)),
        ("0", Target(offset=0)),
        ("20261125", Target(offset=20_261_125)),
        ("1430622004384ms", Target(unix_ms=1_430_622_004_384)),
        ("2015-05-03T03:00:04.384Z", Target(unix_ms=1_430_622_004_384)),
        ("2015-05-03 03:00:04.384", Target(unix_ms=1_430_622_004_384)),
        ("2015-05-03T05:00:04.384+02:00", Target(unix_ms=1_430_622_004_384)),
        ("2015-05-03", Target(unix_ms=1_430_611_200_000)),
    ],
)
def test_every_way_to_say_a_place(text: str, target: Target) -> None:
    assert Target.of(text) == target


@pytest.mark.parametrize(
    "text",
    ["", "-1", "1.5", "first", "1430622004384 ms", "1e3", "2026-13-01", "1969-12-31", "١٢", str(HIGHEST_OFFSET + 1),
     "12:30", "-2015-05-03", "9" * 16 + "ms"],
)  # fmt: skip
def test_what_means_nothing_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="earliest, latest, an offset"):
        Target.of(text)


@given(st.text(max_size=20))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        found = Target.of(text)
    except UsageError:
        return
    assert (bool(found.end), found.offset is not None, found.unix_ms is not None).count(True) == 1


@given(st.integers(0, HIGHEST_OFFSET))
def test_offsets_are_plain_numbers(offset: int) -> None:
    assert Target.of(str(offset)) == Target(offset=offset)


@given(st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1)), ZONES)
def test_times_mean_their_instant(time: datetime, zone: timezone) -> None:
    when = time.replace(microsecond=time.microsecond // 1000 * 1000, tzinfo=zone)
    if when.year >= 1970 and when >= datetime(1970, 1, 2, tzinfo=UTC):
        assert Target.of(when.isoformat()) == Target(
            unix_ms=(when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
        )
