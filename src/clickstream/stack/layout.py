"""What a home's embedded servers keep between starts: ports, passwords, identities; and the `stack.env` made of it.

Ports are picked below the ranges from which systems take the ports of outgoing connections, so that a stopped server's
port is rarely taken meanwhile. Where it is, the server gets a new one.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from clickstream.config.files import write_private
from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import RestartPolicy

HOST = "127.0.0.1"
LOWEST_PORT, HIGHEST_PORT = 20_000, 29_999
KAFKA, POSTGRESQL, VALKEY, OPENSEARCH = "kafka", "postgresql", "valkey", "opensearch"
OPENSEARCH_TRANSPORT = "opensearch-transport"
"""Where its nodes would meet, if there were several."""
KAFKA_CONTROLLER = "kafka-controller"
KAFKA_BEHIND_RELAY = "kafka-behind-relay"
"""Where Kafka listens for clients that come through a relay: it tells them the relay's address as its own."""
RELAYS = {
    KAFKA: "kafka-relay",
    POSTGRESQL: "postgresql-relay",
    VALKEY: "valkey-relay",
    OPENSEARCH: "opensearch-relay",
}
"""The names of the ports that a relay in front of a server listens on, when there is one."""
PORTS = {
    KAFKA: (KAFKA, KAFKA_CONTROLLER, KAFKA_BEHIND_RELAY, RELAYS[KAFKA]),
    POSTGRESQL: (POSTGRESQL, RELAYS[POSTGRESQL]),
    VALKEY: (VALKEY, RELAYS[VALKEY]),
    OPENSEARCH: (OPENSEARCH, OPENSEARCH_TRANSPORT, RELAYS[OPENSEARCH]),
}
"""The names of the ports that are kept for each server; the first is its clients'."""
SERVERS = (KAFKA, POSTGRESQL, VALKEY)
"""Those that every embedded stack has; OpenSearch joins them where it was asked for."""
KAFKA_USER, KAFKA_NODE = "clickstream", "node"
"""Whom Kafka lets in: its clients, and itself."""
SCRAM = "SCRAM-SHA-256"
POSTGRESQL_USER, POSTGRESQL_DATABASE = "postgres", "clickstream"
RESTART = RestartPolicy(max_delay=2.0, final_exit_codes=())
"""For all servers: their exit codes 2 and 3 mean a crash, and the command that started them waits for the outcome."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The remembered facts of one embedded stack."""

    instance_id: str
    """Names what has to lie outside of the home; never used twice."""
    kafka_cluster_id: str
    postgresql_password: str = field(repr=False)
    valkey_password: str = field(repr=False)
    ports: Mapping[str, int]
    opensearch: bool = False
    """OpenSearch belongs to this stack."""
    kafka_password: str = field(default="", repr=False)
    """Its clients'. Empty in homes from before Kafka asked for one, until `with_passwords`."""
    kafka_node_password: str = field(default="", repr=False)
    """Its own, between its parts."""

    @property
    def servers(self) -> tuple[str, ...]:
        """The names of this stack's servers."""
        return (*SERVERS, OPENSEARCH) if self.opensearch else SERVERS

    @classmethod
    def fresh(cls) -> Layout:
        return cls(
            instance_id=secrets.token_hex(8),
            kafka_cluster_id=_cluster_id(),
            postgresql_password=secrets.token_hex(24),
            valkey_password=secrets.token_hex(24),
            ports={},
        ).with_passwords()

    def with_passwords(self) -> Layout:
        """The same with the passwords that an older clickstream did not make."""
        if self.kafka_password and self.kafka_node_password:
            return self
        return replace(self, kafka_password=secrets.token_hex(24), kafka_node_password=secrets.token_hex(24))

    def with_free_ports(self, servers: Collection[str]) -> Layout:
        """The same with a free port for each of `servers`, none of which may be running: the old one if it is free."""
        ports = dict(self.ports)
        for name in (name for server in servers for name in PORTS[server]):
            if name not in ports or not is_free(ports[name]):
                ports[name] = _pick(avoid=ports.values())
        return replace(self, ports=ports)

    def environment(self) -> dict[str, str]:
        """What clients need to know, by the names of the settings."""
        found = {
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self.ports[KAFKA]}",
            **self._kafka_login(),
            "PG_HOST": HOST,
            "PG_PORT": str(self.ports[POSTGRESQL]),
            "PG_USER": POSTGRESQL_USER,
            "PG_PASSWORD": self.postgresql_password,
            "PG_DATABASE": POSTGRESQL_DATABASE,
            "PG_SSLMODE": "disable",
            "VALKEY_HOST": HOST,
            "VALKEY_PORT": str(self.ports[VALKEY]),
            "VALKEY_PASSWORD": self.valkey_password,
            "VALKEY_SSL": "false",
        }
        if self.opensearch:
            found |= {
                "OPENSEARCH_ENABLED": "true",
                "OPENSEARCH_HOST": HOST,
                "OPENSEARCH_PORT": str(self.ports[OPENSEARCH]),
                "OPENSEARCH_USE_SSL": "false",
            }
        return found

    def kafka_node_login(self) -> dict[str, str]:
        """How to reach Kafka as itself, by the names of the settings. Not for clients."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self.ports[KAFKA]}",
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": KAFKA_NODE,
            "KAFKA_SASL_PASSWORD": self.kafka_node_password,
        }

    def _kafka_login(self) -> dict[str, str]:
        if not self.kafka_password:  # as an older clickstream started it
            return {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}
        return {
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": SCRAM,
            "KAFKA_SASL_USERNAME": KAFKA_USER,
            "KAFKA_SASL_PASSWORD": self.kafka_password,
        }


def layout_file(home: Home) -> Path:
    return home.root / "stack.json"


def config_folder(home: Home) -> Path:
    """The servers' own configuration files, written again at every start."""
    return home.root / "etc"


def load_layout(home: Home) -> Layout | None:
    """What was remembered, or None before the first start.

    Raises:
        ClickstreamError: the file is damaged.
    """
    try:
        text = layout_file(home).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return Layout(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise ClickstreamError(
            f"{layout_file(home)} is damaged", hint="restore it, or start afresh with `clickstream stack reset`"
        ) from error


def save_layout(home: Home, layout: Layout) -> None:
    """Remember `layout` and write `stack.env`."""
    write_private(layout_file(home), json.dumps(asdict(layout), indent=2) + "\n")
    lines = [f"{name}={value}" for name, value in layout.environment().items()]
    write_private(home.stack_env, "\n".join(lines) + "\n")


def is_free(port: int) -> bool:
    """True if a server can have the port on the loopback address: no process listens there."""
    with socket.socket() as client:
        # Some systems let the loopback address be bound beside a listener on all addresses: so ask first.
        client.settimeout(1)
        if client.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as server:
        # As servers do, or the remains of their last connections would count as a listener.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
        except OSError:
            return False
    return True


def _cluster_id() -> str:
    """A random id in Kafka's own notation. With the top bit clear it cannot begin with `-`, which Kafka's storage tool
    would take for an option."""
    first, *rest = uuid.uuid4().bytes
    return base64.urlsafe_b64encode(bytes((first & 0x7F, *rest))).decode().rstrip("=")


def _pick(avoid: Collection[int]) -> int:
    for _ in range(1000):
        port = LOWEST_PORT + secrets.randbelow(HIGHEST_PORT - LOWEST_PORT + 1)
        if port not in avoid and is_free(port):
            return port
    raise ClickstreamError(f"no free port between {LOWEST_PORT} and {HIGHEST_PORT} on {HOST}")
