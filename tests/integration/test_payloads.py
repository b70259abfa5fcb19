"""What is meant to harm, on real servers: every byte is kept, no screen is steered, and memory is bounded."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pty
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from clickstream.actions.observe.watcher import Watcher
from clickstream.actions.rejects import listing as rejects
from clickstream.cli.main import run
from clickstream.config.paths import Home
from clickstream.config.settings import KafkaSettings, PostgresSettings, Settings, load_settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.events import BadLine
from clickstream.domain.processes import Role
from clickstream.domain.reports import WorkerReport
from clickstream.pipeline.events.csvfile.rejects import write_rejects
from clickstream.services.kafka.admin import create_topic, delete_topic
from clickstream.services.kafka.config import client_config
from clickstream.services.postgres.connection import connect
from clickstream.services.postgres.migrate import migrate
from clickstream.services.valkey import heartbeats, server
from clickstream.services.valkey.connection import PREFIX
from clickstream.services.valkey.connection import connect as connect_valkey
from clickstream.services.valkey.position_history import PositionHistory
from clickstream.tui.app import ClickstreamApp
from clickstream.tui.widgets.row_table import RowTable
from tests.consuming import drain
from tests.feed import START_MS, TIMEOUT_MS, check, own_names, query, value
from tests.oracle import Event
from tests.tui.driving import asking, strips, until_idle
from tests.waiting import until

MEGABYTE = 1_000_000

STEERING = {
    "a colour and a cleared screen": b"\x1b[2J\x1b[31mred",
    "a title": b"\x1b]0;owned\x07",
    "a link": b"\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "a paste": b"\x1b[200~rm -rf ~\n\x1b[201~",
    "C1 in UTF-8": "\x9b31mred\x9d0;owned\x9c".encode(),
    "C1 as bytes": b"\x9b31mred",
    "another direction": "\u202egnp.exe\u2066\u200f".encode(),
    "NUL and backspaces": b"\x00abc\b\b\b\r\x7f",
    "markup": b"[red]x[/red] [@click=app.quit]quit[/] [link=http://evil.example]y[/link] [/]",
}

OTHERS = {
    "no UTF-8": b"\xff\xfe\xc3\x28",
    "half a surrogate": b'{"timestamp":1,"visitor_id":1,"event":"\\ud800","item_id":1}',
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "a deep field": value(Event(1, START_MS, 0, 1))[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a huge number": b'{"timestamp":1,"visitor_id":1' + b"0" * 100_000 + b',"event":"view","item_id":1}',
    "a kind that steers": b'{"timestamp":1,"visitor_id":1,"event":"\\u001b]0;owned\\u0007[red]","item_id":1}',
    "10 MB": b"\x1b" * 10 * MEGABYTE,
    "10 MB of a kind": b'{"timestamp":1,"visitor_id":1,"event":"' + b"x" * 10 * MEGABYTE + b'","item_id":1}',
}

HOSTILE = STEERING | OTHERS

KEYS: tuple[bytes | None, ...] = (b"\x1b]0;key\x07", b"1", None, b"[red]" * 50_000)

GOOD = [Event(7, START_MS + second, 0, second) for second in range(len(HOSTILE) + 1)]

STYLING = re.compile(r"\x1b\[[0-9;]*m")
"""All that we write to a terminal that is not text: colours, and bold."""

WORDS = "\x1b]0;owned\x07[red]\x9b31m\u202e\x00"


def printable(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.fixture(scope="module")
def hostile(stack_home: Home) -> Iterator[Settings]:
    """All of HOSTILE sent to a topic that takes it, with an event before, between and after, and stored."""
    with pytest.MonkeyPatch.context() as patch:
        own_names(patch, stack_home, f"test_{secrets.token_hex(4)}")
        loaded = load_settings()
    assert loaded.kafka
    assert loaded.postgres
    create_topic(loaded.kafka)
    _allow_large(loaded.kafka)
    _send(loaded)
    drain(loaded)
    yield loaded
    delete_topic(loaded.kafka, loaded.kafka.events_topic)
    query(loaded, f"DROP SCHEMA {loaded.postgres.schema_name} CASCADE")


@pytest.fixture
def here(hostile: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same, as the settings of this test's environment."""
    assert hostile.kafka
    for file in hostile.home.rejects.iterdir():
        file.unlink()
    own_names(monkeypatch, hostile.home, hostile.kafka.events_topic)
    return hostile


