"""Something else than OpenSearch answers at its address: each function says so in a sentence."""

from __future__ import annotations

import gc
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.comparison import Bucket
from clickstream.domain.errors import ClickstreamError, ServiceRefused, ServiceUnavailable
from clickstream.services.opensearch import saved_objects
from clickstream.services.opensearch.bulk import BulkWriter
from clickstream.services.opensearch.compare import IndexReader
from clickstream.services.opensearch.index import EventsIndex
from clickstream.services.opensearch.presence import IndexPresence
from clickstream.services.opensearch.saved_objects import import_objects
from clickstream.services.opensearch.search import search, time_range
from clickstream.services.opensearch.server import await_yellow, server_info

JSON, HTML, TEXT = "application/json", "text/html; charset=utf-8", "text/plain"

Answer = tuple[int, str, bytes]


def shaped(document: Any) -> Answer:
    return 200, JSON, json.dumps(document).encode()


ELASTICSEARCH = shaped({"name": "n", "version": {"number": "8.19.3", "build_flavor": "default"}, "tagline": "You Know"})

OBJECTS: list[Answer] = [
    shaped({}),
    shaped({"version": "9"}),
    shaped({"version": {}}),
    shaped({"version": {"number": 3}, "_shards": [], "count": "many", "docs": [1], "hits": 7, "aggregations": []}),
    shaped({"a": {"mappings": [], "settings": 7}, "index": {"shards": {}}, "docs": {"found": True}, "count": None}),
    shaped({"_shards": {"total": "x", "successful": None}, "hits": {"hits": [{}], "total": {"value": "x"}}}),
    shaped({"a": {"mappings": {}, "settings": {}}}),
]

OTHERS: list[Answer] = [
    shaped([]),
    shaped([{"version": {"number": "3.9.0"}}]),
    shaped("OpenSearch"),
    shaped(7),
    shaped(None),
    (200, JSON, b"{"),
    (200, JSON, b""),
    (200, JSON, b"[" * 100_000),
    (200, HTML, b"<html>sign in</html>"),
    (200, TEXT, b"hello"),
    (200, "image/png", b"\x89PNG"),
    (302, HTML, b""),
    (404, HTML, b"<html>not here</html>"),
    (404, JSON, b"[]"),
    (405, TEXT, b"POST only"),
    (400, JSON, b'"no"'),
    (400, JSON, b'{"message": "no Route matched with those values"}'),
    (501, HTML, b"Unsupported method"),
]


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """One answer nests so deeply that it uses up Python's stack: a finalizer that happened to run there would fail."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


READING: dict[str, Callable[[OpenSearchSettings], object]] = {
    "server_info": lambda settings: server_info(settings, patience=0),
    "ensure": lambda settings: EventsIndex(settings, patience=0).ensure(),
    "identity": lambda settings: EventsIndex(settings, patience=0).identity(),
    "begin_loading": lambda settings: EventsIndex(settings, patience=0).begin_loading(),
    "end_loading": lambda settings: EventsIndex(settings, patience=0).end_loading(),
    "check_replaceable": lambda settings: EventsIndex(settings, patience=0).check_replaceable(),
    "documents": lambda settings: IndexReader(settings).refresh(),
    "buckets": lambda settings: IndexReader(settings).buckets(),
    "rows": lambda settings: list(IndexReader(settings).rows(Bucket(1, "view"))),
    "missing": lambda settings: IndexPresence(settings).missing(["a"]),
    "search": lambda settings: search(settings, "*", slots=3, newest=3),
    "time_range": time_range,
}

WRITING: dict[str, Callable[[OpenSearchSettings], object]] = {
    "lives": lambda settings: BulkWriter(settings).lives(),
    "send": lambda settings: BulkWriter(settings).send(["{}\n{}\n"]),
    "probe": lambda settings: BulkWriter(settings).probe(1),
}

SENT: dict[str, Callable[[OpenSearchSettings], object]] = {
    "replace": lambda settings: EventsIndex(settings, patience=0).replace(),
    "ensure_template": lambda settings: EventsIndex(settings, patience=0).ensure_template(),
    "refresh": lambda settings: EventsIndex(settings, patience=0).refresh(),
    "await_yellow": lambda settings: await_yellow(settings, 0.2),
    "import_objects": lambda settings: import_objects(settings, []),
}
"""Of whose answers little is read: what counts is that nothing else than a sentence comes."""


class Server:
    """Gives the same answer whatever it is asked."""

    def __init__(self) -> None:
        self.answer: Answer = OTHERS[0]
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                status, kind, content = owner.answer
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.send_header("warning", '299 Elasticsearch-8.19.3 "security is not enabled"')
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None: ...

        for method in ("GET", "POST", "PUT", "DELETE", "HEAD"):
            setattr(Handler, f"do_{method}", Handler._answer)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        port = str(self.http.server_port)
        values = {"OPENSEARCH_PORT": port, "OPENSEARCH_DASHBOARDS_URL": f"http://127.0.0.1:{port}"}
        self.settings = OpenSearchSettings.model_validate(values)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    with server.http:
        thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.http.shutdown()
        thread.join()


def told(settings: OpenSearchSettings) -> str:
    return f"what answers at 127.0.0.1:{settings.port} is not OpenSearch"


@pytest.mark.parametrize("name", READING)
def test_what_is_not_opensearch_is_called_so(server: Server, name: str) -> None:
    for server.answer in [*OBJECTS, *OTHERS]:
        with pytest.raises(ServiceRefused) as caught:
            READING[name](server.settings)
        assert told(server.settings) in str(caught.value), server.answer


@pytest.mark.parametrize("name", WRITING)
def test_an_indexer_waits_for_opensearch_to_be_back_at_its_address(server: Server, name: str) -> None:
    for server.answer in [*OBJECTS[name == "lives" :], *OTHERS]:  # of an index that opens, no shard is told
        with pytest.raises(ServiceUnavailable) as caught:
            WRITING[name](server.settings)
        if server.answer[0] != 200 or name == "lives":
            assert told(server.settings) in str(caught.value), server.answer


@pytest.mark.parametrize("name", SENT)
def test_nothing_but_a_sentence_comes_of_what_is_not_opensearch(
    server: Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_objects, "PATIENCE", 0.0)
    for server.answer in [*OBJECTS, *OTHERS, (500, JSON, b"[]"), (503, HTML, b"<html>"), (401, JSON, b'"who?"')]:
        try:
            SENT[name](server.settings)
        except ClickstreamError as error:
            assert str(error)  # noqa: PT017 (some of these answers are as good as OpenSearch's)


def test_elasticsearch_is_called_by_its_name(server: Server) -> None:
    server.answer = ELASTICSEARCH
    with pytest.raises(ServiceRefused) as caught:
        server_info(server.settings)
    assert f"{told(server.settings)} but Elasticsearch 8.19.3" in str(caught.value)


def test_a_server_of_another_protocol_is_not_opensearch() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = OpenSearchSettings.model_validate({"OPENSEARCH_PORT": listener.getsockname()[1]})

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(ServiceRefused) as caught:
            server_info(settings)
        thread.join()
    assert told(settings) in str(caught.value)
