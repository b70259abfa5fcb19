"""Aiven's API against a stand-in on loopback: what is made of its answers, and that none of them can do harm."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from clickstream.actions import aiven
from clickstream.actions.config import show as config_show
from clickstream.actions.observe import documents
from clickstream.actions.observe.model import UP, ServiceRow
from clickstream.actions.observe.once import observe
from clickstream.actions.servers import Questions
from clickstream.cli import frames, output
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import AdmissionRefused, ClickstreamError, ServiceRefused, ServiceUnavailable
from clickstream.services.aiven import api

TOKEN = "a-secret-token"
SERVERS = {
    "KAFKA_BOOTSTRAP_SERVERS": "kafka-demo.example.net:9092, other.example.net:9092",
    "PG_HOST": "PG-demo.example.net",
    "VALKEY_HOST": "valkey-demo.example.net",
    "AIVEN_API_TOKEN": TOKEN,
    "AIVEN_PROJECT_NAME": "demo project",
}


def service(name: str, kind: str, state: str, host: str | None, *components: str) -> dict[str, Any]:
    """As Aiven lists one, with more than we read."""
    return {
        "service_name": name,
        "service_type": kind,
        "state": state,
        "plan": "startup-4",
        "service_uri_params": {"host": host, "port": "1234", "password": "AVNS_x"} if host else {},
        "components": [{"component": kind, "host": one, "port": 1, "route": "privatelink"} for one in components],
        "node_states": [],
    }


LISTED = [
    service("k", "kafka", "RUNNING", "kafka-demo.example.net"),
    service("k2", "kafka", "POWEROFF", "kafka-other.example.net"),
    service("p", "pg", "REBUILDING", "pg-public.example.net", "pg-demo.example.net"),
    service("o", "opensearch", "RUNNING", None),
    {"service_name": "f", "service_type": "flink", "state": "RUNNING"},
]


class StandIn:
    """An HTTP server that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes = json.dumps({"services": LISTED}).encode()
        self.location = ""
        self.asked: list[tuple[str, str | None]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.url = ""


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    state = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers["Authorization"]))
            state.gate.wait(30)
            self.send_response(state.status)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(api, "BASE_URL", state.url)
    yield state
    state.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in SERVERS.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def words(settings: Settings) -> dict[str, aiven.AivenWord]:
    return aiven.words(settings, Questions(aiven.question(settings)))


def test_services_are_found_by_type_and_host_name_whatever_the_network(stand_in: StandIn, settings: Settings) -> None:
    assert words(settings) == {
        "kafka": aiven.AivenWord("RUNNING"),
        "postgresql": aiven.AivenWord("REBUILDING"),
        "valkey": aiven.AivenWord(error="not among the services of demo project"),
    }
    assert stand_in.asked == [("/v1/project/demo%20project/service", f"aivenv1 {TOKEN}")]


