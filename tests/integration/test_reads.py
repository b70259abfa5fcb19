"""Short reads share a pool of connections, and get from it what a connection of their own would give them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from clickstream.actions.observe.watcher import Watcher
from clickstream.config.settings import PostgresSettings, Settings
from clickstream.domain.errors import AdmissionRefused, ServiceNotReady, ServiceRefused, ServiceUnavailable
from clickstream.services.postgres import pool, reads, session_settings
from clickstream.services.postgres.connection import translated
from clickstream.services.postgres.reads import MOST, NAME, borrow
from tests.changing import replace
from tests.consuming import drain
from tests.feed import query, send, shop
from tests.proxies.pooler import session_pooler, transaction_pooler
from tests.proxies.postgres import postgres_proxy
from tests.waiting import wait_until

FRAMES = 10


@pytest.fixture
def postgres(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> PostgresSettings:
    monkeypatch.setattr(reads, "FIRST", 0)
    assert settings.postgres
    return settings.postgres


def behind(postgres: PostgresSettings, port: int) -> PostgresSettings:
    return postgres.model_copy(update={"port": port})


def backend(postgres: PostgresSettings, **options: Any) -> int:
    """The server's process that serves a short read."""
    with borrow(postgres, **options) as connection:
        return int(one(connection, "SELECT pg_backend_pid()"))


def one(connection: psycopg.Connection[Any], statement: str) -> Any:
    row = connection.execute(statement.encode()).fetchone()
    assert row
    return row[0]


def alive(settings: Settings, pids: list[int]) -> int:
    return int(query(settings, "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", pids)[0][0])


def test_one_connection_serves_reads_that_follow_each_other(postgres: PostgresSettings) -> None:
    assert len({backend(postgres) for _ in range(20)}) == 1
    with borrow(postgres) as connection:
        assert one(connection, "SHOW application_name") == NAME


def test_what_a_read_sets_is_not_there_for_the_next_one(postgres: PostgresSettings) -> None:
    shown = ["search_path", "statement_timeout", "jit", "default_transaction_isolation", "TimeZone", "client_encoding"]
    with borrow(postgres) as connection:
        before = [one(connection, f"SHOW {name}") for name in shown]
        first = connection.info.backend_pid
        for changed in ("search_path = public", "statement_timeout = 1000", "jit = off", "TimeZone = 'Asia/Tokyo'"):
            connection.execute(f"SET {changed}".encode())
        connection.execute(b"SET default_transaction_isolation = serializable")
        connection.execute(b"SET client_encoding = LATIN1")
        connection.isolation_level, connection.read_only = psycopg.IsolationLevel.SERIALIZABLE, True
        connection.execute(b"BEGIN")
    with borrow(postgres) as connection:
        assert connection.info.backend_pid == first
        assert [one(connection, f"SHOW {name}") for name in shown] == before
        assert (connection.isolation_level, connection.read_only, connection.autocommit) == (None, None, True)
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with connection.transaction():
            assert one(connection, "SHOW transaction_isolation") == "read committed"
            assert one(connection, "SHOW transaction_read_only") == "off"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such option")
def test_a_machine_that_is_gone_is_noticed_soon(postgres: PostgresSettings) -> None:
    """A new connection would time out; one that was kept would send again and again for a quarter of an hour."""
    with borrow(postgres) as connection, socket.socket(fileno=os.dup(connection.fileno())) as server:
        assert 0 < server.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 10_000


@pytest.mark.slow
def test_a_command_that_reads_twice_loads_no_pool(settings: Settings) -> None:
    read = "borrow(load_settings().postgres).__enter__()"
    lines = [
        "import sys",
        "from clickstream.config.settings import load_settings",
        "from clickstream.services.postgres.reads import borrow",
        f"for _ in range(3): {read}; print('psycopg_pool' in sys.modules)",
    ]
    found = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout.split() == ["False", "False", "True"]


def test_tables_that_were_made_again_are_read(postgres: PostgresSettings, settings: Settings) -> None:
    """A statement that the server keeps prepared would fail."""
    query(settings, f"CREATE SCHEMA {postgres.schema_name}")
    for columns in ("one int", "one text, two int"):
        query(settings, f"DROP TABLE IF EXISTS {postgres.schema_name}.shape")
        query(settings, f"CREATE TABLE {postgres.schema_name}.shape ({columns})")
        for _ in range(12):
            with borrow(postgres) as connection, translated():
                connection.execute("SELECT * FROM shape WHERE one IS NOT NULL AND %s", [True])


def test_an_error_of_a_read_costs_no_connection(postgres: PostgresSettings) -> None:
    first = backend(postgres)
    with pytest.raises(ServiceRefused, match="has no clickstream tables"), borrow(postgres) as connection, translated():
        connection.execute(b"SELECT * FROM events")
    assert backend(postgres) == first


@pytest.mark.slow
def test_what_the_server_ended_is_replaced(postgres: PostgresSettings, settings: Settings) -> None:
    with postgres_proxy(postgres) as proxy:
        proxied = behind(postgres, proxy.port)
        with ExitStack() as held:
            pids = [held.enter_context(borrow(proxied)).info.backend_pid for _ in range(MOST)]
        query(settings, "SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", pids)
        wait_until(lambda: alive(settings, pids) == 0, "the server has ended them")
        assert len({backend(proxied) for _ in range(3)} - {*pids}) == 1
        assert proxy.served == MOST + 1


def test_a_connection_that_breaks_under_a_read_is_the_readers_error(
    postgres: PostgresSettings, settings: Settings
) -> None:
    """No statement is sent twice."""
    with borrow(postgres) as connection:
        pid = connection.info.backend_pid
        query(settings, "SELECT pg_terminate_backend(%s)", pid)
        with pytest.raises(ServiceUnavailable), translated():
            connection.execute(b"SELECT pg_sleep(60)")
    assert backend(postgres) != pid


