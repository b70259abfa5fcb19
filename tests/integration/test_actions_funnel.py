"""The longer looks at the funnel against a computation in the test, and their cancelling."""

from __future__ import annotations

import dataclasses
import json
import statistics
import threading
from collections import Counter, defaultdict

import pytest

from clickstream.actions import funnel
from clickstream.cli.main import run
from clickstream.config.settings import Settings
from clickstream.domain.cancellation import Cancellation
from clickstream.domain.errors import Interrupted, ServiceRefused
from clickstream.services.postgres.connection import connect
from clickstream.services.postgres.migrate import migrate
from tests.feed import START_MS, TIMEOUT_MS, query, shop
from tests.integration.test_actions_reads import store
from tests.oracle import Event, SessionRow
from tests.waiting import wait_until

DAY_MS, HOUR_MS = 86_400_000, 3_600_000

EVENTS = shop(11, 3_000, visitors=25, span_ms=9 * DAY_MS)


@pytest.fixture
def stored(settings: Settings) -> list[SessionRow]:
    return store(settings, EVENTS)


def test_the_ordered_funnel_is_what_the_events_say(settings: Settings, stored: list[SessionRow]) -> None:
    found = funnel.ordered_funnel(settings)
    times: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in EVENTS:
        times[event.visitor_id, event.item_id].append((event.kind, event.time_ms))
    to_cart, to_purchase, viewed = [], [], 0
    for steps in times.values():
        views = [at for kind, at in steps if kind == 0]
        viewed += bool(views)
        carts = [at for kind, at in steps if kind == 1 and views and at > min(views)]
        if not carts:
            continue
        to_cart.append(min(carts) - min(views))
        bought = [at for kind, at in steps if kind == 2 and at > min(carts)]
        if bought:
            to_purchase.append(min(bought) - min(carts))
    assert (found.viewed, found.carted, found.bought) == (viewed, len(to_cart), len(to_purchase))
    assert 0 < found.bought < found.carted < found.viewed
    assert found.seconds_to_cart == pytest.approx(statistics.median(to_cart) / 1000, abs=0.06)
    assert found.seconds_to_purchase == pytest.approx(statistics.median(to_purchase) / 1000, abs=0.06)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(0, 0), (1, 1), (2, 2)], (1, 1, 1)),
        ([(1, 0), (0, 1), (2, 2)], (1, 0, 0)),
        ([(0, 0), (2, 1), (1, 2)], (1, 1, 0)),
        ([(0, 0), (1, 0), (2, 0)], (1, 0, 0)),
        ([(1, 0), (2, 1)], (0, 0, 0)),
        ([(1, 0), (0, 5), (1, 9), (2, 10)], (1, 1, 1)),
    ],
)
def test_the_order_counts(settings: Settings, steps: list[tuple[int, int]], expected: tuple[int, int, int]) -> None:
    store(settings, [Event(1, START_MS + at, kind, 7) for kind, at in steps])
    found = funnel.ordered_funnel(settings)
    assert (found.viewed, found.carted, found.bought) == expected


def test_sessions_by_day_and_hour_add_up(settings: Settings, stored: list[SessionRow]) -> None:
    found = funnel.breakdown(settings)
    days = Counter(row.start_ms // DAY_MS for row in stored)
    hours = Counter(row.start_ms // HOUR_MS % 24 for row in stored)
    assert [(slot.number, slot.sessions) for slot in found.days] == sorted(days.items())
    assert [(slot.number, slot.sessions) for slot in found.hours] == [(hour, hours[hour]) for hour in range(24)]
    for slots in (found.days, found.hours):
        assert sum(slot.cart_sessions for slot in slots) == sum(row.carts > 0 for row in stored)
        assert sum(slot.purchase_sessions for slot in slots) == sum(row.purchases > 0 for row in stored)
    bought = Counter({row.visitor_id: 0 for row in stored})
    for row in stored:
        bought[row.visitor_id] += row.purchases
    best = sorted(((-count, visitor) for visitor, count in bought.items() if count))[:5]
    assert [(-one.purchases, one.visitor_id) for one in found.customers] == best


def test_of_nothing_everything_is_nothing(settings: Settings) -> None:
    assert settings.postgres
    migrate(settings.postgres, session_timeout_ms=TIMEOUT_MS)
    assert dataclasses.astuple(funnel.ordered_funnel(settings)) == (0, 0, 0, None, None)
    assert funnel.breakdown(settings).days == ()


def test_without_tables_it_says_how_to_get_them(settings: Settings) -> None:
    for ask in (funnel.ordered_funnel, funnel.breakdown):
        with pytest.raises(ServiceRefused, match="no clickstream tables"):
            ask(settings)


def test_counting_can_be_cancelled(settings: Settings, stored: list[SessionRow]) -> None:
    assert settings.postgres
    cancellation, outcome = Cancellation(), []

    def count() -> None:
        try:
            outcome.append(funnel.ordered_funnel(settings, cancellation))
        except Interrupted as error:
            outcome.append(error)

    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%ordered funnel%%'"
    with connect(settings.postgres, application_name="tests") as connection, connection.transaction():
        connection.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        counting = threading.Thread(target=count)
        counting.start()
        wait_until(lambda: query(settings, waiting) != [(0,)], "it counts")
        cancellation.cancel()
        counting.join(30)
    assert [type(one) for one in outcome] == [Interrupted]


def test_what_is_cancelled_before_it_begins_does_not_begin(settings: Settings, stored: list[SessionRow]) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Interrupted):
        funnel.ordered_funnel(settings, cancellation)


def test_the_command_line_prints_it_too(
    settings: Settings, stored: list[SessionRow], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["analytics", "--detail", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["all_time"]["sessions"] == len(stored)
    assert told["ordered_funnel"]["viewed"] == funnel.ordered_funnel(settings).viewed
    assert [slot["sessions"] for slot in told["by_day"]] == [slot.sessions for slot in funnel.breakdown(settings).days]
    assert len(told["by_hour"]) == 24
    assert run(["analytics", "--detail"]) == 0
    assert "then a cart" in capsys.readouterr().out
