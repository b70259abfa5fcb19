"""Emptying topic, tables and cache, so that the pipeline is as new. Workers must have stopped."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.actions.group import refuse_while_working
from clickstream.actions.servers import kafka_of, postgres_of, valkey_of
from clickstream.config.settings import Settings
from clickstream.services.kafka.admin import create_topic, delete_topic
from clickstream.services.postgres.migrate import migrate
from clickstream.services.postgres.reset import empty
from clickstream.services.valkey.board import clear


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

    A reset that is cut short is simply run again: offsets of the old topic mean nothing to the new one.

    Raises:
        ClickstreamError: workers are running; a server does not answer.
    """
    kafka, postgres, valkey = kafka_of(settings), postgres_of(settings), valkey_of(settings)
    refuse_while_working(settings)
    existed = delete_topic(kafka, kafka.events_topic)
    create_topic(kafka)
    keys = clear(valkey)
    tables = empty(postgres)
    migrate(postgres, session_timeout_ms=settings.pipeline.session_timeout_ms)
    return Emptied(kafka.events_topic, existed, tables, keys)