@pytest.mark.parametrize("name", ["AIVEN_API_TOKEN", "AIVEN_PROJECT_NAME"])
def test_without_token_or_project_no_server_is_asked(
    stand_in: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    assert words(load_settings()) == {}
    assert stand_in.asked == []


Change = Callable[[StandIn], None]


def answers(status: int, body: bytes = b"{}") -> Change:
    def change(state: StandIn) -> None:
        state.status, state.body = status, body

    return change


@pytest.mark.parametrize(
    ("change", "expected", "said"),
    [
        (answers(401, b'{"message": "Authentication failed"}'), AdmissionRefused, "check AIVEN_API_TOKEN"),
        (answers(403), AdmissionRefused, "check AIVEN_API_TOKEN"),
        (answers(404), ServiceRefused, "knows no project demo project"),
        (answers(500), ServiceUnavailable, "HTTP 500"),
        (answers(429), ServiceUnavailable, "HTTP 429"),
        (answers(418), ServiceRefused, "HTTP 418"),
        (answers(200, b"<html>"), ServiceRefused, "not a list of services"),
        (answers(200, b'{"services": "none"}'), ServiceRefused, "not a list of services"),
        (answers(200, b'{"services": [{"service_name": 1}]}'), ServiceRefused, "not a list of services"),
        (answers(200, b"\xff\xfe"), ServiceRefused, "not a list of services"),
    ],
)
def test_what_goes_wrong_becomes_a_word(
    stand_in: StandIn, settings: Settings, change: Change, expected: type[ClickstreamError], said: str
) -> None:
    change(stand_in)
    with pytest.raises(expected, match=said) as raised:
        api.list_services(TOKEN, "demo project", timeout=5)
    assert TOKEN not in str(raised.value)
    assert {word.error for word in words(settings).values()} == {str(raised.value)}


def test_the_token_is_sent_nowhere_else(stand_in: StandIn) -> None:
    stand_in.status, stand_in.location = 302, f"{stand_in.url}/elsewhere"
    with pytest.raises(ServiceRefused, match="HTTP 302"):
        api.list_services(TOKEN, "demo", timeout=5)
    assert len(stand_in.asked) == 1


@pytest.mark.parametrize("token", ["two\nlines", "schlüssel€"])
def test_a_token_that_no_header_can_hold_is_not_repeated(stand_in: StandIn, token: str) -> None:
    with pytest.raises(AdmissionRefused, match="AIVEN_API_TOKEN") as raised:
        api.list_services(token, "demo", timeout=5)
    assert token not in str(raised.value)
    assert stand_in.asked == []


def test_no_server_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceUnavailable, match="Connection refused"):
        api.list_services(TOKEN, "demo", timeout=5, base_url="http://127.0.0.1:1")


def test_one_that_hangs_is_not_waited_for(
    stand_in: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.gate.clear()
    monkeypatch.setattr(aiven, "WITHIN", 0.1)
    assert {word.error for word in words(settings).values()} <= {"no answer within 0.1 s"} | {
        "Aiven's API does not answer: timed out"
    }


def test_a_state_steers_no_terminal(stand_in: StandIn) -> None:
    stand_in.body = json.dumps({"services": [service("k", "kafka", "\x1b[2J" + "x" * 500, "h")]}).encode()
    [found] = api.list_services(TOKEN, "demo", timeout=5)
    assert found.state.startswith("\\x1b[2J")
    assert len(found.state) <= 100


def test_status_shows_it_beside_what_it_found_itself(
    stand_in: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "PG_HOST", "VALKEY_HOST"):
        monkeypatch.setenv(name, "127.0.0.1:1" if name.startswith("KAFKA") else "127.0.0.1")
    monkeypatch.setenv("PG_PORT", "1")
    monkeypatch.setenv("VALKEY_PORT", "1")
    stand_in.body = json.dumps({"services": [service("k", "kafka", "POWEROFF", "127.0.0.1")]}).encode()
    found = observe(load_settings)
    kafka = json.loads(output.json_text(documents.status(found)))["services"]["kafka"]
    assert (kafka["ok"], kafka["aiven_state"], kafka["aiven_error"]) == (False, "POWEROFF", None)
    assert found.service("postgresql").aiven_error == "not among the services of demo project"
    assert found.service("opensearch").aiven_state is None
    shown = output.plain(frames.status(found))
    assert "Aiven: POWEROFF" in shown
    assert "Aiven: ? (not among the services of demo project)" in shown


def test_a_status_without_aiven_looks_as_ever() -> None:
    shown = frames._service(ServiceRow("kafka", UP, version="4.2", latency_ms=1.0))
    assert shown == ("kafka", "ok", "4.2", "1.0 ms", "")


def test_the_token_is_masked(settings: Settings) -> None:
    shown = {one.name: one for one in config_show.show(settings)}
    assert (shown["AIVEN_API_TOKEN"].value, shown["AIVEN_API_TOKEN"].secret) == (config_show.MASK, True)
    assert shown["AIVEN_PROJECT_NAME"].value == "demo project"
    assert TOKEN not in repr(settings)
