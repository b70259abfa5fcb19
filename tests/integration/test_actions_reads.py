"""What is read back from PostgreSQL: verify finds every fault, figures are what a computation in the test says."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from clickstream.actions import analytics, sessions
from clickstream.actions.verify import sessions as verify
from clickstream.cli.main import run
from clickstream.config.settings import Settings
from clickstream.domain.errors import ServiceRefused, UsageError
from clickstream.services.postgres import analytics as figures
from clickstream.services.postgres import inspect
from clickstream.services.postgres import verify as verify_sql
from clickstream.services.postgres.connection import connect
from clickstream.services.postgres.inspect import count_rejects, counts
from clickstream.services.postgres.migrate import migrate
from clickstream.services.postgres.statements import statement as sql_of
from clickstream.services.postgres.verify import MOST_EXAMPLES
from tests.feed import KINDS, START_MS, TIMEOUT_MS, query, shop
from tests.oracle import Event, SessionRow, sessions_of

DAY_MS = 86_400_000

EVENTS = [*shop(7, 3_000, visitors=40, span_ms=60 * DAY_MS), Event(1, START_MS + 58 * DAY_MS, 2, 3)]


def store(settings: Settings, events: list[Event]) -> list[SessionRow]:
    """Put events, and the sessions that the oracle makes of them, into the tables."""
    assert settings.postgres
    migrate(settings.postgres, session_timeout_ms=TIMEOUT_MS)
    query(
        settings,
        "INSERT INTO events SELECT to_timestamp(t / 1000.0), v, k::event_type, i, NULL"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) AS e (v, t, k, i) RETURNING 1",
        [event.visitor_id for event in events],
        [event.time_ms for event in events],
        [KINDS[event.kind] for event in events],
        [event.item_id for event in events],
    )
    found = sorted(sessions_of(events, TIMEOUT_MS))
    query(
        settings,
        "INSERT INTO sessions (visitor_id, session_start, session_end, duration_seconds, event_count, view_count,"
        " cart_count, transaction_count, items_viewed, items_carted, items_purchased, converted)"
        " SELECT v, to_timestamp(a / 1000.0), to_timestamp(b / 1000.0), (b - a) / 1000, n + c + t, n, c, t,"
        " iv::bigint[], ic::bigint[], it::bigint[], t > 0"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::int[], %s::text[],"
        " %s::text[], %s::text[]) AS s (v, a, b, n, c, t, iv, ic, it) RETURNING 1",
        *([_array(one) if isinstance(one, tuple) else one for one in column] for column in zip(*found, strict=True)),
    )
    execute(settings, "TRUNCATE session_days")
    execute(settings, re.search("INSERT INTO.*?;", sql_of("0005_days").decode(), re.DOTALL)[0])  # type: ignore[index]
    return found


@pytest.fixture(params=["small tables", "large tables"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of getting at a figure: by reading the table, and by what is kept beside it."""
    if request.param == "large tables":
        for module in (inspect, figures):
            monkeypatch.setattr(module, "SMALL_TABLE", 0)
        monkeypatch.setattr(figures, "SAMPLE_PERCENT", 100.0)


def _array(items: tuple[int, ...]) -> str:
    return "{" + ",".join(map(str, items)) + "}"


@pytest.fixture
def stored(settings: Settings) -> list[SessionRow]:
    return store(settings, EVENTS)


def test_verify_agrees_with_what_is_right(settings: Settings, stored: list[SessionRow]) -> None:
    found = verify.verify(settings)
    assert found.ok
    assert found == verify.Verification(len(EVENTS), len(stored), len(stored), 0, 0, 0, 0)


def test_verify_tells_when_the_figures_by_day_are_not_those_of_the_sessions(
    settings: Settings, stored: list[SessionRow]
) -> None:
    execute(settings, "UPDATE session_days SET sessions = sessions + 1 WHERE day = (SELECT min(day) FROM session_days)")
    found = verify.verify(settings)
    assert found.different_days == 1
    assert found.ok


