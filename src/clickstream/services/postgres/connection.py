"""Opens connections to PostgreSQL and translates the driver's errors into ours."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from clickstream.config.settings import PostgresSettings
from clickstream.domain.errors import (
    AdmissionRefused,
    ClickstreamError,
    ServiceNotReady,
    ServiceRefused,
    ServiceUnavailable,
)
from clickstream.services.handshake import HandshakeFault, Names, try_tls
from clickstream.services.handshake import refusal as handshake_refusal
from clickstream.services.postgres import libpq, session_settings, sqlstate
from clickstream.services.repeat import PATIENCE, repeat

Connection = psycopg.Connection[tuple[object, ...]]

SERVICE: Final = "PostgreSQL"

_UNVERIFIED: Final = "certificate verify failed"

_REFUSALS: Final = {
    "28P01": "check PG_USER and PG_PASSWORD",
    "3D000": "check PG_DATABASE",
    "42501": "check PG_USER's rights on PG_DATABASE",
    "28000": "check PG_USER, PG_DATABASE and PG_SSLMODE: the server may take TLS connections only",
}
"""SQLSTATEs of a server that another try cannot help, and the cure; those that tell more come first."""

_PASSING: Final = (sqlstate.CONNECTED, sqlstate.NOT_NOW, "57P01", "57P02", "53", "58")
"""How SQLSTATEs begin that pass by themselves. 53: no connection or memory to spare; 58: errors of the system below."""

_LIBPQ_REFUSALS: Final = (
    ("no password supplied", "set PG_PASSWORD"),
    ("root certificate file", "set PG_SSLROOTCERT to the CA certificate that comes with the service"),
    ("server certificate for", "set PG_HOST to the name that the server's certificate bears"),
    ("does not support SSL", "check PG_SSLMODE, which demands TLS, and PG_HOST and PG_PORT"),
    (_UNVERIFIED, "check PG_SSLROOTCERT"),
)
"""What libpq itself says, in English always, when another try cannot help, and the cure."""

_FOR_NOW: Final = ("08", "25006", "40", "53", "55", "57", "58", "XX")
"""How SQLSTATEs of statements begin that another try may help: the connection broke, the server takes no writes now, a
deadlock, a lock, no memory or disk to spare, an operator's hand, errors of the system below and the server's own."""

_NO_TABLES: Final = frozenset({"42P01", "3F000"})
_NO_RIGHT: Final = "42501"

_SSL_REQUEST: Final = bytes.fromhex("00000008 04d2162f")


def connect(
    settings: PostgresSettings,
    *,
    application_name: str,
    patience: float = PATIENCE,
    writes: bool = False,
    tcp_user_timeout: int = 0,
) -> Connection:
    """A connection in autocommit mode under the session settings that our statements rely on; see session_settings.py.

    Args:
        settings: whose server.
        application_name: as the server's own lists show it.
        patience: seconds for which it is tried again while the server starts, recovers or has no connection to spare.
        writes: what comes will write, so that a server that takes no writes will not do.
        tcp_user_timeout: milliseconds until a machine that acknowledges nothing counts as gone; 0: the system decides.

    Raises:
        ServiceUnavailable: the server does not answer, or ServiceNotReady: not yet; try again later.
        ServiceRefused: it answered and said no: credentials, database, TLS; or it does not keep our session settings.
    """
    _forget_variables_of_libpq()
    parameters = _parameters(settings, application_name) | {"tcp_user_timeout": tcp_user_timeout}
    once: Callable[[], Connection] = partial(psycopg.connect, autocommit=True, **parameters)

    def attempt() -> Connection:
        try:
            return once()
        except psycopg.OperationalError as error:
            raise _connect_error(settings, make_conninfo("", **parameters), error) from error

    connection = repeat(attempt, is_transient=lambda error: isinstance(error, ServiceNotReady), within=patience)
    try:
        with translated():
            session_settings.pin(connection, settings, another=once, writes=writes)
    except BaseException:
        connection.close()
        raise
    return connection


def _parameters(settings: PostgresSettings, application_name: str) -> dict[str, Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "user": settings.user,
        "password": settings.password.get_secret_value() if settings.password else None,
        "dbname": settings.database,
        "sslmode": settings.sslmode,
        "sslrootcert": str(settings.sslrootcert) if settings.sslrootcert else None,
        "gssencmode": "disable",
        "application_name": application_name,
        # The driver has to know it before the first answer; a pooler passes it on.
        "client_encoding": "UTF8",
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
    }


def _forget_variables_of_libpq() -> None:
    """Only PG_HOST and its like count: PGHOSTADDR, PGSERVICE, PGOPTIONS and some 40 others would send us elsewhere.

    Out of the environment for good, so that no thread meets them, and no process that is started from here.
    """
    for name in [name for name in os.environ if libpq.is_variable(name)]:
        del os.environ[name]


def _connect_error(settings: PostgresSettings, conninfo: str, error: psycopg.OperationalError) -> ClickstreamError:
    # With some modes, and with several addresses, libpq makes several attempts: a line for each.
    attempts = str(error).strip().splitlines()
    for sign, hint in _LIBPQ_REFUSALS:
        if line := next((line for line in attempts if sign in line), ""):
            if sign == _UNVERIFIED and (fault := _why_unverified(settings)):
                return handshake_refusal(_names(settings), fault)
            return AdmissionRefused(f"{SERVICE} refused: {_trimmed(line)}", hint=hint)
    timed_out = isinstance(error, psycopg.errors.ConnectionTimeout)
    states = [] if timed_out else sqlstate.why_refused(conninfo, str(error))
    # The last counts, unless another tells more: first a password is wrong with TLS, and then TLS is missing.
    state = next((state for state in _REFUSALS if state in states), states[-1] if states else "")
    line = _trimmed(attempts[states.index(state) if len(states) == len(attempts) else -1]) if state else ""
    if state.startswith(_PASSING):
        return ServiceNotReady(SERVICE, line)
    if state:
        return AdmissionRefused(f"{SERVICE} refused: {line}", hint=_REFUSALS.get(state, "see the server's log"))
    return ServiceUnavailable(SERVICE, one_line(error), hint="check PG_HOST and PG_PORT, and that the server runs")


def _why_unverified(settings: PostgresSettings) -> HandshakeFault | None:
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
    """Driver errors raised inside come out as ServiceUnavailable (worth a retry) or ServiceRefused, by their SQLSTATE.

    An integrity error passes as it is: only the caller knows what it means.
    """
    try:
        yield
    except psycopg.IntegrityError:
        raise
    except psycopg.Error as error:
        raise _translation(error) from error


@contextmanager
def setting_up(connection: Connection) -> Iterator[None]:
    """As `translated`, for the first statements of a new connection: where one fails, the connection is closed."""
    try:
        with translated():
            yield
    except BaseException:
        connection.close()
        raise


def _translation(error: psycopg.Error) -> ClickstreamError:
    state = error.sqlstate
    if state is None:
        # Without an SQLSTATE it is the driver's own: the connection broke, or was closed.
        if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)):
            return ServiceUnavailable(SERVICE, one_line(error))
        return ServiceRefused(f"{SERVICE}: {one_line(error)}")
    if state.startswith(_FOR_NOW):
        return ServiceNotReady(SERVICE, one_line(error))
    if state in _NO_TABLES:
        hint = "start a consumer once (`clickstream consumer start`): it makes them"
        return ServiceRefused(f"{SERVICE} has no clickstream tables here yet", hint=hint)
    if state == _NO_RIGHT:
        return ServiceRefused(f"{SERVICE}: {one_line(error)}", hint="grant it to PG_USER, or use another user")
    return ServiceRefused(f"{SERVICE}: {one_line(error)}")


def storable(connection: Connection, text: str) -> str:
    """The text as this database can hold it: whatever a message's sender wrote, where the encoding is not UTF-8."""
    if connection.info.parameter_status("server_encoding") in {"UTF8", "SQL_ASCII", None}:
        return text
    return text.encode("ascii", "backslashreplace").decode("ascii")


def one_line(error: Exception) -> str:
    """The first line of a driver's message, without the connection's attempts that libpq repeats."""
    lines = str(error).strip().splitlines()
    return _trimmed(lines[0]) if lines else type(error).__name__


def _trimmed(line: str) -> str:
    return line.removeprefix("connection failed: ")
