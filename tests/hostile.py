"""What others may have set otherwise: roles and Kafka users with settings and rights of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from clickstream.config.settings import PostgresSettings, Settings
from clickstream.services.kafka.admin import set_password
from clickstream.services.kafka.admission import KafkaClient

ODD_SETTINGS = (
    "default_transaction_isolation = 'serializable'",
    "default_transaction_read_only = on",
    "default_transaction_deferrable = on",
    "statement_timeout = '7s'",
    "lock_timeout = '7s'",
    "idle_in_transaction_session_timeout = '7s'",
    "idle_session_timeout = '7s'",
    "transaction_timeout = '7s'",
    "search_path = public, pg_catalog",
    "client_encoding = 'LATIN1'",
    "TimeZone = 'Asia/Kathmandu'",
    "DateStyle = 'German, DMY'",
    "IntervalStyle = 'iso_8601'",
    "bytea_output = 'escape'",
    "extra_float_digits = -15",
    "standard_conforming_strings = off",
    "array_nulls = off",
    "transform_null_equals = on",
)
"""Of a role: all that a session may be given that changes what a statement means or how long it may take."""

READ_AND_WRITE: Mapping[str, Sequence[AclOperation]] = {
    "topic": [AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE],
    "group": [AclOperation.READ],
}
"""What a pipeline on an existing topic needs of Kafka."""


def execute(postgres: PostgresSettings, *statements: str) -> list[tuple[Any, ...]]:
    """Run the statements, each for itself, as `postgres` says; the rows of the last one, if it brings any."""
    with psycopg.connect(
        host=postgres.host,
        port=postgres.port,
        user=postgres.user,
        password=postgres.password.get_secret_value() if postgres.password else None,
        dbname=postgres.database,
        autocommit=True,
    ) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def odd_settings(role: str) -> list[str]:
    """Statements that give the role all of them."""
    return [f"ALTER ROLE {role} SET {assignment}" for assignment in ODD_SETTINGS]


def rights_on_rows(role: str, schema: str) -> list[str]:
    """Statements that let the role work with tables that are there, and make none."""
    return [
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    ]


@contextmanager
def kafka_user(settings: Settings, rights: Mapping[str, Sequence[AclOperation]]) -> Iterator[dict[str, str]]:
    """A user of the embedded Kafka that may do only this with the events topic and the groups.

    Args:
        settings: of Kafka's own administrator.
        rights: by `topic` and `group`.

    Yields:
        The variables with which a pipeline logs in as that user.
    """
    kafka = settings.kafka
    assert kafka
    name, password = f"app-{secrets.token_hex(4)}", secrets.token_hex(16)
    set_password(kafka, name, password, timeout=30)
    kinds = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
    names = {"topic": kafka.events_topic, "group": settings.pipeline.consumer_group_id}
    bindings = [
        AclBinding(
            kinds[kind],
            names[kind],
            ResourcePatternType.LITERAL,
            f"User:{name}",
            "*",
            operation,
            AclPermissionType.ALLOW,
        )
        for kind, operations in rights.items()
        for operation in operations
    ]
    with KafkaClient(kafka, client_id="tests") as admin:
        if bindings:
            admin.results(lambda seconds: admin.create_acls(bindings, request_timeout=seconds), 30)
        yield {"KAFKA_SASL_USERNAME": name, "KAFKA_SASL_PASSWORD": password}
        wanted = AclBindingFilter(
            ResourceType.ANY,
            None,
            ResourcePatternType.ANY,
            f"User:{name}",
            None,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        admin.results(lambda seconds: admin.delete_acls([wanted], request_timeout=seconds), 30)
