"""Opening connections to PostgreSQL and translating the driver's errors into the house's own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import ClickstreamError, NotAdmitted, ServiceNotReady, ServiceRefused, ServiceUnavailable
from clickstream.services.handshake import Fault, Names, try_tls
from clickstream.services.handshake import refusal as handshake_refusal
from clickstream.services.postgres import refusal
from clickstream.services.repeat import PATIENCE, repeat

Connection = psycopg.Connection[tuple[object, ...]]

SERVICE: Final = "PostgreSQL"

_UNVERIFIED: Final = "certificate verify failed"

_REFUSALS: Final = {
    "28P01": "check PG_USER and PG_PASSWORD",
    "28000": "check PG_USER, PG_DATABASE and PG_SSLMODE: the server may take TLS connections only",
    "3D000": "check PG_DATABASE",
    "42501": "check PG_USER's rights on PG_DATABASE",
}
"""SQLSTATEs of a server that another try cannot help, and the cure."""

_PASSING: Final = (refusal.CONNECTED, refusal.NOT_NOW, "57P01", "57P02", "53", "58")
"""How SQLSTATEs begin that pass by themselves. 53: no connection or memory to spare; 58: errors of the system below."""

_LIBPQ_REFUSALS: Final = (
    ("no password supplied", "set PG_PASSWORD"),
    ("root certificate file", "set PG_SSLROOTCERT to the CA certificate that comes with the service"),
    ("server certificate for", "set PG_HOST to the name that the server's certificate bears"),
    ("does not support SSL", "check PG_SSLMODE, which demands TLS, and PG_HOST and PG_PORT"),
    (_UNVERIFIED, "check PG_SSLROOTCERT"),
)
"""What libpq itself says, in English always, when another try cannot help, and the cure."""

_SSL_REQUEST: Final = bytes.fromhex("00000008 04d2162f")


def connect(settings: PostgresSettings, *, application_name: str, patience: float = PATIENCE) -> Connection:
    """A connection in autocommit mode whose search_path is the schema and whose time zone is UTC.

    Args:
        settings: whose server.
        application_name: as the server's own lists show it.
        patience: seconds for which it is tried again while the server starts, recovers or has no connection to spare.

    Raises:
        ServiceUnavailable: the server does not answer, or ServiceNotReady: not yet; try again later.
        ServiceRefused: it answered and said no: credentials, database, TLS.
    """
    parameters: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "user": settings.user,
        "password": settings.password.get_secret_value() if settings.password else None,
        "dbname": settings.database,
        "sslmode": settings.sslmode,
        "sslrootcert": str(settings.sslrootcert) if settings.sslrootcert else None,
        "application_name": application_name,
        # Quoted, or PostgreSQL would look for small letters.
        "options": f'-c search_path="{settings.schema_name}" -c timezone=UTC',
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
    }

    def attempt() -> Connection:
        try:
            return psycopg.connect(autocommit=True, **parameters)
        except psycopg.OperationalError as error:
            raise _connect_error(settings, make_conninfo("", **parameters), error) from error

    return repeat(attempt, passes=lambda error: isinstance(error, ServiceNotReady), within=patience)


def _connect_error(settings: PostgresSettings, conninfo: str, error: psycopg.OperationalError) -> ClickstreamError:
    # With some modes, and with several addresses, libpq makes several attempts: a line for each.
    attempts = str(error).strip().splitlines()
    for sign, hint in _LIBPQ_REFUSALS:
        if line := next((line for line in attempts if sign in line), ""):
            if sign == _UNVERIFIED and (fault := _why_unverified(settings)):
                return handshake_refusal(_names(settings), fault)
            return NotAdmitted(f"{SERVICE} refused: {_trimmed(line)}", hint=hint)
    state = "" if isinstance(error, psycopg.errors.ConnectionTimeout) else refusal.why_refused(conninfo, str(error))
    if state.startswith(_PASSING):
        return ServiceNotReady(SERVICE, one_line(error))
    if state:
        hint = _REFUSALS.get(state, "see the server's log")
        return NotAdmitted(f"{SERVICE} refused: {one_line(error)}", hint=hint)
    return ServiceUnavailable(SERVICE, one_line(error), hint="check PG_HOST and PG_PORT, and that the server runs")


def _why_unverified(settings: PostgresSettings) -> Fault | None:
    """What is wrong with the certificate: libpq does not tell."""

    def ask_for_tls(server: socket.socket) -> None:
        server.sendall(_SSL_REQUEST)
        server.recv(1)

    try:
        address = (settings.host, settings.port)
        return try_tls(address, settings.sslrootcert, check_name=False, before=ask_for_tls)
    except OSError:
        return None


def _names(settings: PostgresSettings) -> Names:
    return Names(
        service=f"{SERVICE} ({settings.host}:{settings.port})",
        host="PG_HOST",
        switch="PG_SSLMODE",
        ca="PG_SSLROOTCERT",
    )


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors raised inside come out as ServiceUnavailable (worth a retry) or ServiceRefused.

    An integrity error passes as it is: only the caller knows what it means.
    """
    try:
        yield
    # A file that may not grow (a quota, a limit of the process) is an internal error to PostgreSQL: it passes, too.
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.InternalError,
        psycopg.errors.ReadOnlySqlTransaction,
    ) as error:
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
    return _trimmed(lines[0]) if lines else type(error).__name__


def _trimmed(line: str) -> str:
    return line.removeprefix("connection failed: ")
