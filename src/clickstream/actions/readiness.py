"""When the embedded stack serves: a server listens some time before what comes next works."""

from __future__ import annotations

from contextlib import suppress

from clickstream.actions.servers import Questions, kafka_of, opensearch_of, postgres_of, valkey_of
from clickstream.config.settings import load_settings
from clickstream.domain.errors import ServiceRefused

SERVES_WITHIN = 120.0
"""Seconds that a server may take, once it listens, until it serves; it has the machine to share with the others."""


def await_service(*, opensearch: bool) -> None:
    """Wait until each server has done what the next command will ask of it, and make topic and tables.

    Tables that this program refuses (of a newer one, or with another session timeout) are left to the commands that
    need them. Servers that settings of the user's own name instead of the embedded ones are left alone.

    Args:
        opensearch: whether OpenSearch is one of the servers.

    Raises:
        ServiceUnavailable, ServiceRefused: one does not serve, with its reason.
    """
    from clickstream.actions.prepare import prepare  # noqa: PLC0415 (drivers: only where servers start)
    from clickstream.services.kafka.admin import group_members  # noqa: PLC0415
    from clickstream.services.postgres.inspect import ping  # noqa: PLC0415
    from clickstream.services.valkey.board import server_info  # noqa: PLC0415

    settings = load_settings()
    if not settings.embedded:
        return
    group = settings.pipeline.consumer_group_id
    questions = {
        "kafka": lambda: group_members(kafka_of(settings), group, timeout=SERVES_WITHIN),
        "postgresql": lambda: ping(postgres_of(settings), patience=SERVES_WITHIN),
        "valkey": lambda: server_info(valkey_of(settings), patience=SERVES_WITHIN),
    }
    if opensearch:
        from clickstream.services.opensearch.server import await_yellow  # noqa: PLC0415

        questions["opensearch"] = lambda: await_yellow(opensearch_of(settings), SERVES_WITHIN)
    asked = Questions(questions.items())
    for name in questions:
        asked.answer(name, 2 * SERVES_WITHIN)
    with suppress(ServiceRefused):
        prepare(settings)
