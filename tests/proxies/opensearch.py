"""A proxy in front of OpenSearch that answers the first requests itself."""

from __future__ import annotations

import http.client
import json
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clickstream.config.settings import OpenSearchSettings

Answer = tuple[int, dict[str, Any]]


class OpenSearchProxy:
    """`answers`: what the next requests are answered with, whatever they ask."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers = deque(answers)
        self.requests = 0
        self.port = 0


@contextmanager
def opensearch_proxy(*answers: Answer, target: OpenSearchSettings | None = None) -> Iterator[OpenSearchProxy]:
    """Without a target there must be an answer for each request."""
    proxy = OpenSearchProxy(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            proxy.requests += 1
            if proxy.answers:
                status, document = proxy.answers.popleft()
                self._send(status, "application/json", json.dumps(document).encode())
                return
            assert target
            connection = http.client.HTTPConnection(target.host, target.port)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            self._send(answer.status, answer.getheader("content-type") or "application/json", answer.read())
            connection.close()

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "POST", "PUT", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", Handler._serve)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy.port = server.server_address[1]
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield proxy
        server.shutdown()
        serving.join(10)
