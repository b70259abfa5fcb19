"""Waits until the embedded servers serve: they listen some time before requests work."""

from __future__ import annotations

from collections.abc import Mapping

from clickstream.actions.servers import Questions
from clickstream.config.paths import Home
from clickstream.config.settings import (
    KafkaSettings,
    OpenSearchSettings,
    PostgresSettings,
    Settings,
    ValkeySettings,
    load_settings,
)
from clickstream.domain.errors import ServiceRefused

SERVES_WITHIN = 120.0
"""Seconds that a server may take, once it listens, until it serves; it has the machine to share with the others."""


def await_service(home: Home, environment: Mapping[str, str], *, opensearch: bool) -> str:
    """Wait until each server has done what the next command will ask of it, and make topic and tables.

    A compacted topic, and tables that this program refuses (of a newer one, or with another session timeout), are left
    to the commands that need them: the answer says what those will say, and is empty where all is well. Where settings
    of the user's own name other servers, nothing is made.

    Args:
        home: whose servers.
        environment: the variables that reach them.
        opensearch: whether OpenSearch is one of the servers.

    Raises:
        ServiceUnavailable, ServiceRefused: one does not serve, with its reason.
    """
    # Drivers load only where servers start.
    from clickstream.services.kafka.admin import group_members  # noqa: PLC0415
    from clickstream.services.postgres.inspect import ping  # noqa: PLC0415
    from clickstream.services.valkey.server import server_info  # noqa: PLC0415

    settings = load_settings()
    kafka, postgres = KafkaSettings.model_validate(environment), PostgresSettings.model_validate(environment)
    valkey, search = ValkeySettings.model_validate(environment), OpenSearchSettings.model_validate(environment)
    group = settings.pipeline.consumer_group_id
    questions = {
        "kafka": lambda: group_members(kafka, group, timeout=SERVES_WITHIN),
        "postgresql": lambda: ping(postgres, patience=SERVES_WITHIN),
        "valkey": lambda: server_info(valkey, patience=SERVES_WITHIN),
    }
    if opensearch:
        from clickstream.services.opensearch.server import await_yellow  # noqa: PLC0415

        questions["opensearch"] = lambda: await_yellow(search, SERVES_WITHIN)
    asked = Questions(questions.items())
    for name in questions:
        asked.answer(name, 2 * SERVES_WITHIN)
    return _prepared(settings) if settings.embedded and settings.home == home else ""


def _prepared(settings: Settings) -> str:
    """Make topic and tables; why they are refused as they are, else empty."""
    from clickstream.actions.prepare import prepare  # noqa: PLC0415

    try:
        prepare(settings)
    except ServiceRefused as refused:
        return str(refused)
    return ""