def test_verify_splits_after_the_timeout_and_not_at_it(settings: Settings) -> None:
    times = (0, TIMEOUT_MS, 2 * TIMEOUT_MS + 1, 2 * TIMEOUT_MS + 1)
    events = [Event(1, START_MS + time, kind, 5) for time, kind in zip(times, (0, 0, 0, 1), strict=True)]
    assert len(store(settings, events)) == 2
    assert verify.verify(settings).ok


@pytest.mark.parametrize(
    ("fault", "missing", "unexpected", "different"),
    [
        ("DELETE FROM sessions WHERE visitor_id = 3", None, 0, 0),
        ("UPDATE sessions SET session_start = session_start - interval '1 hour' WHERE visitor_id = 4", None, None, 0),
        ("DELETE FROM events WHERE visitor_id = 5", 0, None, 0),
        ("UPDATE sessions SET session_end = session_end + interval '1 ms' WHERE visitor_id = 3", 0, 0, None),
        *(
            (f"UPDATE sessions SET {column} = {column} + 1 WHERE visitor_id = 3", 0, 0, None)
            for column in ("duration_seconds", "event_count", "view_count", "cart_count", "transaction_count")
        ),
        *(
            (f"UPDATE sessions SET {column} = {column} || 77::bigint WHERE visitor_id = 3", 0, 0, None)
            for column in ("items_viewed", "items_carted", "items_purchased")
        ),
        ("UPDATE sessions SET converted = NOT converted WHERE visitor_id = 3", 0, 0, None),
        (
            "ALTER TABLE sessions DROP COLUMN session_id, ADD COLUMN session_id varchar;"
            " UPDATE sessions SET session_id = 'wrong' WHERE visitor_id = 3;"
            " UPDATE sessions SET session_id = visitor_id || '-' || (extract(epoch FROM session_start) * 1000)::bigint"
            " WHERE visitor_id <> 3",
            0,
            0,
            None,
        ),
    ],
)
def test_verify_finds_every_fault(
    settings: Settings,
    stored: list[SessionRow],
    fault: str,
    missing: int | None,
    unexpected: int | None,
    different: int | None,
) -> None:
    for statement in fault.split(";"):
        execute(settings, statement)
    found = verify.verify(settings)
    assert not found.ok
    for figure, expected in ((found.missing, missing), (found.unexpected, unexpected), (found.different, different)):
        assert figure > 0 if expected is None else figure == expected
    assert run(["verify", "--json"]) == 1


def test_verify_finds_doubled_events(settings: Settings, stored: list[SessionRow]) -> None:
    execute(settings, "ALTER TABLE events DROP CONSTRAINT events_pkey")
    execute(settings, "INSERT INTO events SELECT * FROM events WHERE visitor_id = 2")
    found = verify.verify(settings)
    assert found.duplicate_events == sum(event.visitor_id == 2 for event in EVENTS)
    assert not found.ok
    doubled = [one.stored for one in found.examples if one.kind == verify.DUPLICATE]
    assert [(one["visitor_id"], one["rows"]) for one in doubled if one] == [(2, 2)] * MOST_EXAMPLES