def _allow_large(kafka: KafkaSettings) -> None:
    limit = ConfigEntry("max.message.bytes", str(20 * MEGABYTE), incremental_operation=AlterConfigOpType.SET)
    topic = ConfigResource(ConfigResource.Type.TOPIC, kafka.events_topic, incremental_configs=[limit])
    admin = AdminClient(client_config(kafka, client_id="tests"))
    [altered] = admin.incremental_alter_configs([topic]).values()
    altered.result(30)


def _send(settings: Settings) -> None:
    assert settings.kafka
    producer = Producer(
        {**client_config(settings.kafka, client_id="tests"), "message.max.bytes": 20 * MEGABYTE, "acks": "all"}
    )
    refused: list[Any] = []

    def told(error: object, _: object) -> None:
        refused.extend([error] if error else [])

    for number, payload in enumerate(HOSTILE.values()):
        for key, content in ((b"7", value(GOOD[number])), (KEYS[number % len(KEYS)], payload)):
            producer.produce(settings.kafka.events_topic, content, key, partition=0, on_delivery=told)
    producer.produce(settings.kafka.events_topic, value(GOOD[-1]), b"7", partition=0)
    assert producer.flush(60) == 0
    assert not refused


def test_every_byte_is_kept_and_no_neighbour_is_harmed(here: Settings) -> None:
    check(here, GOOD)
    rows = query(here, "SELECT key, payload, reason FROM rejected_events")
    found = {bytes(payload): key and bytes(key) for key, payload, _ in rows}
    assert found == {payload: KEYS[number % len(KEYS)] for number, payload in enumerate(HOSTILE.values())}
    assert all(0 < len(reason) <= 300 for _, _, reason in rows), "a reason repeats no payload"


