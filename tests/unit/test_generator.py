"""What is in the generated file: its figures, counted from the CSV in plain Python, and its bytes."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickstream.actions.data.generate import generate
from clickstream.domain.events import CSV_HEADER, EXAMPLE_VISITOR, KINDS
from clickstream.pipeline.events.chance import Chance
from clickstream.pipeline.events.columns import distinct
from clickstream.pipeline.events.csvfile.reader import read_events
from clickstream.pipeline.events.generator import RETAILROCKET, Shape, generate_events
from tests.oracle import Event, sessions_of

SAMPLE = Path(__file__).parents[2] / "data" / "sample.csv"
SMALL = RETAILROCKET.scaled(0.001)
SHA256_SMALL = "efa52007a8dee43f1b7b3c330893733eefdd95f4c66015671ebc3f37a4dffd37"
SHA256_FULL = "caf72e4489b4532f9b1bdf757aae2a003772b1eb9cf8fd0d89cb176f59d29198"


class Row(NamedTuple):
    time_ms: int
    visitor: int
    event: str
    item: int
    transaction: int | None


def read(text: str) -> list[Row]:
    header, *lines = csv.reader(io.StringIO(text))
    assert tuple(header) == CSV_HEADER
    return [Row(int(t), int(v), e, int(i), int(x) if x else None) for t, v, e, i, x in lines]


@pytest.fixture(scope="module")
def shape() -> Shape:
    return RETAILROCKET.scaled(0.02)


@pytest.fixture(scope="module")
def rows(shape: Shape, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    path = tmp_path_factory.mktemp("generated") / "events.csv"
    generate(path, shape=shape)
    return read(path.read_text("ascii"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_figures_are_exact(rows: list[Row], shape: Shape) -> None:
    assert Counter(row.event for row in rows) == {
        "view": shape.views,
        "addtocart": shape.addtocarts,
        "transaction": shape.transactions,
    }
    assert len({row.visitor for row in rows}) == shape.visitors
    assert len({row.item for row in rows}) == shape.items
    assert min(row.time_ms for row in rows) == shape.first_ms
    assert max(row.time_ms for row in rows) == shape.last_ms


def test_only_the_duplicates_share_an_identity(rows: list[Row], shape: Shape) -> None:
    repeats = Counter(rows)
    assert Counter(repeats.values()) == {1: shape.rows - 2 * shape.duplicates, 2: shape.duplicates}
    assert len({row[:4] for row in rows}) == len(repeats)


def test_sessions_are_as_many_as_the_shape_says(rows: list[Row], shape: Shape) -> None:
    events = [Event(row.visitor, row.time_ms, KINDS.index(row.event), row.item) for row in rows]
    sessions = sessions_of(events, timeout_ms=30 * 60_000)
    assert len(sessions) == shape.sessions
    assert max(Counter(session.visitor_id for session in sessions).values()) > 50


def test_carts_follow_views_and_purchases_follow_carts(rows: list[Row]) -> None:
    first: dict[tuple[str, int, int], int] = {}
    for row in sorted(rows):
        first.setdefault((row.event, row.visitor, row.item), row.time_ms)
    needs = {"addtocart": "view", "transaction": "addtocart"}
    for row in rows:
        if row.event in needs:
            assert first[needs[row.event], row.visitor, row.item] < row.time_ms


def test_transactions_are_baskets_of_one_visitor_numbered_from_zero(rows: list[Row]) -> None:
    baskets: dict[int, set[Row]] = {}
    for row in rows:
        assert (row.transaction is not None) == (row.event == "transaction")
        if row.transaction is not None:
            baskets.setdefault(row.transaction, set()).add(row)
    assert sorted(baskets) == list(range(len(baskets)))
    assert all(len({row.visitor for row in basket}) == 1 for basket in baskets.values())
    assert any(len(basket) > 1 for basket in baskets.values())


def test_interest_is_heavy_tailed(rows: list[Row]) -> None:
    visits = Counter(row.visitor for row in rows).values()
    assert sum(count == 1 for count in visits) > 0.6 * len(visits)
    assert max(visits) > 300
    views = sorted(Counter(row.item for row in rows).values(), reverse=True)
    assert sum(views[: len(views) // 100]) > 0.1 * len(rows)


def test_day_and_week_have_a_rhythm(rows: list[Row]) -> None:
    times = [datetime.fromtimestamp(row.time_ms / 1000, UTC) for row in rows]
    hours = Counter(time.hour for time in times)
    days = Counter(time.weekday() for time in times)
    assert max(hours, key=hours.__getitem__) in range(18, 23)
    assert min(hours, key=hours.__getitem__) in range(5, 11)
    assert min(days, key=days.__getitem__) == 5


def test_rows_are_not_sorted_by_time(rows: list[Row]) -> None:
    later = sum(after.time_ms < before.time_ms for before, after in pairwise(rows))
    assert 0.4 < later / len(rows) < 0.6


@pytest.mark.slow  # seconds of one core; the small file's bytes are compared in every run
def test_the_whole_file_is_the_same_everywhere_and_has_the_known_figures(tmp_path: Path) -> None:
    made = generate(tmp_path / "events.csv")
    assert sha256(made.path) == SHA256_FULL
    events = read_events(made.path).columns
    assert made.rows == len(events) == 2_756_101
    assert events.visitor_id[0] == EXAMPLE_VISITOR
    assert np.bincount(events.kind).tolist() == [2_664_312, 69_332, 22_457]
    assert len(np.unique(events.visitor_id)) == 1_407_580
    assert len(np.unique(events.item_id)) == 235_061
    assert len(distinct(events)) == 2_756_101 - 460


def test_the_small_file_is_the_same_everywhere(tmp_path: Path) -> None:
    made = generate(tmp_path / "events.csv", shape=SMALL)
    assert sha256(made.path) == SHA256_SMALL
    assert (made.rows, made.size_bytes) == (SMALL.rows, made.path.stat().st_size)
    assert b"\r" not in made.path.read_bytes()


def test_another_seed_gives_another_file_of_the_same_shape(tmp_path: Path) -> None:
    other = generate(tmp_path / "events.csv", seed=7, shape=SMALL)
    assert sha256(other.path) != SHA256_SMALL
    assert other.rows == SMALL.rows


def test_the_sample_is_what_the_generator_makes(tmp_path: Path) -> None:
    generate(tmp_path / "sample.csv", shape=RETAILROCKET.scaled(0.00073))
    assert (tmp_path / "sample.csv").read_bytes() == SAMPLE.read_bytes()


def test_the_visitor_of_the_examples_is_in_the_sample_and_in_the_smallest_file(tmp_path: Path) -> None:
    assert EXAMPLE_VISITOR in {row.visitor for row in read(SAMPLE.read_text("ascii"))}
    generate(tmp_path / "one.csv", shape=SMALL, limit=1)
    assert [row.visitor for row in read((tmp_path / "one.csv").read_text("ascii"))] == [EXAMPLE_VISITOR]


@settings(max_examples=25)
@given(factor=st.floats(0.00002, 0.002), seed=st.integers(0, 2**64))
def test_every_scale_and_seed_gives_exact_figures(factor: float, seed: int) -> None:
    shape = RETAILROCKET.scaled(factor)
    events = generate_events(shape, seed)
    columns = (events.visitor_id, events.time_ms, events.kind, events.item_id)
    identities = Counter(zip(*(column.tolist() for column in columns), strict=True))
    assert len(events) == shape.rows
    assert len(identities) == shape.rows - shape.duplicates
    assert len(set(events.visitor_id.tolist())) == shape.visitors
    assert len(set(events.item_id.tolist())) == shape.items
    assert events.time_ms[events.visitor_id == EXAMPLE_VISITOR].min() == shape.first_ms
    own = [Event(*identity) for identity in identities]
    assert len(sessions_of(own, timeout_ms=30 * 60_000)) == shape.sessions


@given(
    parts=st.integers(1, 500), more=st.integers(0, 20_000), twice_exponent=st.integers(3, 8), shift=st.integers(0, 20)
)
def test_heavy_tailed_counts_add_up(parts: int, more: int, twice_exponent: int, shift: int) -> None:
    counts = Chance(1).heavy_tailed(parts, parts + more, twice_exponent, shift)
    assert len(counts) == parts
    assert counts.min() >= 1
    assert counts.sum() == parts + more


@pytest.mark.parametrize(
    "wrong",
    [
        {"visitors": 300},
        {"items": 200},
        {"transactions": 11},
        {"duplicates": -1},
        {"sessions": 10},
        {"last_ms": 0},
    ],
)
def test_contradictory_figures_are_refused(wrong: dict[str, int]) -> None:
    right = {"visitors": 50, "items": 20, "views": 190, "addtocarts": 10, "transactions": 5, "duplicates": 2}
    assert Shape(**right, sessions=60).rows == 205
    with pytest.raises(ValueError, match="no file can have these figures"):
        Shape(**{**right, "sessions": 60, **wrong})


def test_a_visitor_without_time_enough_is_refused() -> None:
    shape = Shape(2, 1, 2000, 0, 0, 0, sessions=2000, first_ms=0, last_ms=86_400_000)
    with pytest.raises(ValueError, match="do not fit"):
        generate_events(shape, 1)
