"""Opening connections to PostgreSQL and translating the driver's errors into the house's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import ClickstreamError, ServiceRefused, ServiceUnavailable

Connection = psycopg.Connection[tuple[object, ...]]

SERVICE: Final = "PostgreSQL"

_REFUSALS: Final = (
    ("password authentication failed", "check PG_USER and PG_PASSWORD"),
    ("no password supplied", "set PG_PASSWORD"),
    ("does not exist", "check PG_DATABASE and PG_USER"),
    ("no pg_hba.conf entry", "check PG_USER, PG_DATABASE and PG_SSLMODE"),
    ("does not support SSL", "set PG_SSLMODE to prefer or disable"),
    ("certificate verify failed", "check PG_SSLROOTCERT"),
    ("root certificate file", "check PG_SSLROOTCERT"),
    ("server certificate for", "check PG_HOST: it is not the name in the server's certificate"),
    ("permission denied for database", "check PG_USER's rights"),
)
"""What a server says when another try cannot help (libpq gives a failed connection no SQLSTATE), and the cure."""


def connect(settings: PostgresSettings, *, application_name: str) -> Connection:
    """A connection in autocommit mode whose search_path is the schema and whose time zone is UTC.

    Raises:
        ServiceUnavailable: the server does not answer; try again later.
        ServiceRefused: it answered and said no: credentials, database, TLS.
    """
    try:
        return psycopg.connect(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password.get_secret_value() if settings.password else None,
            dbname=settings.database,
            sslmode=settings.sslmode,
            sslrootcert=str(settings.sslrootcert) if settings.sslrootcert else None,
            application_name=application_name,
            options=f"-c search_path={settings.schema_name} -c timezone=UTC",
            connect_timeout=5,
            keepalives_idle=10,
            keepalives_interval=3,
            keepalives_count=3,
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        raise _connect_error(error) from error


def _connect_error(error: psycopg.OperationalError) -> ClickstreamError:
    text = one_line(error)
    for sign, hint in _REFUSALS:
        if sign in text:
            return ServiceRefused(f"{SERVICE} refused: {text}", hint=hint)
    return ServiceUnavailable(SERVICE, text, hint="check PG_HOST and PG_PORT, and that the server runs")


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors raised inside come out as ServiceUnavailable (worth a retry) or ServiceRefused.

    An integrity error passes as it is: only the caller knows what it means.
    """
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction) as error:
        raise ServiceUnavailable(SERVICE, one_line(error)) from error
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        hint = "start a consumer once (`clickstream consumer start`): it makes them"
        raise ServiceRefused(f"{SERVICE} has no clickstream tables here yet", hint=hint) from error
    except psycopg.IntegrityError:
        raise
    except psycopg.Error as error:
        raise ServiceRefused(f"{SERVICE}: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """The first line of a driver's message, without the connection's attempts that libpq repeats."""
    lines = str(error).strip().splitlines()
    return lines[0].removeprefix("connection failed: ") if lines else type(error).__name__
