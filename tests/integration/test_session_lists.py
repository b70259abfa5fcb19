"""Lists of sessions: each kind holds just the sessions that a computation in the test picks, in their order."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from clickstream.actions.sessions import SessionKind, document, list_sessions
from clickstream.cli.commands import sessions as session_commands
from clickstream.cli.output import json_text, plain
from clickstream.config.settings import Settings
from clickstream.domain.errors import ServiceRefused, UsageError
from tests.consuming import drain
from tests.feed import START_MS, TIMEOUT_MS, query, send, shop
from tests.oracle import Event, SessionRow, sessions_of

DAY_MS = 86_400_000

LAST_MS = START_MS + 9 * DAY_MS

EVENTS = [
    *shop(11, 400, visitors=60, span_ms=9 * DAY_MS),
    # Visitor 900 does not leave for two days, and is there still.
    *(Event(900, LAST_MS - at, 0, 1) for at in range(0, 2 * DAY_MS, 20 * 60_000)),
    *(Event(visitor, LAST_MS - (visitor - 900) * 60_000, 0, 1) for visitor in range(901, 931)),
    Event(990, LAST_MS - TIMEOUT_MS, 0, 1),
    Event(991, LAST_MS - TIMEOUT_MS - 1, 0, 1),
]


def newest_first(row: SessionRow) -> tuple[int, int]:
    return -row.start_ms, row.visitor_id


def longest_first(row: SessionRow) -> tuple[int, ...]:
    return -((row.end_ms - row.start_ms) // 1000), row.visitor_id, row.start_ms


def is_open(row: SessionRow) -> bool:
    return row.end_ms >= LAST_MS - TIMEOUT_MS


PICKS: dict[SessionKind, tuple[Callable[[SessionRow], bool], Callable[[SessionRow], tuple[int, ...]]]] = {
    SessionKind.NEWEST: (lambda row: True, newest_first),
    SessionKind.CONVERTED: (lambda row: row.purchases > 0, newest_first),
    SessionKind.OPEN: (is_open, newest_first),
    SessionKind.LONGEST: (lambda row: True, longest_first),
}


@pytest.fixture
def stored(settings: Settings) -> Settings:
    send(settings, EVENTS)
    drain(settings)
    return settings


def listed(settings: Settings, kind: SessionKind, limit: int) -> list[str]:
    return [one.session_id for one in list_sessions(settings, kind, limit).sessions]


def test_each_kind_lists_its_sessions_and_no_others(stored: Settings) -> None:
    rows = sessions_of(EVENTS, TIMEOUT_MS)
    for kind, (picked, order) in PICKS.items():
        expected = [f"{row.visitor_id}-{row.start_ms}" for row in sorted(filter(picked, rows), key=order)]
        assert len(expected) > 7
        for limit in (1, 7, len(expected), len(expected) + 1):
            assert listed(stored, kind, limit) == expected[:limit], (kind, limit)


def test_figures_kept_beside_the_table_never_hide_a_session(stored: Settings) -> None:
    """Another program may have written into the tables."""
    whole = {kind: listed(stored, kind, 20) for kind in SessionKind}
    query(stored, "UPDATE session_days SET sessions = 1000, purchase_sessions = 1000")
    assert {kind: listed(stored, kind, 20) for kind in SessionKind} == whole
    query(stored, "TRUNCATE session_days")
    assert {kind: listed(stored, kind, 20) for kind in SessionKind} == whole


def test_rows_are_what_is_stored_and_lead_to_their_visitor(stored: Settings) -> None:
    found = list_sessions(stored, SessionKind.LONGEST, 1)
    [one] = found.sessions
    rows = [row for row in sessions_of(EVENTS, TIMEOUT_MS) if f"{row.visitor_id}-{row.start_ms}" == one.session_id]
    assert [(row.visitor_id, row.views, row.carts, row.purchases) for row in rows] == [
        (one.visitor_id, one.view_count, one.cart_count, one.transaction_count)
    ]
    assert one.event_count == one.view_count + one.cart_count + one.transaction_count
    shown = json.loads(json_text(document(found)))
    assert shown == {"kind": "longest", "limit": 1, "sessions": [shown["sessions"][0]]}
    assert shown["sessions"][0]["session_id"] == one.session_id
    text = plain(session_commands.session_table(found))
    assert f"clickstream sessions show {one.visitor_id}" in text
    assert "--limit shows more" in text


def test_what_cannot_be_listed_is_refused_in_words(settings: Settings) -> None:
    for limit in (0, -1, 100_001):
        with pytest.raises(UsageError, match="from 1 to 100,000"):
            list_sessions(settings, SessionKind.NEWEST, limit)
    with pytest.raises(ServiceRefused, match="no clickstream tables"):
        list_sessions(settings)


def test_before_the_first_session_each_list_is_empty_and_says_so(settings: Settings) -> None:
    drain(settings)
    for kind in SessionKind:
        found = list_sessions(settings, kind)
        assert found.sessions == ()
        assert plain(session_commands.session_table(found)).startswith("no session")
