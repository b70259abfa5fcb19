"""What PostgreSQL itself refuses, and a backend that keeps its locks: one message is rejected, one backend ended."""

from __future__ import annotations

import psycopg
import pytest

from clickstream.config.settings import Settings
from clickstream.domain.errors import ServiceRefused
from clickstream.pipeline.consumer import sizer
from clickstream.services.postgres import store
from clickstream.services.postgres.migrate import migrate
from tests.consuming import consumers, drain
from tests.feed import START_MS, TIMEOUT_MS, all_committed, check, query, send, shop, value
from tests.oracle import Event
from tests.waiting import wait_until

BAD_ITEM = 666


@pytest.fixture
def tables(settings: Settings) -> Settings:
    """The tables, made before any consumer starts."""
    assert settings.postgres
    migrate(settings.postgres, session_timeout_ms=TIMEOUT_MS)
    return settings


@pytest.mark.slow
def test_a_message_that_a_constraint_refuses_is_rejected_alone(tables: Settings) -> None:
    alter(tables, f"ALTER TABLE events ADD CHECK (item_id <> {BAD_ITEM})")
    good = shop(21, 1500)
    bad = [Event(visitor, START_MS + visitor, 0, BAD_ITEM) for visitor in range(5)]
    send(tables, [*good[:700], *bad[:3], *good[700:], *bad[3:]])
    drain(tables, 2)
    check(tables, good)
    rejected = query(tables, "SELECT payload, reason FROM rejected_events")
    assert sorted(bytes(payload) for payload, _ in rejected) == sorted(map(value, bad))
    assert all("violates check constraint" in reason for _, reason in rejected)


@pytest.mark.slow
def test_a_message_that_a_trigger_refuses_or_that_has_too_large_a_number_is_rejected_alone(tables: Settings) -> None:
    alter(
        tables,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.visitor_id = 3 THEN RAISE 'not this one'; END IF;"
        " NEW.item_id := (NEW.item_id + 2147483000)::int; NEW.item_id := NEW.item_id - 2147483000; RETURN NEW; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    good = [event for event in shop(22, 800) if event.visitor_id != 3]
    raised, large = Event(3, START_MS, 0, 1), Event(5, START_MS, 0, 5000)
    send(tables, [*good[:300], raised, large, *good[300:]])
    drain(tables)
    check(tables, good)
    rejected = query(tables, "SELECT payload, reason FROM rejected_events ORDER BY reason")
    assert [bytes(payload) for payload, _ in rejected] == [value(large), value(raised)]
    assert "out of range" in rejected[0][1]
    assert "not this one" in rejected[1][1]


def test_tables_that_take_nothing_stop_the_consumer(tables: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizer, "REFUSED_IN_A_ROW", 3)
    alter(tables, "ALTER TABLE events ADD CHECK (false)")
    send(tables, shop(23, 100))
    with consumers(tables) as (worker,):
        wait_until(lambda: worker.failure is not None, "stopped")
        assert isinstance(worker.failure, ServiceRefused)
        assert "takes no message" in str(worker.failure)
        worker.failure = None
    assert query(tables, "SELECT count(*) FROM rejected_events") == [(3,)]


def test_a_consumer_that_froze_in_mid_transaction_is_put_out(tables: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_PATIENCE", 1)
    events = shop(24, 600)
    send(tables, events[:300])
    drain(tables)
    postgres = tables.postgres
    assert postgres
    assert postgres.password
    frozen = psycopg.connect(
        host=postgres.host,
        port=postgres.port,
        user=postgres.user,
        password=postgres.password.get_secret_value(),
        dbname=postgres.database,
        options=f"-c search_path={postgres.schema_name}",
    )
    frozen.execute("UPDATE consumer_offsets SET updated_at = now()")  # and then not a word more
    send(tables, events[300:])
    with consumers(tables):
        wait_until(lambda: all_committed(tables), "everything committed")
    with pytest.raises(psycopg.OperationalError):
        frozen.execute("SELECT 1")
    frozen.close()
    check(tables, events)


def alter(settings: Settings, *statements: str) -> None:
    for statement in statements:
        query(settings, statement)
