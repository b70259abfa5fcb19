"""Asking a server that stands in for OpenSearch how it is, and what is said when it is not well."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from clickstream.actions.servers import opensearch_of
from clickstream.config.settings import OpenSearchSettings, load_settings
from clickstream.domain.errors import (
    AdmissionRefused,
    ClickstreamError,
    ServiceNotReady,
    ServiceRefused,
    ServiceUnavailable,
)
from clickstream.services.opensearch.server import await_yellow, server_info


class Server:
    """Answers with these HTTP statuses, one after the other, and with 200 when there are no more."""

    def __init__(self) -> None:
        self.statuses: deque[int] = deque()
        self.paths: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.paths.append(self.path)
                content = json.dumps({"version": {"number": "3.9.0"}, "error": "told so"}).encode()
                self.send_response(owner.statuses.popleft() if owner.statuses else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def settings(self) -> OpenSearchSettings:
        return OpenSearchSettings.model_validate({"OPENSEARCH_PORT": self.http.server_port})


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def test_it_tells_version_and_latency(server: Server) -> None:
    found = server_info(server.settings)
    assert found.version == "3.9.0"
    assert found.latency_ms > 0


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, AdmissionRefused, "check OPENSEARCH_USER and OPENSEARCH_PASSWORD"),
        (403, AdmissionRefused, "HTTP 403"),
        (429, ServiceNotReady, "HTTP 429"),
        (503, ServiceNotReady, "HTTP 503"),
        (400, ServiceRefused, "HTTP 400"),
    ],
)
def test_what_it_answers_is_told_for_what_it_is(
    server: Server, capfd: pytest.CaptureFixture[str], status: int, error: type[ClickstreamError], words: str
) -> None:
    server.statuses.append(status)
    with pytest.raises(error, match=words) as raised:
        server_info(server.settings, patience=0)
    assert type(raised.value) is error
    assert capfd.readouterr() == ("", "")


def test_who_does_not_listen_is_told_in_the_systems_words(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    settings = OpenSearchSettings.model_validate({"OPENSEARCH_PORT": 1})
    with pytest.raises(ServiceUnavailable, match=r"Connection refused \(check OPENSEARCH_HOST"):
        server_info(settings)
    assert capfd.readouterr() == ("", "")


def test_it_is_waited_for_until_its_indices_are_complete(server: Server) -> None:
    server.statuses.extend((503, 408, 200))
    await_yellow(server.settings, 30.0)
    assert server.paths == ["/_cluster/health?wait_for_status=yellow"] * 3


def test_it_is_not_waited_for_endlessly(server: Server) -> None:
    server.statuses.extend([503] * 50)
    with pytest.raises(ServiceUnavailable):
        await_yellow(server.settings, 0.2)


def test_a_stack_that_has_none_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSEARCH_ENABLED", "true")
    with pytest.raises(ClickstreamError, match=r"not part of the embedded stack yet .*stack up"):
        opensearch_of(load_settings())
    monkeypatch.setenv("OPENSEARCH_HOST", "search.example")
    assert opensearch_of(load_settings()).host == "search.example"
