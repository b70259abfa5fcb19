"""Users that a cluster lets in by SCRAM: their credentials lie in its metadata. Reads and writes no message."""

from __future__ import annotations

from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from clickstream.config.settings import KafkaSettings
from clickstream.services.kafka.admission import Client
from clickstream.services.kafka.config import translate

ITERATIONS: Final = 4096
"""The least that Kafka takes. More is for passwords that can be guessed; each connection of a client pays for it."""


def set_password(settings: KafkaSettings, user: str, password: str, *, timeout: float) -> None:
    """Let `user` in by SCRAM-SHA-256 with this password, and no other. Connections that are open stay open.

    Raises ServiceUnavailable, or ServiceRefused.
    """
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, ITERATIONS)
    wanted = UserScramCredentialUpsertion(user, info, password.encode())
    with Client(settings, client_id="clickstream-admin") as admin:
        try:
            admin.results(
                lambda seconds: admin.alter_user_scram_credentials([wanted], request_timeout=seconds), timeout
            )
        except KafkaException as error:
            raise translate(error.args[0]) from error
