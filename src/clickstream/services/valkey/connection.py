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
from clickstream.domain.errors import ServiceRefused, ServiceUnavailable

SERVICE: Final = "Valkey"

PREFIX: Final = "clickstream:"
"""Every key of ours begins with this; `clear` deletes by it."""

_BUSY_LOADING = "LOADING"


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
        socket_connect_timeout=timeout,
        socket_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        client_name="clickstream",
    )


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors raised inside come out as ServiceUnavailable (worth a retry) or ServiceRefused."""
    try:
        yield
    except AuthenticationError as error:
        raise ServiceRefused(f"{SERVICE} refused: {error}", hint="check VALKEY_USER and VALKEY_PASSWORD") from error
    except (ConnectionError, TimeoutError) as error:
        raise ServiceUnavailable(
            SERVICE, str(error), hint="check VALKEY_HOST, VALKEY_PORT and VALKEY_SSL, and that the server runs"
        ) from error
    except ValkeyError as error:
        if "NOAUTH" in str(error) or "Authentication required" in str(error):
            hint = "check VALKEY_USER and VALKEY_PASSWORD"
            raise ServiceRefused(f"{SERVICE} refused: {error}", hint=hint) from error
        if str(error).startswith(_BUSY_LOADING):
            raise ServiceUnavailable(SERVICE, str(error)) from error
        raise ServiceRefused(f"{SERVICE}: {error}") from error
