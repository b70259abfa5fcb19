"""The settings with which everything works over TLS, and each change of them that must be refused in clear words."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from clickstream.stack.layout import HOST
from tests.certificates import Certificates
from tests.tls import SCRAM_USER, SecureKafka

WRONG_PASSWORD = "hush-hush-not-the-one"

Environment = dict[str, str]


@dataclass(frozen=True)
class Cloud:
    """The servers, and the settings with which all is well."""

    made: Certificates
    kafka: SecureKafka
    stack: Environment
    """The plain stack behind the relays."""
    postgres: dict[str, int]
    """Ports by the certificate that is shown there."""
    valkey: dict[str, int]
    unique: str = field(default_factory=lambda: f"tls_{secrets.token_hex(4)}")

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.kafka.password, self.stack["PG_PASSWORD"], self.stack["VALKEY_PASSWORD"], WRONG_PASSWORD

    def environment(self) -> Environment:
        """Kafka by client certificate."""
        made = self.made
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.address("MTLS"),
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CA_FILE": str(made.ca),
            "KAFKA_SSL_CERT_FILE": str(made.client.cert),
            "KAFKA_SSL_KEY_FILE": str(made.client.key),
            "KAFKA_EVENTS_TOPIC": self.unique,
            "PG_HOST": HOST,
            "PG_PORT": str(self.postgres["server"]),
            "PG_PASSWORD": self.stack["PG_PASSWORD"],
            "PG_SSLMODE": "verify-full",
            "PG_SSLROOTCERT": str(made.ca),
            "PG_SCHEMA_NAME": self.unique,
            "VALKEY_HOST": HOST,
            "VALKEY_PORT": str(self.valkey["server"]),
            "VALKEY_PASSWORD": self.stack["VALKEY_PASSWORD"],
            "VALKEY_SSL": "true",
            "VALKEY_SSL_CA_FILE": str(made.ca),
            "POSTGRESQL_CONSUMER_GROUP_ID": f"group-{secrets.token_hex(4)}",
        }

    def by_password(self, **others: str) -> Environment:
        """What differs where Kafka is to take a password."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.address("SCRAM"),
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SSL_CERT_FILE": "",
            "KAFKA_SSL_KEY_FILE": "",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
            "KAFKA_SASL_USERNAME": SCRAM_USER,
            "KAFKA_SASL_PASSWORD": self.kafka.password,
        } | others


@dataclass(frozen=True)
class Case:
    """One thing that is wrong."""

    what: str
    service: str
    variable: str
    """Which the line must name."""
    changed: Callable[[Cloud], Environment]
    code: int = 1
    """The exit code of `config check`: 2 where a setting can be refused before any server is asked."""

    def __str__(self) -> str:
        return f"{self.service}: {self.what}"


def foreign(cloud: Cloud) -> Environment:
    stranger = cloud.made.stranger
    return {"KAFKA_SSL_CERT_FILE": str(stranger.cert), "KAFKA_SSL_KEY_FILE": str(stranger.key)}


def on(listener: str) -> Callable[[Cloud], Environment]:
    return lambda cloud: {"KAFKA_BOOTSTRAP_SERVERS": cloud.kafka.address(listener)}


def with_pem(variable: str, which: str) -> Callable[[Cloud], Environment]:
    paths: dict[str, Callable[[Certificates], Path]] = {
        "other CA": lambda made: made.other_ca,
        "other key": lambda made: made.server.key,
        "no file": lambda made: made.ca.with_name("missing.pem"),
        "no PEM": lambda made: made.garbage,
    }
    return lambda cloud: {variable: str(paths[which](cloud.made))}


CASES = [
    Case("wrong CA", "kafka", "KAFKA_SSL_CA_FILE", with_pem("KAFKA_SSL_CA_FILE", "other CA")),
    Case("wrong password", "postgresql", "PG_PASSWORD", lambda _: {"PG_PASSWORD": WRONG_PASSWORD}),
    Case("certificate of another host", "valkey", "VALKEY_HOST", lambda c: {"VALKEY_PORT": str(c.valkey["elsewhere"])}),
]

