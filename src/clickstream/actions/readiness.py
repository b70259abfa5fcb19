"""When a server of the embedded stack serves: it listens some time before what comes next works."""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.actions.servers import Questions
from clickstream.config.settings import KafkaSettings, OpenSearchSettings, PostgresSettings, ValkeySettings

SERVES_WITHIN = 120.0
"""Seconds that a server may take, once it listens, until it serves; it has the machine to share with the others."""

_GROUP = "clickstream-readiness"
"""Has no members; the first request for any group makes the topic in which Kafka keeps the offsets of all groups."""


def await_service(environment: Mapping[str, str], *, opensearch: bool) -> None:
    """Wait until each server has done what the next command will ask of it.

    Args:
        environment: the variables that reach them.
        opensearch: whether OpenSearch is one of them.

    Raises:
        ServiceUnavailable, ServiceRefused: one does not serve, with its reason.
    """
    from clickstream.services.kafka.admin import group_members  # noqa: PLC0415 (drivers: only where servers start)
    from clickstream.services.postgres.inspect import ping  # noqa: PLC0415
    from clickstream.services.valkey.board import server_info  # noqa: PLC0415

    kafka, postgres = KafkaSettings.model_validate(environment), PostgresSettings.model_validate(environment)
    valkey, search = ValkeySettings.model_validate(environment), OpenSearchSettings.model_validate(environment)
    questions = {
        "kafka": lambda: group_members(kafka, _GROUP, timeout=SERVES_WITHIN),
        "postgresql": lambda: ping(postgres, patience=SERVES_WITHIN),
        "valkey": lambda: server_info(valkey, patience=SERVES_WITHIN),
    }
    if opensearch:
        from clickstream.services.opensearch.server import await_yellow  # noqa: PLC0415

        questions["opensearch"] = lambda: await_yellow(search, SERVES_WITHIN)
    asked = Questions(questions.items())
    for name in questions:
        asked.answer(name, 2 * SERVES_WITHIN)
