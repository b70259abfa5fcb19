"""librdkafka's settings from ours, and its errors in our words."""

from __future__ import annotations

import logging
from typing import Any, Final

from confluent_kafka import KafkaError

from clickstream.config.settings import KafkaSettings
from clickstream.domain.errors import ClickstreamError, ServiceRefused, ServiceUnavailable

SERVICE: Final = "Kafka"

REPEAT_SECONDS: Final = 30.0
"""librdkafka's word on a broker that does not answer is logged once in that time; it says it with every attempt."""


class _Repeats(logging.Filter):
    """Lets a broker's failure through when it was not logged lately."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage().partition(" (after ")[0]
        if not message.startswith(("FAIL ", "ERROR ")):
            return True
        last = self._logged.get(message)
        if last is not None and record.created - last < REPEAT_SECONDS:
            return False
        self._logged[message] = record.created
        return True


_logger = logging.getLogger("clickstream.kafka")
_logger.addFilter(_Repeats())

_REFUSALS: Final = {
    KafkaError._AUTHENTICATION: "check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM",
    KafkaError.SASL_AUTHENTICATION_FAILED: "check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this user may not use KAFKA_EVENTS_TOPIC",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "this user may not use POSTGRESQL_CONSUMER_GROUP_ID",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "this user lacks rights on the cluster",
    KafkaError._SSL: "check KAFKA_SSL_CA_FILE, KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE",
}
"""Errors that another try cannot mend, and the cure."""


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


def translate(error: KafkaError) -> ClickstreamError:
    """The error in our words: ServiceRefused when another try cannot help, else ServiceUnavailable."""
    if hint := _REFUSALS.get(error.code()):
        return ServiceRefused(f"{SERVICE} refused: {error.str()}", hint=hint)
    return ServiceUnavailable(SERVICE, error.str(), hint="check KAFKA_BOOTSTRAP_SERVERS, and that the broker runs")
