"""Times as users write them: what is one means just that instant, in UTC unless a zone is named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clickstream.domain.errors import UsageError
from clickstream.domain.times import time_of

WHEN = datetime(2015, 5, 3, 3, 0, 4, 384_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["1430622004384ms", " 2015-05-03T03:00:04.384 ", "2015-05-03 05:00:04.384+02:00", "2015-05-03T03:00:04.384Z"],
)
def test_a_time_is_an_instant(text: str) -> None:
    assert time_of(text) == WHEN


@pytest.mark.parametrize(
    "text", ["", "now", "20150503", "2015-13-01", "1969-12-31", "12:30", "9" * 15 + "ms", "\x1b[2J"]
)
def test_what_is_not_a_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="2026-11-25T08:30") as refused:
        time_of(text)
    assert str(refused.value).isprintable()
