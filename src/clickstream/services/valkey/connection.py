"""Opens clients of Valkey, translates the driver's errors, and defines the prefix of our keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import valkey
from valkey.backoff import NoBackoff
from valkey.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004
    ResponseError,
    TimeoutError,  # noqa: A004
    ValkeyError,
)
from valkey.retry import Retry

from clickstream.config.settings import ValkeySettings
from clickstream.domain.errors import (
    AdmissionRefused,
    ClickstreamError,
    ServiceNotReady,
    ServiceRefused,
    ServiceUnavailable,
)
from clickstream.services.handshake import HandshakeFault, Names, fault_of, refusal
from clickstream.services.repeat import PATIENCE, repeat

SERVICE: Final = "Valkey"

PREFIX: Final = "clickstream:"
"""Every key of ours begins with this; `clear` deletes by it."""

_PASSING: Final = ("BUSY ", "MASTERDOWN ", "TRYAGAIN ", "CLUSTERDOWN ")
"""How the answers begin that the driver has no class for, and that pass by themselves: a script runs, a replica has
lost its primary, slots move."""

_HUNG_UP: Final = "Connection closed by server"
_NO_HANDSHAKE: Final = "handshake operation timed out"

_NAMES: Final = Names(service=SERVICE, host="VALKEY_HOST", switch="VALKEY_SSL", ca="VALKEY_SSL_CA_FILE")


class _Client(valkey.Valkey):
    """Repeats a command while the answer is one that passes by itself."""

    patience = PATIENCE

    def execute_command(self, *args: Any, **options: Any) -> Any:
        execute: Any = super().execute_command
        return repeat(lambda: execute(*args, **options), is_transient=is_transient, within=self.patience)


def is_transient(error: Exception) -> bool:
    """Whether this is an answer of Valkey that passes by itself."""
    return isinstance(error, BusyLoadingError) or (isinstance(error, ResponseError) and str(error).startswith(_PASSING))


def connect(settings: ValkeySettings, *, timeout: float = 2.0, patience: float = PATIENCE) -> valkey.Valkey:
    """A client that speaks bytes and connects with its first command.

    Args:
        settings: whose server.
        timeout: seconds that an answer may take.
        patience: seconds for which a command is repeated while the server loads its data or is busy.
    """
    client = _Client(
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
        encoding_errors="replace",  # in what the server says of an error
    )
    client.patience = patience
    return client


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors raised inside come out as ServiceUnavailable (worth a retry) or ServiceRefused."""
    try:
        yield
    except AuthenticationError as error:
        raise _unauthenticated(error) from error
    except BusyLoadingError as error:
        raise ServiceNotReady(SERVICE, "it is loading its data") from error
    except (ConnectionError, TimeoutError) as error:
        raise _unreachable(error) from error
    except ValkeyError as error:
        if "NOAUTH" in str(error) or "Authentication required" in str(error):
            raise _unauthenticated(error) from error
        if is_transient(error):
            raise ServiceNotReady(SERVICE, str(error)) from error
        raise ServiceRefused(f"{SERVICE}: {error}") from error


def _unauthenticated(error: ValkeyError) -> AdmissionRefused:
    return AdmissionRefused(f"{SERVICE} refused: {error}", hint="check VALKEY_USER and VALKEY_PASSWORD")


def _unreachable(error: ValkeyError) -> ClickstreamError:
    fault = fault_of(error)
    if fault is HandshakeFault.NO_TLS or _NO_HANDSHAKE in str(error.__context__):
        hint = "check VALKEY_SSL, VALKEY_HOST and VALKEY_PORT, and that the server runs"
        return ServiceUnavailable(SERVICE, "not in TLS, as it is asked to", hint=hint)
    if fault:
        return refusal(_NAMES, fault)
    hint = "check VALKEY_HOST, VALKEY_PORT and VALKEY_SSL, and that the server runs"
    if _HUNG_UP in str(error):
        hint = "if it always does, check VALKEY_SSL: it may take TLS connections only"
    return ServiceUnavailable(SERVICE, str(error).removesuffix("."), hint=hint)