@pytest.mark.slow
def test_more_readers_than_connections_do_not_wait(postgres: PostgresSettings, settings: Settings) -> None:
    with ExitStack() as held:
        pids = [held.enter_context(borrow(postgres)).info.backend_pid for _ in range(MOST + 2)]
        assert len(set(pids)) == MOST + 2
        assert alive(settings, pids) == MOST + 2
    wait_until(lambda: alive(settings, pids) == MOST, "what was too many is closed")


def test_readers_at_once_get_a_connection_each(postgres: PostgresSettings) -> None:
    together = threading.Barrier(MOST)
    pids: list[int] = []

    def read() -> None:
        with borrow(postgres) as connection:
            together.wait(60)
            pids.append(connection.info.backend_pid)

    for _ in range(3):
        threads = [threading.Thread(target=read) for _ in range(MOST)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(pids) == 3 * MOST
    assert len(set(pids)) == MOST


@pytest.mark.parametrize("state", ["28P01", "28000", "3D000", "42501"])
def test_a_refusal_comes_back_at_once_and_nothing_is_tried_behind_it(postgres: PostgresSettings, state: str) -> None:
    with postgres_proxy(postgres, *[state] * 9) as proxy:
        for attempts in (1, 2):
            with pytest.raises(AdmissionRefused, match=r"PostgreSQL refused: .*el servidor.* \(check "):
                backend(behind(postgres, proxy.port))
            assert attempts <= proxy.refused <= 3 * attempts, "one attempt, and the questions why"


def test_it_is_tried_again_while_the_server_starts(postgres: PostgresSettings) -> None:
    with postgres_proxy(postgres, *["57P03"] * 6, *["53300"] * 2) as proxy:
        assert backend(behind(postgres, proxy.port))
    with postgres_proxy(postgres, *["57P03"] * 9) as proxy:
        with pytest.raises(ServiceNotReady, match="PostgreSQL is not ready"):
            backend(behind(postgres, proxy.port), patience=0)
        assert proxy.refused <= 3


def test_every_reader_that_waits_gets_the_error(postgres: PostgresSettings) -> None:
    errors: list[Exception] = []

    def read(port: int) -> None:
        try:
            backend(behind(postgres, port), patience=0)
        except AdmissionRefused as error:
            errors.append(error)

    with postgres_proxy(postgres, *["28P01"] * 40) as proxy:
        threads = [threading.Thread(target=read, args=[proxy.port]) for _ in range(MOST)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(errors) == MOST


def test_other_settings_are_another_pool_and_close_the_old_one(postgres: PostgresSettings, settings: Settings) -> None:
    with borrow(postgres) as in_use:
        used, old = in_use.info.backend_pid, backend(postgres)
        with pytest.raises(AdmissionRefused):
            backend(postgres.model_copy(update={"password": SecretStr("wrong")}))
        wait_until(lambda: alive(settings, [old]) == 0, "the idle one is closed")
        assert one(in_use, "SELECT 1") == 1
    wait_until(lambda: alive(settings, [used]) == 0, "the other one is closed once it is given back")
    assert backend(postgres) not in {old, used}


def test_a_connection_that_is_not_needed_is_closed(
    postgres: PostgresSettings, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.1)
    with ExitStack() as held:
        pids = [held.enter_context(borrow(postgres)).info.backend_pid for _ in range(MOST)]
    wait_until(lambda: alive(settings, pids) == 0, "all are closed")
    assert backend(postgres)


@pytest.mark.slow
def test_a_pooler_in_session_mode_does(postgres: PostgresSettings) -> None:
    session_settings._known_poolers.clear()
    with session_pooler(postgres) as pooled:
        assert len({backend(pooled) for _ in range(3)}) == 1


@pytest.mark.slow
def test_a_pooler_in_transaction_mode_is_refused(postgres: PostgresSettings) -> None:
    session_settings._known_poolers.clear()
    with transaction_pooler(postgres) as pooled:
        for _ in range(2):
            with pytest.raises(ServiceRefused, match="pooler in transaction mode"):
                backend(pooled)


FORKED = """
import atexit, os, sys, threading
atexit.register(lambda: print(threading.active_count()))  # called last
from clickstream.config.settings import load_settings
from clickstream.services.postgres.reads import borrow

def backend():
    with borrow(load_settings().postgres) as connection:
        return connection.execute("SELECT pg_backend_pid()").fetchone()[0]

before = [backend() for _ in range(5)][-1]
if child := os.fork():
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), backend() == before)
else:
    others = [backend() for _ in range(5)][-2:]
    sys.exit(0 if others[0] == others[1] != before else 1)
"""


@pytest.mark.usefixtures("settings")
@pytest.mark.slow
def test_a_fork_has_a_pool_of_its_own_and_both_end_quietly() -> None:
    command = [sys.executable, "-W", "default", "-W", "ignore:This process:DeprecationWarning", "-c", FORKED]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (found.stdout, found.stderr, found.returncode) == ("1\n0 True\n1\n", "", 0)


def test_a_dashboard_opens_no_connection_for_a_frame(settings: Settings, postgres: PostgresSettings) -> None:
    send(settings, shop(3, 200))
    drain(settings)
    with postgres_proxy(postgres) as proxy:
        seen = replace(settings, postgres=behind(postgres, proxy.port))
        counted = set()
        with Watcher(lambda: seen, every=0.1) as watcher:
            for frame in watcher.frames():
                if frame.counts is not None:
                    counted.add(frame.counts.at)
                if len(counted) == FRAMES:
                    break
                watcher.ask_now()
        assert proxy.served <= MOST, f"{FRAMES} frames for which rows were counted"
