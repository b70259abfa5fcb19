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
        """Documents that are there, and gone when the shard fails: the disk was full when they came."""
        self.flushes = 0
        self.flush_answers: deque[int | dict[str, int]] = deque()
        """For the next flushes: an HTTP status, or what the answer says of the shards. Empty: all is written."""

    def answer(self, body: bytes) -> tuple[int, bytes]:
        lines = [json.loads(line) for line in body.splitlines()]
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

    def keep_in_memory(self, _: int, name: str) -> dict[str, Any]:
        """A fault: the document comes, and its log cannot be written."""
        self.in_memory[name] = {}
        return item(500, "i_o_exception", "No space left on device")

    def flush(self) -> tuple[int, bytes]:
        self.flushes += 1
        told = self.flush_answers.popleft() if self.flush_answers else {"total": 1, "successful": 1, "failed": 0}
        held, self.in_memory = self.in_memory, {}  # written, or the shard fails over it
        if isinstance(told, int):
            return told, b'{"error": {"type": "told_so"}}'
        if told["successful"] and not told["failed"]:
            self.documents |= held
        return 200, json.dumps({"_shards": told}).encode()

    def _store(self, place: int, name: str, document: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
        if fault and (found := fault(place, name)):
            return found
        if name in self.documents or name in self.in_memory:
            return item(409, "version_conflict_engine_exception", "document already exists")
        self.documents[name] = document
        return item(201)


@contextmanager
def stand_in() -> Iterator[tuple[StandIn, OpenSearchSettings]]:
    state = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, answer = state.flush() if self.path.endswith("/_flush") else state.answer(body)
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
