"""Numbers and pictures as text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.tui.drawing.pieces import box, fit, spread, width_of
from clickstream.tui.drawing.text import area, bar, clip, milliseconds, number, resample, seconds, spark


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "/s", "?"), (math.nan, "/s", "?"), (0, "/s", "–"), (61_234, "/s", "61.2 k/s"), (999.4, "/s", "999/s"),
        (999.6, "/s", "1.00 k/s"), (5, "", "5"), (5.25, "", "5.25"), (2_756_101, "", "2.76 M"), (96e6, "B", "96.0 MB"),
        (7e12, "", "7,000 G"),
    ],
)  # fmt: skip
def test_three_significant_digits(value: float | None, unit: str, words: str) -> None:
    assert number(value, unit) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "?"), (0.44, "0.4 s"), (59.6, "60 s"), (100, "2 min"), (7_500, "2 h 05"), (200_000, "2 d 7 h")],
)
def test_spans(value: float | None, words: str) -> None:
    assert seconds(value) == words


@pytest.mark.parametrize(("value", "words"), [(0.42, "0.4 ms"), (41.2, "41 ms"), (3_141, "3.1 s"), (None, "?")])
def test_milliseconds(value: float | None, words: str) -> None:
    assert milliseconds(value) == words


@given(st.floats(-1, 2), st.integers(0, 60))
def test_bars_have_their_width(share: float, width: int) -> None:
    assert len(bar(share, width)) == width


@given(st.lists(st.floats(0, 1e9) | st.just(math.nan), max_size=40), st.integers(1, 50), st.integers(1, 8))
def test_charts_have_their_size(values: list[float], width: int, height: int) -> None:
    assert len(spark(values, width, 30)) == width
    lines = area(values, width, height, top=1e9)
    assert [len(line) for line in lines] == [width] * height


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0, "    "), (0.001, "▏   "), (0.2, "▊   "), (0.25, "▇   "), (0.6, "▇▇  "), (1, "▇▇▇▇"), (7, "▇▇▇▇")],
)
def test_bars_are_of_whole_cells_and_little_is_not_nothing(share: float, drawn: str) -> None:
    assert bar(share, 4) == drawn


def test_sparklines_show_the_same_span_however_little_is_known() -> None:
    assert spark([1.0, 2.0], 4, 4) == "  ▄▇"
    assert spark([9.0, *[1.0, 1.0, 2.0, 2.0]], 2, 4) == "▄▇"


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_resampling_to_the_same_width_changes_nothing(values: list[float]) -> None:
    assert resample(values, len(values)) == values


def test_what_is_cut_says_so() -> None:
    assert clip("clickstream", 6) == "click…"
    assert clip("clickstream", 11) == "clickstream"


@given(
    st.lists(st.tuples(st.text("abc ", max_size=9), st.just("")), max_size=5),
    st.lists(st.tuples(st.text("xyz", max_size=9), st.just("")), max_size=3),
    st.integers(1, 40),
)
def test_rows_have_their_width(left: list[tuple[str, str]], right: list[tuple[str, str]], width: int) -> None:
    assert width_of(fit(left, width)) == width
    assert width_of(spread(left, right, width)) == width


@given(st.integers(8, 40), st.text("ab", max_size=50), st.text("cd", max_size=30))
def test_boxes_are_rectangles(width: int, title: str, foot: str) -> None:
    lines = box([(title, "")], [[("x" * 99, "")], []], width, foot=[(foot, "")] if foot else [])
    assert [width_of(line) for line in lines] == [width] * 4
