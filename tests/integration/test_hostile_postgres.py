"""What a role, a database, a pooler or the environment may have set otherwise decides nothing, or is refused."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from clickstream.actions import reset
from clickstream.actions.config.check import FAILED, WARN, Check
from clickstream.actions.config.check import check as config_check
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ServiceRefused
from clickstream.pipeline.events.murmur import partitions_of
from clickstream.services.kafka.config import client_config
from clickstream.services.postgres import session_settings
from clickstream.services.postgres.connection import connect
from clickstream.services.postgres.migrate import migrate
from clickstream.services.postgres.verify import verify
from tests.consuming import consumers, drain
from tests.feed import START_MS, all_committed, check, query, send, shop, value
from tests.hostile import ODD_SETTINGS, execute, rights_on_rows
from tests.oracle import Event
from tests.proxies.pooler import session_pooler, transaction_pooler
from tests.waiting import wait_until

EVENTS = shop(61, 400)
TIMEOUT = 30 * 60_000


def as_superuser(settings: Settings, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
    postgres, here = load_settings().postgres, settings.postgres
    assert postgres
    assert here
    return execute(postgres.model_copy(update={"database": database or here.database}), *statements)


def with_postgres(settings: Settings, **changes: Any) -> Settings:
    assert settings.postgres
    return replace(settings, postgres=settings.postgres.model_copy(update=changes))


@pytest.fixture
def role(settings: Settings) -> Iterator[Settings]:
    """Settings of a role of its own that may create schemas and is not a superuser."""
    name = f"app_{secrets.token_hex(4)}"
    as_superuser(
        settings, f"CREATE ROLE {name} LOGIN PASSWORD 'app'", f"GRANT CREATE ON DATABASE clickstream TO {name}"
    )
    yield with_postgres(settings, user=name, password=SecretStr("app"))
    as_superuser(settings, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def alter(settings: Settings, *assignments: str) -> None:
    assert settings.postgres
    for assignment in assignments:
        as_superuser(settings, f"ALTER ROLE {settings.postgres.user} SET {assignment}")


def test_a_role_with_odd_settings_changes_nothing(role: Settings, settings: Settings) -> None:
    alter(role, *ODD_SETTINGS)
    assert role.postgres
    with connect(role.postgres, application_name="tests") as connection:
        for assignment in ODD_SETTINGS:
            name, _, odd = assignment.partition(" = ")
            assert connection.execute(f"SHOW {name}".encode()).fetchone() != (odd.strip("'"),)
    send(role, [*EVENTS, ("1", '{"event": "купить"}'.encode())])
    with consumers(role):
        wait_until(lambda: all_committed(settings), "everything committed")
    check(settings, EVENTS)
    assert verify(role.postgres).ok
    assert query(settings, "SELECT count(*) FROM rejected_events") == [(1,)]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_two_messages_of_one_visitor_in_two_partitions_are_one_session(
    role: Settings, settings: Settings, level: str
) -> None:
    """One visitor is foreign: both batches wait for the same lock, and the second must see what the first stored."""
    alter(role, f"default_transaction_isolation = '{level}'")
    assert role.kafka
    assert role.postgres
    home = int(partitions_of(np.array([1]), 3)[0])
    events = [Event(1, START_MS, 0, 1), Event(1, START_MS + 60_000, 0, 2)]
    migrate(role.postgres, session_timeout_ms=TIMEOUT)
    with consumers(role, 2) as workers:
        wait_until(lambda: len(query(settings, "SELECT 1 FROM consumer_offsets")) == 3, "all partitions are open")
        assert not any(worker.failure for worker in workers)
        lock = f"hashtextextended('clickstream homes ' || '{role.postgres.schema_name}', 0)"
        with connect(role.postgres, application_name="tests") as holder, holder.transaction():
            holder.execute(f"SELECT pg_advisory_xact_lock({lock})".encode())
            produce_to(role, (home + 1) % 3, events[0])
            wait_until(lambda: waiting_for_lock(role) == 1, "the foreign one waits")
            produce_to(role, home, events[1])
            wait_until(lambda: waiting_for_lock(role) == 2, "both wait")
        wait_until(lambda: all_committed(settings), "everything committed")
    check(settings, events)


def waiting_for_lock(settings: Settings) -> int:
    assert settings.postgres
    rows = as_superuser(
        settings,
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        f" AND usename = '{settings.postgres.user}'",
    )
    return int(rows[0][0])


def produce_to(settings: Settings, partition: int, event: Event) -> None:
    from confluent_kafka import Producer

    assert settings.kafka
    producer = Producer(client_config(settings.kafka, client_id="tests"))
    producer.produce(settings.kafka.events_topic, value(event), str(event.visitor_id), partition=partition)
    assert producer.flush(30) == 0


@pytest.fixture
def database(settings: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a database of the encoding that the test names."""
    name = f"db_{secrets.token_hex(4)}"
    as_superuser(
        settings,
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{request.param}' LOCALE 'C'",
    )
    monkeypatch.setenv("PG_DATABASE", name)
    yield with_postgres(settings, database=name)
    as_superuser(settings, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("database", ["SQL_ASCII", "LATIN1", "UTF8"], indirect=True)
def test_a_database_of_any_encoding_does(
    database: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    send(database, [*EVENTS, ("3", '{"event": "купить"}'.encode()), ("4", '{"event": "購入é€"}'.encode())])
    drain(database)
    check(database, EVENTS)
    assert query(database, "SELECT count(*) FROM rejected_events") == [(2,)]
    monkeypatch.setenv("PGCLIENTENCODING", "SQL_ASCII")
    for line in ("config check", "analytics", "sessions show 1", "rejects list", "lag", "status", "verify"):
        assert run(line.split()) == 0, capsys.readouterr()
    assert "lag" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("PGSERVICE", "elsewhere"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGTARGETSESSIONATTRS", "standby"),
        ("PGCHANNELBINDING", "require"),
        ("PGREQUIREAUTH", "none"),
        ("PGSSLNEGOTIATION", "direct"),
        ("PGSSLMODE", "verify-full"),
        ("PGGSSENCMODE", "require"),
        ("PGOPTIONS", "-c search_path=public -c statement_timeout=1"),
        ("PGPASSWORD", "another"),
        ("PGDATESTYLE", "German"),
        ("PGTZ", "Asia/Kathmandu"),
        ("PGCONNECT_TIMEOUT", "2"),
        ("PGSSLCERT", "/nonexistent"),
    ],
)
def test_variables_of_libpq_do_not_count(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, setting: str
) -> None:
    monkeypatch.setenv(name, setting)
    assert settings.postgres
    with connect(settings.postgres, application_name="tests") as connection:
        assert connection.execute("SELECT current_schemas(false), current_setting('TimeZone')").fetchone() == (
            [],
            "UTC",
        )


@pytest.fixture
def shop_of_another(settings: Settings) -> Iterator[Settings]:
    """A database where another application has tables of our names in its schema `public`."""
    name = f"shop_{secrets.token_hex(4)}"
    as_superuser(settings, f"CREATE DATABASE {name}")
    as_superuser(
        settings,
        "CREATE TABLE public.events (note text)",
        "INSERT INTO public.events VALUES ('precious')",
        "CREATE TABLE public.sessions (token text)",
        "INSERT INTO public.sessions VALUES ('precious')",
        database=name,
    )
    yield with_postgres(settings, database=name)
    as_superuser(settings, f"DROP DATABASE {name} WITH (FORCE)")


def drain_behind(behind: Settings, settings: Settings) -> None:
    """What the tests themselves ask goes to the server directly: they name their schema in an option."""
    send(settings, EVENTS)
    with consumers(behind):
        wait_until(lambda: all_committed(settings), "everything committed")


def precious(settings: Settings) -> bool:
    assert settings.postgres
    found = as_superuser(
        settings,
        "SELECT (SELECT count(*) FROM public.events), (SELECT count(*) FROM public.sessions)",
        database=settings.postgres.database,
    )
    return found == [(1, 1)]


def test_a_reset_behind_a_pooler_touches_no_other_table(shop_of_another: Settings) -> None:
    assert shop_of_another.postgres
    with session_pooler(shop_of_another.postgres) as behind:
        settings = replace(shop_of_another, postgres=behind)
        reset.reset(settings)
        assert precious(shop_of_another)
        drain_behind(settings, shop_of_another)
        reset.reset(settings)
        assert precious(shop_of_another)
    assert query(shop_of_another, "SELECT count(*) FROM events") == [(0,)]


def test_a_pooler_in_session_mode_does(settings: Settings) -> None:
    assert settings.postgres
    with session_pooler(settings.postgres) as behind:
        drain_behind(replace(settings, postgres=behind), settings)
        assert verify(behind).ok
    check(settings, EVENTS)


def test_a_pooler_in_transaction_mode_is_refused(shop_of_another: Settings) -> None:
    assert shop_of_another.postgres
    with transaction_pooler(shop_of_another.postgres) as behind:
        with pytest.raises(ServiceRefused, match="pooler in transaction mode"):
            reset.reset(replace(shop_of_another, postgres=behind))
        with pytest.raises(ServiceRefused, match="session mode"):
            connect(behind, application_name="tests")
    assert precious(shop_of_another)


def test_a_schema_with_tables_of_another_application_is_not_reset(shop_of_another: Settings) -> None:
    settings = with_postgres(shop_of_another, schema_name="public")
    with pytest.raises(ServiceRefused, match="not clickstream's"):
        reset.reset(settings)
    assert precious(shop_of_another)


def test_who_owns_the_schema_needs_no_right_on_the_database(role: Settings) -> None:
    assert role.postgres
    schema, user = role.postgres.schema_name, role.postgres.user
    as_superuser(
        role, f"REVOKE CREATE ON DATABASE clickstream FROM {user}", f"CREATE SCHEMA {schema} AUTHORIZATION {user}"
    )
    send(role, EVENTS)
    drain(role)
    check(role, EVENTS)
    reset.reset(role)
    assert query(role, "SELECT count(*) FROM events") == [(0,)]


def test_rights_on_rows_alone_do_for_tables_that_are_there(role: Settings, settings: Settings) -> None:
    assert role.postgres
    assert settings.postgres
    schema, user = role.postgres.schema_name, role.postgres.user
    migrate(settings.postgres, session_timeout_ms=TIMEOUT)
    as_superuser(
        role,
        f"REVOKE CREATE ON DATABASE clickstream FROM {user}",
        *rights_on_rows(user, schema),
    )
    send(role, EVENTS)
    drain(role)
    check(role, EVENTS)
    assert found_by_the_doctor(role, "schema").state == "ok"
    with pytest.raises(ServiceRefused, match="grant"):
        reset.reset(role)
    assert len(query(role, "SELECT 1 FROM events")) == len(EVENTS)


def test_the_doctor_tells_reading_from_writing(role: Settings, settings: Settings) -> None:
    assert role.postgres
    assert settings.postgres
    schema, user = role.postgres.schema_name, role.postgres.user
    migrate(settings.postgres, session_timeout_ms=TIMEOUT)
    as_superuser(
        role,
        f"GRANT USAGE ON SCHEMA {schema} TO {user}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user}",
    )
    found = found_by_the_doctor(role, "schema")
    assert found.state == WARN
    assert "INSERT on events" in found.message
    as_superuser(role, f"REVOKE SELECT ON {schema}.sessions FROM {user}")
    found = found_by_the_doctor(role, "schema")
    assert found.state == FAILED
    assert "may not read sessions" in found.message


def found_by_the_doctor(settings: Settings, name: str) -> Check:
    return next(one for one in config_check(settings) if one.name == name)


def test_rows_that_a_policy_hides_are_not_missed(role: Settings, settings: Settings) -> None:
    assert role.postgres
    assert settings.postgres
    schema, user = role.postgres.schema_name, role.postgres.user
    send(settings, EVENTS)
    drain(settings)
    as_superuser(
        role,
        f"GRANT USAGE ON SCHEMA {schema} TO {user}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user}",
        f"ALTER TABLE {schema}.events ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY partly ON {schema}.events USING (visitor_id < 10)",
    )
    with pytest.raises(ServiceRefused, match="row-level security"):
        verify(role.postgres)


@pytest.fixture(autouse=True)
def no_pooler_is_known() -> None:
    session_settings._known_poolers.clear()
