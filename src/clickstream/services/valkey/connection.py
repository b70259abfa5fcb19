"""Opening clients of Valkey, translating the driver's errors, and the prefix of every key that is ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import valkey
from valkey.backoff import NoBackoff
from valkey.exceptions import AuthenticationError, ConnectionError, TimeoutError, ValkeyError  # noqa: A004
from valkey.retry import Retry

from clickstream.config.settings import ValkeySettings
from clickstream.domain.errors import ClickstreamError, NotAdmitted, ServiceRefused, ServiceUnavailable
from clickstream.services.handshake import Fault, Names, fault_of, refusal

SERVICE: Final = "Valkey"

PREFIX: Final = "clickstream:"
"""Every key of ours begins with this; `clear` deletes by it."""

_BUSY_LOADING = "LOADING"

_HUNG_UP: Final = "Connection closed by server"
_NO_HANDSHAKE: Final = "handshake operation timed out"

_NAMES: Final = Names(service=SERVICE, host="VALKEY_HOST", switch="VALKEY_SSL", ca="VALKEY_SSL_CA_FILE")


def connect(settings: ValkeySettings, *, timeout: float = 2.0) -> valkey.Valkey:
    """A client that speaks bytes and connects with its first command; an answer may take `timeout` seconds."""
    return valkey.Valkey(
        host=settings.host,
        port=settings.port,
        db=settings.db,
        username=settings.user,
        password=settings.password.get_secret_value() if settings.password else None,
        ssl=settings.ssl,
        ssl_ca_certs=str(settings.ssl_ca_file) if settings.ssl_ca_file else None,
        ssl_check_hostname=True,  # the driver's default is to take any host's certificate
        socket_connect_timeout=timeout,
        socket_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        client_name="clickstream",
        encoding_errors="replace",  # in what the server says of an error
    )


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors raised inside come out as ServiceUnavailable (worth a retry) or ServiceRefused."""
    try:
        yield
    except AuthenticationError as error:
        raise _unauthenticated(error) from error
    except (ConnectionError, TimeoutError) as error:
        raise _unreachable(error) from error
    except ValkeyError as error:
        if "NOAUTH" in str(error) or "Authentication required" in str(error):
            raise _unauthenticated(error) from error
        if str(error).startswith(_BUSY_LOADING):
            raise ServiceUnavailable(SERVICE, str(error)) from error
        raise ServiceRefused(f"{SERVICE}: {error}") from error


def _unauthenticated(error: ValkeyError) -> NotAdmitted:
    return NotAdmitted(f"{SERVICE} refused: {error}", hint="check VALKEY_USER and VALKEY_PASSWORD")


def _unreachable(error: ValkeyError) -> ClickstreamError:
    fault = fault_of(error)
    if fault is Fault.NO_TLS or _NO_HANDSHAKE in str(error.__context__):
        hint = "check VALKEY_SSL, VALKEY_HOST and VALKEY_PORT, and that the server runs"
        return ServiceUnavailable(SERVICE, "not in TLS, as it is asked to", hint=hint)
    if fault:
        return refusal(_NAMES, fault)
    hint = "check VALKEY_HOST, VALKEY_PORT and VALKEY_SSL, and that the server runs"
    if _HUNG_UP in str(error):
        hint = "if it always does, check VALKEY_SSL: it may take TLS connections only"
    return ServiceUnavailable(SERVICE, str(error).removesuffix("."), hint=hint)
