"""An OpenSearch whose certificate a private authority issued: OPENSEARCH_CA_FILE says whom to trust."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import AdmissionRefused
from clickstream.services.opensearch.bulk import BulkWriter
from clickstream.services.opensearch.server import server_info
from tests.certificates import Pair, certificates

INFO = {"version": {"number": "3.9.0", "distribution": "opensearch"}}


class Handler(BaseHTTPRequestHandler):
    """OpenSearch, as far as it is asked who it is, and of which no index has a shard yet."""

    def do_GET(self) -> None:
        content = json.dumps({} if self.path.endswith("_recovery") else INFO).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(pair: Pair) -> Iterator[dict[str, str]]:
    """The settings for a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # On its thread: one that refuses the certificate is not to disturb the others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield {"OPENSEARCH_PORT": str(server.server_port), "OPENSEARCH_USE_SSL": "true"}
        server.shutdown()
        thread.join()


def with_(values: dict[str, str], **more: str | Path) -> OpenSearchSettings:
    return OpenSearchSettings.model_validate({**values, **more})


def test_every_client_trusts_the_authority_that_is_named(tmp_path: Path) -> None:
    made = certificates(tmp_path)
    with serving(made.server) as values:
        trusting = with_(values, OPENSEARCH_CA_FILE=made.ca)
        assert server_info(trusting).version == "3.9.0"
        writer = BulkWriter(trusting)
        assert writer.lives() == frozenset()
        writer.close()
        for settings in (with_(values), with_(values, OPENSEARCH_CA_FILE=made.other_ca)):
            with pytest.raises(
                AdmissionRefused, match=r"not trusted here .set OPENSEARCH_CA_FILE to the CA certificate"
            ):
                server_info(settings)
            writer = BulkWriter(settings)
            with pytest.raises(AdmissionRefused, match="OPENSEARCH_CA_FILE"):
                writer.lives()
            writer.close()
    with serving(made.elsewhere) as values, pytest.raises(AdmissionRefused, match=r"is for another name"):
        server_info(with_(values, OPENSEARCH_CA_FILE=made.ca))


def test_a_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    made = certificates(tmp_path)
    with serving(made.server) as values, pytest.raises(AdmissionRefused, match="OPENSEARCH_CA_FILE"):
        server_info(with_(values, OPENSEARCH_CA_FILE=made.server.key))