def test_verify_shows_what_differs_stored_beside_expected(
    settings: Settings, stored: list[SessionRow], capsys: pytest.CaptureFixture[str]
) -> None:
    for statement in (
        "DELETE FROM sessions WHERE visitor_id = 3",
        "UPDATE sessions SET event_count = event_count + 1 WHERE visitor_id = 4",
        "UPDATE session_days SET sessions = sessions + 1 WHERE day = (SELECT min(day) FROM session_days)",
    ):
        execute(settings, statement)
    execute(settings, "UPDATE sessions SET session_start = session_start - interval '1 hour' WHERE visitor_id = 5")
    assert run(["verify", "--json"]) == 1
    examples = json.loads(capsys.readouterr().out)["examples"]
    assert Counter(one["kind"] for one in examples) == {
        verify.MISSING: MOST_EXAMPLES,
        verify.UNEXPECTED: MOST_EXAMPLES,
        verify.DIFFERENT: MOST_EXAMPLES,
        verify.DAY: MOST_EXAMPLES,
    }
    by_id = {f"{one.visitor_id}-{one.start_ms}": one for one in stored}
    for one in examples:
        if one["kind"] == verify.DIFFERENT:
            right = by_id[one["of"]].views + by_id[one["of"]].carts + by_id[one["of"]].purchases
            assert one["columns"] == ["event_count"]
            assert (one["stored"]["event_count"], one["expected"]["event_count"]) == (right + 1, right)
        elif one["kind"] == verify.MISSING:
            assert (one["of"] in by_id, one["stored"]) == (True, None)
        elif one["kind"] == verify.UNEXPECTED:
            assert (one["of"] in by_id, one["expected"]) == (False, None)
        else:
            assert re.fullmatch(r"2015-\d\d-\d\d", one["of"])
            assert one["columns"]
    assert run(["verify"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"^different: 4-\d+: event_count \d+, expected \d+$", out, re.MULTILINE)
    assert re.search(r"^missing: [35]-\d+$", out, re.MULTILINE)
    assert re.search(r"^different day: 2015-\d\d-\d\d: .*sessions \d+, expected \d+", out, re.MULTILINE)


def test_verify_compares_in_ranges_of_visitors_and_says_how_far_it_is(
    settings: Settings, stored: list[SessionRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    borders = verify_sql._BORDERS.replace(b"SYSTEM (1)", b"SYSTEM (100)")
    monkeypatch.setattr(verify_sql, "_BORDERS", borders)
    told: list[float] = []
    assert verify.verify(settings, progress=told.append) == verify.Verification(
        len(EVENTS), len(stored), len(stored), 0, 0, 0, 0
    )
    assert len(told) > 10
    assert told == sorted(set(told))
    assert told[-1] < 1


def test_verify_of_empty_tables_is_ok(settings: Settings) -> None:
    assert settings.postgres
    migrate(settings.postgres, session_timeout_ms=TIMEOUT_MS)
    assert verify.verify(settings) == verify.Verification(0, 0, 0, 0, 0, 0, 0)


def test_without_tables_it_says_how_to_get_them(settings: Settings) -> None:
    with pytest.raises(ServiceRefused, match="no clickstream tables"):
        verify.verify(settings)


def funnel(rows: list[SessionRow]) -> analytics.Funnel:
    carts = [row for row in rows if row.carts]
    buys = [row for row in rows if row.purchases]
    abandoned = sum(not row.purchases for row in carts)
    return analytics.Funnel(
        sessions=len(rows),
        cart_sessions=len(carts),
        purchase_sessions=len(buys),
        total_purchases=sum(row.purchases for row in rows),
        conversion_rate=round(100 * len(buys) / len(rows), 2),
        cart_abandonment=round(100 * abandoned / len(carts), 2) if carts else 0.0,
        avg_items_per_purchase=round(sum(len(row.purchased) for row in buys) / len(buys), 2) if buys else 0.0,
    )


@pytest.mark.usefixtures("size")
def test_analytics_are_what_the_sessions_say(settings: Settings, stored: list[SessionRow]) -> None:
    found = analytics.analytics(settings)
    newest = max(row.start_ms for row in stored)
    assert found.all_time == funnel(stored)
    assert found.last_day == funnel([row for row in stored if row.start_ms >= newest - DAY_MS])
    assert found.last_month == funnel([row for row in stored if row.start_ms >= newest - 30 * DAY_MS])
    assert found.last_day != found.last_month != found.all_time
    counts = [Counter(event.item_id for event in EVENTS if event.kind == kind) for kind in range(3)]
    items = sorted({event.item_id for event in EVENTS}, key=lambda item: (-counts[0][item], item))[:10]
    assert [dataclasses.astuple(item) for item in found.top_items] == [
        (item, *(count[item] for count in counts)) for item in items
    ]


def test_funnels_and_items_read_apart_are_those_read_together(settings: Settings, stored: list[SessionRow]) -> None:
    whole = analytics.analytics(settings)
    assert analytics.funnels(settings) == dataclasses.replace(whole, top_items=())
    assert analytics.top_items(settings) == whole.top_items


@pytest.mark.usefixtures("size")
def test_a_window_s_far_edge_belongs_to_it(settings: Settings) -> None:
    ages = (0, DAY_MS, DAY_MS + 1, 30 * DAY_MS, 30 * DAY_MS + 1)
    store(settings, [Event(visitor, START_MS + 40 * DAY_MS - age, 0, 1) for visitor, age in enumerate(ages)])
    found = analytics.analytics(settings)
    assert (found.last_day.sessions, found.last_month.sessions, found.all_time.sessions) == (2, 4, 5)


@pytest.mark.usefixtures("size")
def test_analytics_of_nothing_are_zeros(settings: Settings) -> None:
    assert settings.postgres
    migrate(settings.postgres, session_timeout_ms=TIMEOUT_MS)
    nothing = analytics.Funnel(0, 0, 0, 0, 0.0, 0.0, 0.0)
    assert analytics.analytics(settings) == analytics.Analytics(nothing, nothing, nothing, ())


@pytest.mark.usefixtures("size")
def test_rejects_count_while_they_wait(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    store(settings, EVENTS[:10])
    execute(
        settings,
        'INSERT INTO rejected_events (topic, topic_id, partition, "offset", reason, replayed_at)'
        " SELECT 't', 'x', 0, n, 'no JSON', CASE WHEN n < 2 THEN now() END FROM generate_series(0, 4) AS n",
    )
    assert settings.postgres
    found = counts(settings.postgres)
    assert (found.events, found.rejected_events, found.replayed_rejects) == (10, 3, 2)
    assert count_rejects(settings.postgres) == (3, 2)
    assert run(["status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["counts"]
    assert (told["rejected_events"], told["replayed_rejects"]) == (3, 2)


def test_one_visitor_s_history(settings: Settings, stored: list[SessionRow]) -> None:
    found = sessions.show(settings, 3)
    assert [one.session_id for one in found.sessions] == [f"3-{row.start_ms}" for row in stored if row.visitor_id == 3]
    own = sorted(event[1:] for event in EVENTS if event.visitor_id == 3)
    assert [(_ms(event.event_time), KINDS.index(event.event), event.item_id) for event in found.events] == own
    assert sessions.show(settings, 999_999) == sessions.Visitor(999_999, [], [])
    with pytest.raises(UsageError):
        sessions.show(settings, -1)


def test_a_time_after_the_year_9999_can_be_shown(settings: Settings) -> None:
    store(settings, [Event(1, 300_000_000_000_000, 0, 1)])
    assert sessions.show(settings, 1).events[0].event_time == "11476-08-15T05:20:00.000Z"


@pytest.mark.parametrize(
    ("view", "columns"),
    [
        ("conversion_funnel", "sum(sessions), sum(cart_sessions), sum(purchase_sessions)"),
        ("hourly_traffic", "sum(events), sum(views), sum(carts)"),
        ("item_metrics", "sum(views), sum(carts), sum(purchases)"),
        ("top_items", "sum(views), sum(carts), sum(purchases)"),
        ("visitor_metrics", "sum(sessions), sum(events), sum(transactions)"),
    ],
)
def test_views_add_up(settings: Settings, stored: list[SessionRow], view: str, columns: str) -> None:
    kinds = [sum(event.kind == kind for event in EVENTS) for kind in range(3)]
    carts, buys = sum(row.carts > 0 for row in stored), sum(row.purchases > 0 for row in stored)
    expected = {
        "conversion_funnel": (len(stored), carts, buys),
        "hourly_traffic": (len(EVENTS), kinds[0], kinds[1]),
        "item_metrics": tuple(kinds),
        "top_items": tuple(kinds),
        "visitor_metrics": (len(stored), len(EVENTS), kinds[2]),
    }
    assert query(settings, f"SELECT {columns} FROM {view}") == [expected[view]]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


def execute(settings: Settings, statement: str) -> None:
    """A statement without rows."""
    assert settings.postgres
    with connect(settings.postgres, application_name="tests") as connection:
        connection.execute(statement.encode())