def test_lists_are_printable_and_hold_no_payload_whole(here: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    here.home.make()
    bad = [BadLine(number, f"{WORDS} is not a number", payload) for number, payload in enumerate(STEERING.values(), 1)]
    path = write_rejects(here.home.rejects, bad)
    try:
        for command in (("list",), ("list", "--json"), ("list", "--reason", WORDS[:-1])):
            capsys.readouterr()
            assert run(["rejects", *command]) == 0
            shown = capsys.readouterr()
            assert printable(shown.out + shown.err)
            assert len(shown.out) < 100_000
    finally:
        path.unlink()


def test_one_is_shown_escaped_and_a_large_one_in_part(here: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    listed = rejects.listing(here).rejects
    assert len(listed) == len(HOSTILE)
    for one in listed:
        capsys.readouterr()
        assert run(["rejects", "show", one.id]) == 0
        shown = capsys.readouterr().out
        assert printable(shown)
        assert len(shown) < 3 * MEGABYTE
        assert ("--raw has all" in shown) == (one.size > MEGABYTE)
        if one.size != len(STEERING["a link"]):
            continue
        assert run(["rejects", "show", one.id, "--json"]) == 0
        text = capsys.readouterr().out
        assert printable(text)
        assert base64.b64decode(json.loads(text)["payload_base64"]) in HOSTILE.values()


def test_listing_takes_little_memory(here: Settings) -> None:
    tracemalloc.start()
    try:
        assert len(rejects.listing(here).rejects) == len(HOSTILE)
        assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    finally:
        tracemalloc.stop()


def test_a_terminal_gets_nothing_but_text_and_styles(here: Settings) -> None:
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    written = on_a_terminal([sys.executable, "-m", "clickstream", "rejects", "list"], environ)
    assert r"\x1b]0;owned\x07" in written
    assert printable(STYLING.sub("", written).replace("\r\n", "\n"))


def on_a_terminal(command: list[str], environ: dict[str, str]) -> str:
    """What a command writes to the terminal that it runs on."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 65_536):
                written += chunk
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        assert process.wait(60) == 0
    return written.decode()


def assert_escaped(app: ClickstreamApp) -> None:
    for strip in strips(app):
        for segment in strip:
            assert not segment.text or segment.text.isprintable()
            assert not (segment.style and segment.style.link)
            assert not (segment.style and segment.style.meta.get("@click") == "app.quit")


def test_no_payload_steers_the_dashboard(here: Settings) -> None:
    async def drive() -> None:
        with Watcher(load_settings, every=0.2) as watcher:
            app = ClickstreamApp(watcher, quiet=0)
            async with app.run_test(size=(160, 50)) as pilot:
                await pilot.press("5")
                await until(pilot, lambda: app.screen.query(RowTable), "a table")
                table = app.screen.query_one(RowTable)
                await until(pilot, lambda: table.row_count == len(HOSTILE), "the rejects")
                for key in [*["down"] * len(HOSTILE), "h", *["up"] * 3]:
                    assert_escaped(app)
                    await pilot.press(key)
                    await until(pilot, lambda: not asking(), "an answer")
                assert_escaped(app)
                assert app.is_running

    asyncio.run(drive())


def hostile_heartbeats(topic: str) -> dict[str, bytes]:
    """By key, what somebody with Valkey's password may write where the heartbeats are."""
    report = WorkerReport(at=time.time(), state="running", partitions=(0,))

    def heartbeat(**changes: Any) -> bytes:
        document = msgspec.to_builtins(
            heartbeats.Heartbeat("consumer-9", Role.CONSUMER, "afar", 7, time.time() - 9, report)
        )
        changed = {key: val for key, val in changes.items() if key in document}
        rest = {key: val for key, val in changes.items() if key not in document}
        return msgspec.json.encode(document | changed | {"report": document["report"] | rest})

    texts = heartbeat(name=WORDS * 1000, host=WORDS, state=WORDS, detail=WORDS * 100, pace=WORDS)
    numbers: list[dict[str, Any]] = [
        {"at": 1e308}, {"started_at": -1e308}, {"events": -5}, {"lag": 2**70}, {"pid": -1}, {"pid": 2**70},
        {"partitions": [2**65]}, {"partitions": list(range(20_000))}, {"latency_counts": [-1] * 20},
        {"stages": {WORDS: 1.0}, "counters": {WORDS: 1}}, {"positions": {"-1": 1}}, {"newest_event_ms": 10**40},
    ]  # fmt: skip
    odd = [b"", b"{", b"\xff", b"[" * 100_000, b'{"name":"\xff"}', texts.replace(b"afar", b"\xff"), b"x" * 2 * MEGABYTE]
    odd += [b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + texts[1:].join((b",", b""))]
    values = [texts, *(heartbeat(**one) for one in numbers), *odd]
    return {f"{PREFIX}board:{topic}:{WORDS}:{number}": content for number, content in enumerate(values)}


@pytest.fixture
def with_hostile_heartbeats(here: Settings) -> Iterator[Settings]:
    """The heartbeat registry and the position history full of them."""
    assert here.kafka
    assert here.valkey
    topic = here.kafka.events_topic
    hostile = hostile_heartbeats(topic)
    points: list[dict[str, str]] = [{"at": "nan"}, {"at": "inf", "0": "1"}, {"x": "y"}, {"at": "1", "0": "9" * 60}]
    history = f"{PREFIX}trail:{topic}"
    with connect_valkey(here.valkey) as client:
        client.mset(hostile)
        for point in points:
            client.xadd(history, point)
        yield here
        client.delete(history, *hostile)


def test_heartbeats_are_read_as_what_strangers_wrote(
    with_hostile_heartbeats: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert with_hostile_heartbeats.valkey
    assert with_hostile_heartbeats.kafka
    with connect_valkey(with_hostile_heartbeats.valkey) as client:
        found = heartbeats.HeartbeatRegistry(client, topic=with_hostile_heartbeats.kafka.events_topic).read()
        points = PositionHistory(client, topic=with_hostile_heartbeats.kafka.events_topic).read(time.time() - 1000)
        assert all(time.time() - 1000 < at <= time.time() and set(positions) <= {0, 1, 2} for at, positions in points)
    assert 2 <= len(found) <= 4, "what a worker may say is read, the rest is left out"
    for one in found:
        assert all(text.isprintable() and len(text) <= 500 for text in (one.name, one.host, one.report.detail))
    for command in (["status"], ["status", "--json"], ["consumer", "list"], ["lag"]):
        capsys.readouterr()
        assert run(command) == 0
        shown = capsys.readouterr()
        assert printable(shown.out + shown.err), command

    async def drive() -> None:
        with Watcher(load_settings, every=0.2) as watcher:
            app = ClickstreamApp(watcher, quiet=0)
            async with app.run_test(size=(160, 50)) as pilot:
                await until(
                    pilot, lambda: app.frame and any(not row.local for row in app.frame.processes), "heartbeats"
                )
                for screen in "123":
                    await pilot.press(screen)
                    await until_idle(pilot)
                    assert_escaped(app)

    asyncio.run(drive())


def test_windows_that_strangers_wrote_only_cost_time(here: Settings) -> None:
    """For the right revision of the offset and without sense: the consumer looks everything up instead."""
    assert here.kafka
    assert here.valkey
    producer = Producer(client_config(here.kafka, client_id="tests"))
    with connect_valkey(here.valkey) as client:
        [key] = client.scan_iter(match=f"{PREFIX}window:{here.kafka.events_topic}:*:0")
        odd_kind = [0, b"\xff" * 8, b"\0" * 8, b"\x09", b"\0" * 8]
        spoilt: Any
        for spoilt in ([0, b"x", b"", b"\0", b""], odd_kind, [2**63, *[b""] * 4], [0], {}):
            version, offset, revision, _ = msgspec.msgpack.decode(client.get(key))
            client.set(key, msgspec.msgpack.encode([version, offset, revision, spoilt]))
            producer.produce(here.kafka.events_topic, value(GOOD[0]), b"7", partition=0)  # once more
            assert producer.flush(30) == 0
            drain(here)
    check(here, GOOD)


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that says the same to whatever comes; its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    connection.recv(4096)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def of_postgresql(words: bytes) -> bytes:
    """An ErrorResponse."""
    fields = b"SFATAL\0VFATAL\0C28P01\0M" + words + b"\0\0"
    return b"E" + (len(fields) + 4).to_bytes(4, "big") + fields


@pytest.mark.parametrize(
    "spoilt",
    [WORDS.replace("\0", "").encode(), b"\xff\xfe" * 40_000, b"[red]\x1b[31m\n\x1b]0;x\x07"],
    ids=["signs", "bytes", "lines"],
)
def test_what_a_server_says_steers_nothing(
    spoilt: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_line = spoilt.replace(b"\n", b" ")
    with answering(of_postgresql(spoilt)) as postgres, answering(b"-ERR " + one_line + b"\r\n") as valkey:
        servers = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "PG_HOST": "127.0.0.1", "VALKEY_HOST": "127.0.0.1"}
        servers |= {"PG_PORT": str(postgres), "PG_SSLMODE": "disable", "VALKEY_PORT": str(valkey)}
        for name, setting in servers.items():
            monkeypatch.setenv(name, setting)
        assert run(["verify"]) == 1
        shown = capsys.readouterr().err
        assert printable(shown)
        assert len(shown) < 3_000
        valkey_settings = load_settings().valkey
        assert valkey_settings
        with pytest.raises(ClickstreamError) as caught:
            server.server_info(valkey_settings)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 3_000


@pytest.mark.parametrize("name", ["Clickstream", "user", "_9"])
def test_a_schema_that_is_taken_is_made_and_found(here: Settings, name: str) -> None:
    """Names that PostgreSQL folds or reads as words of its own where they are not quoted."""
    assert here.postgres
    written = here.postgres.model_dump(by_alias=True) | {"PG_SCHEMA_NAME": name}
    taken = PostgresSettings.model_validate(written)
    migrate(taken, session_timeout_ms=TIMEOUT_MS)
    with connect(taken, application_name="tests") as connection:
        assert connection.execute("SELECT current_schema(), count(*) FROM events").fetchone() == (name, 0)
        connection.execute(f'DROP SCHEMA "{name}" CASCADE'.encode())
