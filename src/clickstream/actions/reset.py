"""Emptying topic, tables and cache, so that the pipeline is as new: all of it or nothing. Workers must have stopped."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.actions.group import refuse_while_working
from clickstream.actions.servers import kafka_of, postgres_of, valkey_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError, ServiceRefused
from clickstream.services.kafka.admin import check_replaceable, create_topic, delete_topic
from clickstream.services.postgres import reset as tables
from clickstream.services.postgres.migrate import migrate
from clickstream.services.valkey.board import clear, server_info


@dataclass(frozen=True, slots=True)
class Emptied:
    """What a reset did."""

    topic: str
    topic_existed: bool
    tables_existed: bool
    valkey_keys: int
    """Keys deleted."""


def reset(settings: Settings) -> Emptied:
    """Make the topic anew, truncate the tables, delete our keys from Valkey.

    All servers and rights are looked at first, so that what can be refused is refused while nothing has changed.
    A reset that is cut short after that leaves a mark in the schema: nothing starts on it; another reset completes it.

    Raises:
        ClickstreamError: workers are running; a server does not answer or refuses.
    """
    kafka, postgres, valkey = kafka_of(settings), postgres_of(settings), valkey_of(settings)
    server_info(valkey)
    tables.check(postgres)
    check_replaceable(kafka)
    refuse_while_working(settings)
    mark_is_new = tables.begin(postgres)
    try:
        existed = delete_topic(kafka, kafka.events_topic)
    except ServiceRefused:
        if mark_is_new:
            tables.cancel(postgres)  # nothing has changed
        raise
    except ClickstreamError as error:
        raise _half_way(error) from error
    try:
        create_topic(kafka)
        keys = clear(valkey)
        there = tables.finish(postgres)
    except ClickstreamError as error:
        raise _half_way(error) from error
    migrate(postgres, session_timeout_ms=settings.pipeline.session_timeout_ms)
    return Emptied(kafka.events_topic, existed, there, keys)


def _half_way(error: ClickstreamError) -> ClickstreamError:
    return ClickstreamError(
        f"the reset was cut short: {error.args[0]}",
        hint="run it again when that is mended: until then no consumer starts here",
    )