SLOW_CASES = [
    Case("wrong password", "kafka", "KAFKA_SASL_PASSWORD", lambda c: c.by_password(KAFKA_SASL_PASSWORD=WRONG_PASSWORD)),
    Case("wrong CA", "postgresql", "PG_SSLROOTCERT", with_pem("PG_SSLROOTCERT", "other CA")),
    Case("wrong password", "valkey", "VALKEY_PASSWORD", lambda _: {"VALKEY_PASSWORD": WRONG_PASSWORD}),
    Case("foreign client certificate", "kafka", "KAFKA_SSL_CERT_FILE", foreign),
    Case("expired certificate", "postgresql", "PG_HOST", lambda c: {"PG_PORT": str(c.postgres["expired"])}),
    Case("wrong CA", "valkey", "VALKEY_SSL_CA_FILE", with_pem("VALKEY_SSL_CA_FILE", "other CA")),
    Case("expired certificate", "valkey", "VALKEY_HOST", lambda c: {"VALKEY_PORT": str(c.valkey["expired"])}),
    Case("expired certificate", "kafka", "KAFKA_BOOTSTRAP_SERVERS", on("EXPIRED")),
    Case("certificate of another host", "kafka", "KAFKA_BOOTSTRAP_SERVERS", on("ELSEWHERE")),
    Case(
        "no client certificate",
        "kafka",
        "KAFKA_SSL_CERT_FILE",
        lambda _: {"KAFKA_SSL_CERT_FILE": "", "KAFKA_SSL_KEY_FILE": ""},
    ),
    Case("no CA", "kafka", "KAFKA_SSL_CA_FILE", lambda _: {"KAFKA_SSL_CA_FILE": ""}),
    Case("another's key", "kafka", "KAFKA_SSL_KEY_FILE", with_pem("KAFKA_SSL_KEY_FILE", "other key")),
    Case("wrong user", "kafka", "KAFKA_SASL_USERNAME", lambda c: c.by_password(KAFKA_SASL_USERNAME="nobody")),
    Case("wrong mechanism", "kafka", "KAFKA_SASL_MECHANISM", lambda c: c.by_password(KAFKA_SASL_MECHANISM="PLAIN")),
    Case("TLS asked of a plain server", "kafka", "KAFKA_SECURITY_PROTOCOL", on("CLIENTS")),
    Case(
        "TLS not asked for",
        "kafka",
        "KAFKA_SECURITY_PROTOCOL",
        lambda _: {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"},
    ),
    Case(
        "password for a server that wants a certificate",
        "kafka",
        "KAFKA_SECURITY_PROTOCOL",
        lambda c: c.by_password(KAFKA_BOOTSTRAP_SERVERS=c.kafka.address("MTLS")),
    ),
    Case("certificate of another host", "postgresql", "PG_HOST", lambda c: {"PG_PORT": str(c.postgres["elsewhere"])}),
    Case("no CA", "postgresql", "PG_SSLROOTCERT", lambda _: {"PG_SSLROOTCERT": ""}),
    Case("no password", "postgresql", "PG_PASSWORD", lambda _: {"PG_PASSWORD": ""}),
    Case("TLS asked of a plain server", "postgresql", "PG_SSLMODE", lambda c: {"PG_PORT": str(c.postgres["plain"])}),
    Case("TLS not asked for", "postgresql", "PG_SSLMODE", lambda _: {"PG_SSLMODE": "disable"}),
    Case("no password", "valkey", "VALKEY_PASSWORD", lambda _: {"VALKEY_PASSWORD": ""}),
    Case("TLS asked of a plain server", "valkey", "VALKEY_SSL", lambda c: {"VALKEY_PORT": str(c.valkey["plain"])}),
    Case("TLS not asked for", "valkey", "VALKEY_SSL", lambda _: {"VALKEY_SSL": "false"}),
]

REFUSED_AT_ONCE = [
    *(
        Case(which, service, variable, with_pem(variable, which), code=2)
        for service, variable in (
            ("kafka", "KAFKA_SSL_CA_FILE"),
            ("kafka", "KAFKA_SSL_CERT_FILE"),
            ("kafka", "KAFKA_SSL_KEY_FILE"),
            ("postgresql", "PG_SSLROOTCERT"),
            ("valkey", "VALKEY_SSL_CA_FILE"),
        )
        for which in ("no file", "no PEM")
    ),
    Case("no key", "kafka", "KAFKA_SSL_KEY_FILE", lambda _: {"KAFKA_SSL_KEY_FILE": ""}, code=2),
    Case("no certificate", "kafka", "KAFKA_SSL_CERT_FILE", lambda _: {"KAFKA_SSL_CERT_FILE": ""}, code=2),
    Case("no password", "kafka", "KAFKA_SASL_PASSWORD", lambda c: c.by_password(KAFKA_SASL_PASSWORD=""), code=2),
    Case("no user", "kafka", "KAFKA_SASL_USERNAME", lambda c: c.by_password(KAFKA_SASL_USERNAME=""), code=2),
]
