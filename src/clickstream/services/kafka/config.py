"""librdkafka's settings from ours, and its errors in our words."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import (
    AdmissionRefused,
    ClickstreamError,
    ServiceNotReady,
    ServiceRefused,
    ServiceUnavailable,
)
from clickstream.services.kafka.advertised import refuse_elsewhere

SERVICE: Final = "Kafka"

WORKER: Final = "clickstream-worker-"
"""How the client ids of our consumers and indexers begin: by that a group's members are told from foreign ones."""

REPEAT_SECONDS: Final = 30.0
"""A message is logged once in this time; librdkafka repeats it with every attempt."""


_TOLD_OTHERWISE: Final = ("FAIL ", "ERROR ", "SSL ")
"""The beginnings of the messages of librdkafka that error_cb gets too."""


class _Repeats(logging.Filter):
    """Drops a message that was logged lately, or that error_cb gets too."""

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
"""Errors that another try cannot help, and the cure."""

_PASSING: Final = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.STALE_BROKER_EPOCH,
        KafkaError.NOT_CONTROLLER,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
        # Of a group: its coordinator moves, reads the group's offsets, or is made with the first request for a group.
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError._WAIT_COORD,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.CONCURRENT_TRANSACTIONS,
        KafkaError.THROTTLING_QUOTA_EXCEEDED,
        KafkaError.REASSIGNMENT_IN_PROGRESS,
    }
)
"""Answers of a cluster that starts, elects or is busy. librdkafka repeats some of them, for some requests."""

_FILES: Final = {
    "ssl.ca.location": "KAFKA_SSL_CA_FILE",
    "ssl.certificate.location": "KAFKA_SSL_CERT_FILE",
    "ssl.key.location": "KAFKA_SSL_KEY_FILE",
}

# What librdkafka puts around its words: who says it, and how long the attempt took, which differs with each.
_AROUND: Final = re.compile(r"^(?:\w+://)?[^/\s]+:\d+/\w+: | \(after \d+ms in state [^)]*\)$")


def client_config(settings: KafkaSettings, *, client_id: str) -> dict[str, Any]:
    """What every librdkafka client needs to reach the brokers.

    Raises AdmissionRefused where it would be sent on to where it must not go.
    """
    refuse_elsewhere(settings)
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
    if settings.security_protocol.endswith("SSL"):
        files = {
            "ssl.ca.location": settings.ssl_ca_file,
            "ssl.certificate.location": settings.ssl_cert_file,
            "ssl.key.location": settings.ssl_key_file,
        }
        config |= {name: str(path) for name, path in files.items() if path}
    if settings.security_protocol.startswith("SASL_"):
        config["sasl.mechanism"] = settings.sasl_mechanism
        config["sasl.username"] = settings.sasl_username or ""
        config["sasl.password"] = settings.sasl_password.get_secret_value() if settings.sasl_password else ""
    return config


SPREADING: Final = frozenset(
    {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
)
"""Answers of a broker that does not know yet of a topic that is there; they pass only where it was seen just now."""


def is_transient(error: Exception, *, also: frozenset[int] = frozenset()) -> bool:
    """Whether this is an answer of Kafka that passes by itself; `also`: codes that do so for this request."""
    return isinstance(error, KafkaException) and error.args[0].code() in _PASSING | also


@contextmanager
def opening(settings: KafkaSettings) -> Iterator[None]:
    """A client that is made inside and cannot be, as a file holds no key or the wrong one, raises AdmissionRefused."""
    try:
        yield
    except KafkaException as error:
        raise _unusable(settings, error.args[0].str()) from error


def translate(error: KafkaError) -> ClickstreamError:
    """The error in our words: ServiceRefused when another try cannot help, else ServiceUnavailable."""
    words = _AROUND.sub("", error.str())
    if hint := _NOT_ADMITTED.get(error.code()):
        return AdmissionRefused(f"{SERVICE} refused: {words}", hint=hint)
    if hint := _REFUSALS.get(error.code()):
        return ServiceRefused(f"{SERVICE} refused: {words}", hint=hint)
    if error.code() in _PASSING:
        return ServiceNotReady(SERVICE, words)
    return ServiceUnavailable(SERVICE, words, hint="check KAFKA_BOOTSTRAP_SERVERS, and that the broker runs")


def _unusable(settings: KafkaSettings, words: str) -> AdmissionRefused:
    paths = (settings.ssl_ca_file, settings.ssl_cert_file, settings.ssl_key_file)
    why = words.rpartition(":")[2].strip().replace("PEM lib", "not what is wanted here")
    for (sign, variable), path in zip(_FILES.items(), paths, strict=True):
        if sign in words:
            hint = "certificates and keys in PEM format are wanted, and the client's two must belong together"
            return AdmissionRefused(f"{variable}={path} cannot be used: {why}", hint=hint)
    return AdmissionRefused(f"{SERVICE}'s client cannot use the settings: {why}", hint="check the variables KAFKA_...")
