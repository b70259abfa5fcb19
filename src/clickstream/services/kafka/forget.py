"""Deleting a consumer group, which Kafka would otherwise keep for days. Reads no message and moves no offsets."""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from clickstream.config.settings import KafkaSettings
from clickstream.services.kafka.admission import Client
from clickstream.services.kafka.config import translate

TIMEOUT: Final = 5.0
"""Seconds that a request may take."""

_EMPTY_WITHIN: Final = 15.0
"""Seconds until the group has forgotten a member that was killed, and more."""


def delete_group(settings: KafkaSettings, group_id: str) -> bool:
    """Delete the group, whose members have all ended; False where there was none.

    Raises ServiceUnavailable, or ServiceRefused (no right to, or it has members still).
    """
    deadline = time.monotonic() + _EMPTY_WITHIN
    with Client(settings, client_id="clickstream-admin") as admin:
        while True:
            futures = admin.delete_consumer_groups([group_id], request_timeout=TIMEOUT)
            try:
                admin.result(futures[group_id], TIMEOUT + 1)
            except KafkaException as error:
                fault = error.args[0]
                if fault.code() == KafkaError.GROUP_ID_NOT_FOUND:
                    return False
                if fault.code() != KafkaError.NON_EMPTY_GROUP or time.monotonic() > deadline:
                    raise translate(fault) from error
                time.sleep(0.2)
            else:
                return True
