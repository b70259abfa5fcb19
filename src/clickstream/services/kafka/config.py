"""librdkafka's settings from ours, and its errors in our words."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import ClickstreamError, NotAdmitted, ServiceRefused, ServiceUnavailable

SERVICE: Final = "Kafka"

REPEAT_SECONDS: Final = 30.0
"""A message is logged once in that time; librdkafka says it with every attempt."""


_TOLD_OTHERWISE: Final = ("FAIL ", "ERROR ", "SSL ")
"""How librdkafka's messages begin that error_cb tells too."""


class _Repeats(logging.Filter):
    """Lets a message through that was not logged lately and that nobody else tells."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if message.startswith(_TOLD_OTHERWISE):
            return False
        last = self._logged.get(message)
        if last is not None and record.created - last < REPEAT_SECONDS:
            return False
        self._logged[message] = record.created
        return True


_logger = logging.getLogger("clickstream.kafka")
_logger.addFilter(_Repeats())
_logger.addHandler(logging.NullHandler())  # or a command that set up no log would have it on its stderr

_NOT_ADMITTED: Final = {
    KafkaError._AUTHENTICATION: "check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM",
    KafkaError.SASL_AUTHENTICATION_FAILED: "check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
    KafkaError._SSL: "check KAFKA_SSL_CA_FILE, KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE",
}

_REFUSALS: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this user may not use KAFKA_EVENTS_TOPIC",
    KafkaError.GROUP_AUTHORIZATION_FAILED: (
        "this user may not use the group: POSTGRESQL_CONSUMER_GROUP_ID, or OPENSEARCH_CONSUMER_GROUP_ID"
    ),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "this user lacks rights on the cluster",
    KafkaError.INVALID_PARTITIONS: "the cluster does not allow that many partitions",
    KafkaError.INVALID_REPLICATION_FACTOR: "check KAFKA_EVENTS_TOPIC_REPLICATION",
    KafkaError.TOPIC_DELETION_DISABLED: "the cluster deletes no topics: delete.topic.enable is false",
    KafkaError.POLICY_VIOLATION: "the cluster's policy forbids it",
}
"""Errors that another try cannot mend, and the cure."""

_FILES: Final = {
    "ssl.ca.location": "KAFKA_SSL_CA_FILE",
    "ssl.certificate.location": "KAFKA_SSL_CERT_FILE",
    "ssl.key.location": "KAFKA_SSL_KEY_FILE",
}

# What librdkafka puts around its words: who says it, and how long the attempt took, which differs with each.
_AROUND: Final = re.compile(r"^(?:\w+://)?[^/\s]+:\d+/\w+: | \(after \d+ms in state [^)]*\)$")


def client_config(settings: KafkaSettings, *, client_id: str) -> dict[str, Any]:
    """What every librdkafka client needs to reach the brokers."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol,
        "client.id": client_id,
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 2000,
        "log.connection.close": False,
        "logger": _logger,
    }
    if settings.security_protocol != "PLAINTEXT":
        files = {
            "ssl.ca.location": settings.ssl_ca_file,
            "ssl.certificate.location": settings.ssl_cert_file,
            "ssl.key.location": settings.ssl_key_file,
        }
        config |= {name: str(path) for name, path in files.items() if path}
    if settings.security_protocol == "SASL_SSL":
        config["sasl.mechanism"] = settings.sasl_mechanism
        config["sasl.username"] = settings.sasl_username or ""
        config["sasl.password"] = settings.sasl_password.get_secret_value() if settings.sasl_password else ""
    return config


@contextmanager
def opening(settings: KafkaSettings) -> Iterator[None]:
    """A client that is made inside and cannot be, as a file holds no key or the wrong one, raises NotAdmitted."""
    try:
        yield
    except KafkaException as error:
        raise _unusable(settings, error.args[0].str()) from error


def translate(error: KafkaError) -> ClickstreamError:
    """The error in our words: ServiceRefused when another try cannot help, else ServiceUnavailable."""
    words = _AROUND.sub("", error.str())
    if hint := _NOT_ADMITTED.get(error.code()):
        return NotAdmitted(f"{SERVICE} refused: {words}", hint=hint)
    if hint := _REFUSALS.get(error.code()):
        return ServiceRefused(f"{SERVICE} refused: {words}", hint=hint)
    return ServiceUnavailable(SERVICE, words, hint="check KAFKA_BOOTSTRAP_SERVERS, and that the broker runs")


def _unusable(settings: KafkaSettings, words: str) -> NotAdmitted:
    paths = (settings.ssl_ca_file, settings.ssl_cert_file, settings.ssl_key_file)
    why = words.rpartition(":")[2].strip().replace("PEM lib", "not what is wanted here")
    for (sign, variable), path in zip(_FILES.items(), paths, strict=True):
        if sign in words:
            hint = "certificates and keys in PEM format are wanted, and the client's two must belong together"
            return NotAdmitted(f"{variable}={path} cannot be used: {why}", hint=hint)
    return NotAdmitted(f"{SERVICE}'s client cannot use the settings: {why}", hint="check the variables KAFKA_...")
