"""Servers that demand what a cloud demands: relays that speak TLS, and a Kafka with secure listeners.

The embedded PostgreSQL and Valkey are built without TLS, so a relay that ends it stands before them. It refuses a
client that does not speak TLS in the server's own words. Kafka does its TLS itself.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from clickstream.config.paths import Home
from clickstream.config.settings import KafkaSettings
from clickstream.services.kafka.admin import set_password
from clickstream.stack.artifacts import ensure_jars
from clickstream.stack.kafka import kafka_spec
from clickstream.stack.layout import HOST, KAFKA, Layout, config_folder
from tests.certificates import Certificates, Pair

SCRAM_USER = "avnadmin"

LISTENERS = {"MTLS": "SSL", "SCRAM": "SASL_SSL", "EXPIRED": "SSL", "ELSEWHERE": "SSL", "DETOUR": "SSL"}
"""Kafka's listeners beside the plain ones: for client certificates, for passwords, two with unfit certificates, and one
that sends its clients on to a name which its certificate does not bear."""

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_CHUNK = 65_536


class Relays:
    """Relays on ports of their own that speak TLS to clients and plainly to a server; they live in one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tls relays")
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Relays:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def valkey(self, target: int, pair: Pair) -> int:
        """The port of a Valkey that speaks nothing but TLS, as one with `port 0` and `tls-port`."""
        return self._listen(target, pair, starts_plain=False)

    def postgresql(self, target: int, pair: Pair) -> int:
        """The port of a PostgreSQL whose pg_hba.conf has `hostssl` lines only."""
        return self._listen(target, pair, starts_plain=True)

    def _listen(self, target: int, pair: Pair, *, starts_plain: bool) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            self._open.add(task)
            try:
                if not starts_plain or await _start_tls(reader, writer, context):
                    await _relay(reader, writer, target)
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # a client that does not like our certificate; or the end of the test
            finally:
                self._open.discard(task)
                writer.close()

        async def listen() -> int:
            server = await asyncio.start_server(serve, HOST, 0, ssl=None if starts_plain else context)
            self._servers.append(server)
            return int(server.sockets[0].getsockname()[1])

        return asyncio.run_coroutine_threadsafe(listen(), self._loop).result(10)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


async def _start_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> bool:
    """The beginning of PostgreSQL's protocol, up to the handshake; False where the client goes on in plain text."""
    while True:
        length, code = struct.unpack("!II", await reader.readexactly(8))
        if code == _SSL_REQUEST:
            writer.write(b"S")
            await writer.start_tls(context)
            return True
        if code != _GSS_REQUEST:
            await reader.readexactly(length - 8)
            refusal = f'no pg_hba.conf entry for host "{HOST}", user "postgres", database "clickstream", no encryption'
            fields = b"".join(field + b"\0" for field in (b"SFATAL", b"VFATAL", b"C28000", b"M" + refusal.encode()))
            writer.write(b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0")
            return False
        writer.write(b"N")


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int) -> None:
    inner_reader, inner_writer = await asyncio.open_connection(HOST, target)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(_CHUNK):
                sink.write(chunk)
                await sink.drain()
        sink.close()

    try:
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
    finally:
        inner_writer.close()


@dataclass(frozen=True, slots=True)
class SecureKafka:
    """A broker's ports, by listener (`CLIENTS` and LISTENERS), and the password of SCRAM_USER."""

    ports: dict[str, int]
    password: str

    def address(self, listener: str) -> str:
        return f"{HOST}:{self.ports[listener]}"


@contextmanager
def secure_kafka(home: Home, made: Certificates) -> Iterator[SecureKafka]:
    """The embedded Kafka's programs with the listeners of LISTENERS, started and stopped by the test itself."""
    home.make()
    config_folder(home).mkdir(mode=0o700)
    layout = Layout.fresh().with_free_ports([KAFKA])
    ports = {"CLIENTS": layout.ports[KAFKA]}
    for name in LISTENERS:
        taken = dict(enumerate((*layout.ports.values(), *ports.values())))
        spare = replace(layout, ports={f"taken-{number}": port for number, port in taken.items()}).with_free_ports(
            [KAFKA]
        )
        ports[name] = spare.ports[KAFKA]
    spec = kafka_spec(home, layout, ensure_jars(KAFKA))
    with (home.root / spec.argv[-1]).open(
        "a", encoding="utf-8"
    ) as file:  # of two lines for one property, the last counts
        file.write(_listener_configuration(ports, layout, made))
    step = spec.setup[0]
    subprocess.run(step.argv, cwd=home.root, capture_output=True, timeout=120, check=True)
    Path(step.staging).rename(step.makes)
    with subprocess.Popen(spec.argv, cwd=home.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            drain = _await_start(process, str(spec.ready_pattern), home.logs / "kafka.log")
            password = secrets.token_hex(16)
            set_password(KafkaSettings.model_validate(layout.kafka_node_login()), SCRAM_USER, password, timeout=30)
            yield SecureKafka(ports, password)
        finally:
            process.kill()  # what it holds is not needed
            process.wait(30)
            drain.join(10)


def _listener_configuration(ports: dict[str, int], layout: Layout, made: Certificates) -> str:
    listeners = {name: f"{name}://{HOST}:{port}" for name, port in ports.items()}
    advertised = listeners | {"DETOUR": f"DETOUR://localhost:{ports['DETOUR']}"}
    controller = f"CONTROLLER://{HOST}:{layout.ports['kafka-controller']}"
    protocols = {"CLIENTS": "SASL_PLAINTEXT", "CONTROLLER": "SASL_PLAINTEXT"} | LISTENERS
    shown = dict.fromkeys(LISTENERS, made.server) | {"EXPIRED": made.expired, "ELSEWHERE": made.elsewhere}
    lines = [
        f"listeners={','.join([*listeners.values(), controller])}",
        f"advertised.listeners={','.join(advertised.values())}",
        f"listener.security.protocol.map={','.join(f'{name}:{kind}' for name, kind in protocols.items())}",
        "allow.everyone.if.no.acl.found=true",  # what these tests are about is who gets in
        "listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-256",
        "ssl.truststore.type=PEM",
        f"ssl.truststore.location={made.ca}",
        "ssl.keystore.type=PEM",
        "listener.name.mtls.ssl.client.auth=required",
        "listener.name.scram.scram-sha-256.sasl.jaas.config="
        "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    ]
    lines += [f"listener.name.{name.lower()}.ssl.keystore.location={pair.both}" for name, pair in shown.items()]
    return "\n".join(lines) + "\n"


def _await_start(process: subprocess.Popen[bytes], sign: str, log: Path) -> threading.Thread:
    """Wait for the line that says READY, then let a thread write the rest to the log; that thread."""
    assert process.stdout
    said: list[str] = []
    for line in process.stdout:
        said.append(line.decode())
        if sign in said[-1]:
            break
    else:
        raise AssertionError("Kafka did not start:\n" + "".join(said))
    descriptor = process.stdout.fileno()

    def drain() -> None:
        with log.open("wb") as file:
            file.write("".join(said).encode())
            while chunk := os.read(descriptor, _CHUNK):
                file.write(chunk)

    thread = threading.Thread(target=drain, name="kafka log", daemon=True)
    thread.start()
    return thread
