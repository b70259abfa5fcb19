"""A server that takes bulk requests as OpenSearch does, keeps their documents, and fails as it is told."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clickstream.config.settings import OpenSearchSettings

Fault = Callable[[int, str], dict[str, Any] | None]
"""For a document's place in its bulk and its id, the item that is answered in place of storing it; None: store it."""


def item(status: int, kind: str = "", reason: str = "") -> dict[str, Any]:
    return {"create": {"status": status, **({"error": {"type": kind, "reason": reason}} if kind else {})}}


class StandIn:
    """What it holds, what it was sent, and what it answers next."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.bulks: list[list[str]] = []
        """The ids of each bulk that came, in order; those that failed whole, too."""
        self.answers: deque[int | bytes | Fault] = deque()
        """For the next bulks: an HTTP status, the raw words of an answer, or faults of single documents."""
        self.in_memory: dict[str, dict[str, Any]] = {}
        """Documents that are there until the shard fails, which it does with its next write: its log is closed."""
        self.life = 1
        self.probes = 0
        self.probe_answers: deque[int | dict[str, Any]] = deque()
        """For the next probes: an HTTP status, or the item that is answered. Empty: the shard writes."""
        self.gone = False
        """There is no such index."""

    def answer(self, body: bytes) -> tuple[int, bytes]:
        lines = [json.loads(line) for line in body.splitlines()]
        if "delete" in lines[0]:
            return self._probe(len(lines))
        pairs = list(zip(lines[::2], lines[1::2], strict=True))
        ids = [action["create"]["_id"] for action, _ in pairs]
        self.bulks.append(ids)
        told = self.answers.popleft() if self.answers else None
        if isinstance(told, int):
            return told, b'{"error": "told so"}'
        if isinstance(told, bytes):
            return 200, told
        items = [
            self._store(place, name, pair[1], told) for place, (name, pair) in enumerate(zip(ids, pairs, strict=True))
        ]
        return 200, json.dumps({"errors": True, "items": items}).encode()

    def into_memory(self, status: int) -> Fault:
        """The documents come, their log cannot be written, and that is answered."""

        def fault(_: int, name: str) -> dict[str, Any]:
            self.in_memory[name] = {}
            return item(status, "i_o_exception" if status >= 500 else "", "No space left on device")

        return fault

    def recovery(self) -> bytes:
        shard = {"id": 0, "primary": True, "start_time_in_millis": self.life, "target": {"id": "node"}}
        return json.dumps({"index": {"shards": [shard]}}).encode()

    def _write(self) -> None:
        """To the log of the shard. Where it is closed, the shard fails, and writes in its next life."""
        if self.in_memory:
            self.in_memory.clear()
            self.life += 1

    def _probe(self, count: int) -> tuple[int, bytes]:
        self.probes += 1
        told = self.probe_answers.popleft() if self.probe_answers else {}
        if isinstance(told, int):
            return told, b"{}"
        if told:
            items = [{"delete": told["create"]}] * count
            return 200, json.dumps({"errors": True, "items": items}).encode()
        self._write()
        return 200, json.dumps({"errors": False, "items": [{"delete": {"status": 404}}] * count}).encode()

    def _store(self, place: int, name: str, document: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
        if fault and (found := fault(place, name)):
            return found
        if name in self.documents or name in self.in_memory:
            return item(409, "version_conflict_engine_exception", "document already exists")
        self._write()
        self.documents[name] = document
        return item(201)


@contextmanager
def stand_in() -> Iterator[tuple[StandIn, OpenSearchSettings]]:
    state = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._say(*state.answer(self.rfile.read(int(self.headers["content-length"]))))

        def do_GET(self) -> None:
            assert self.path.endswith("/_recovery")
            self._say(*((404, b'{"status": 404}') if state.gone else (200, state.recovery())))

        def _say(self, status: int, answer: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state, OpenSearchSettings.model_validate({"OPENSEARCH_PORT": str(server.server_address[1])})
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
