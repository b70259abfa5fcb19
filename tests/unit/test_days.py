"""Figures by day, added up change by change, are those of the sessions in the end."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clickstream.domain.sessions import DayTotals
from clickstream.pipeline.sessions.days import day_totals
from clickstream.pipeline.sessions.window import Window
from tests.algebra import MemoryStore, as_columns
from tests.oracle import Event, SessionRow

DAY_MS = 86_400_000
TIMEOUT_MS = 30 * 60_000

events = st.builds(
    Event,
    visitor_id=st.integers(0, 2),
    time_ms=st.one_of(st.integers(0, 3 * DAY_MS), st.integers(DAY_MS - TIMEOUT_MS, DAY_MS + TIMEOUT_MS)),
    kind=st.integers(0, 2),
    item_id=st.integers(0, 2),
)


def figures_of(session: SessionRow) -> dict[str, int]:
    bought = session.purchases > 0
    return {
        "events": session.views + session.carts + session.purchases,
        "sessions": 1,
        "cart_sessions": int(session.carts > 0),
        "abandoned_sessions": int(session.carts > 0 and not bought),
        "purchase_sessions": int(bought),
        "total_purchases": session.purchases,
        "items_purchased": len(session.purchased),
    }


@given(st.lists(st.lists(events, max_size=8), max_size=8))
def test_changes_add_up_to_the_figures_of_the_sessions(batches: list[list[Event]]) -> None:
    store, window, kept = MemoryStore(), Window(TIMEOUT_MS), Counter[tuple[int, str]]()
    for number, batch in enumerate(batches):
        change = window.merge(as_columns(batch), number, number - 1, store.lookup)
        store.apply(change)
        totals = day_totals(change.removed, change.sessions)
        assert len(np.unique(totals.day)) == len(totals)
        for day, row in zip(totals.day.tolist(), totals.change.tolist(), strict=True):
            assert any(row), "a day that does not change is not written"
            for name, difference in zip(DayTotals.FIGURES, row, strict=True):
                kept[day, name] += difference
    expected = Counter[tuple[int, str]]()
    for session in store.sessions.values():
        for name, figure in figures_of(session).items():
            expected[session.start_ms // DAY_MS, name] += figure
    assert {key: value for key, value in kept.items() if value} == {k: v for k, v in expected.items() if v}
