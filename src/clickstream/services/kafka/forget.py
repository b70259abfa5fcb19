"""Deleting a consumer group, which Kafka would otherwise keep for days. Reads no message and moves no offsets."""

from __future__ import annotations

from typing import Final

from confluent_kafka import KafkaError, KafkaException

from clickstream.config.settings import KafkaSettings
from clickstream.services.kafka.admission import Client
from clickstream.services.kafka.config import translate

_EMPTY_WITHIN: Final = 30.0
"""Seconds until the group has forgotten a member that was killed, and more."""


def delete_group(settings: KafkaSettings, group_id: str) -> bool:
    """Delete the group, whose members have all ended; False where there was none.

    Raises ServiceUnavailable, or ServiceRefused (no right to, or it has members still).
    """
    with Client(settings, client_id="clickstream-admin") as admin:
        try:
            admin.results(
                lambda seconds: admin.delete_consumer_groups([group_id], request_timeout=seconds),
                _EMPTY_WITHIN,
                also=frozenset({KafkaError.NON_EMPTY_GROUP}),
            )
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return False
            raise translate(error.args[0]) from error
    return True
