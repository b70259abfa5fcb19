"""Opening clients of OpenSearch, and translating the driver's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from opensearchpy import OpenSearch, Transport, Urllib3HttpConnection
from opensearchpy.exceptions import (
    ConnectionError,  # noqa: A004
    ConnectionTimeout,
    OpenSearchException,
    SSLError,
    TransportError,
)

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import ClickstreamError, NotAdmitted, ServiceNotReady, ServiceRefused, ServiceUnavailable
from clickstream.services.handshake import Fault, Names, fault_of, refusal
from clickstream.services.repeat import PATIENCE, repeat

SERVICE: Final = "OpenSearch"

NOT_NOW: Final = frozenset({408, 429, 502, 503, 504})
"""Answers that mean: it has too much to do, or does not serve yet; another time it may."""

_SHARDED: Final = ("/_search", "/_count")
"""Requests whose answer is a part of the truth while a shard is away."""

_NOT_ADMITTED: Final = frozenset({401, 403})

_NAMES: Final = Names(
    service=SERVICE, host="OPENSEARCH_HOST", switch="OPENSEARCH_USE_SSL", ca="OPENSEARCH_VERIFY_CERTS"
)


class _Transport(Transport):
    """Repeats a request while the answer is one that passes by itself; an answer without all shards is one."""

    patience = PATIENCE

    def perform_request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        perform = super().perform_request

        def attempt() -> Any:
            answer = perform(method, url, *args, **options)
            if url.endswith(_SHARDED) and isinstance(answer, dict) and (away := _shards_away(answer)):
                raise TransportError(503, f"{away} of the index's shards are not started")
            return answer

        return repeat(attempt, passes=passes, within=self.patience)


def passes(error: Exception) -> bool:
    """Whether this is an answer of OpenSearch that passes by itself."""
    return isinstance(error, TransportError) and error.status_code in NOT_NOW


def _shards_away(answer: dict[str, Any]) -> int:
    shards = answer.get("_shards") or {}
    return int(shards.get("total", 0)) - int(shards.get("successful", 0))


def connect(settings: OpenSearchSettings, *, timeout: float = 10.0, patience: float = PATIENCE) -> OpenSearch:
    """A client that connects with its first request.

    Args:
        settings: whose server.
        timeout: seconds that an answer may take.
        patience: seconds for which a request is repeated while the server starts or has too much to do.
    """
    login = None
    if settings.user is not None:
        login = (settings.user, settings.password.get_secret_value() if settings.password else "")
    client = OpenSearch(
        hosts=[{"host": settings.host, "port": settings.port}],
        http_auth=login,
        use_ssl=settings.use_ssl,
        verify_certs=settings.verify_certs,
        ssl_show_warn=False,
        connection_class=Urllib3HttpConnection,
        timeout=timeout,
        max_retries=0,
        transport_class=_Transport,
    )
    transport: Any = client.transport
    transport.patience = patience
    return client


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors raised inside come out as ServiceUnavailable (worth a retry), NotAdmitted or ServiceRefused."""
    try:
        yield
    except ConnectionTimeout as error:
        raise ServiceUnavailable(SERVICE, "no answer in time") from error
    except SSLError as error:
        raise refusal(_NAMES, fault_of(cause_of(error)) or Fault.OTHER) from error
    except ConnectionError as error:
        raise _unreachable(error) from error
    except TransportError as error:
        raise _refused(error) from error
    except OpenSearchException as error:
        raise ServiceRefused(f"{SERVICE}: {error}") from error


def _unreachable(error: ConnectionError) -> ClickstreamError:
    cause = cause_of(error)
    if fault := fault_of(cause):
        return refusal(_NAMES, fault)
    hint = "check OPENSEARCH_HOST, OPENSEARCH_PORT and OPENSEARCH_USE_SSL, and that the server runs"
    return ServiceUnavailable(SERVICE, system_error(cause) or str(error.error), hint=hint)


def cause_of(error: TransportError) -> BaseException | None:
    """What the driver met with."""
    return error.info if isinstance(error.info, BaseException) else None


def system_error(error: BaseException | None) -> str:
    """What the operating system said, deep below the driver's own words."""
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        error = error.__cause__ or error.__context__
    return ""


def _refused(error: TransportError) -> ClickstreamError:
    if error.status_code in _NOT_ADMITTED:
        hint = "check OPENSEARCH_USER and OPENSEARCH_PASSWORD"
        return NotAdmitted(f"{SERVICE} refused: HTTP {error.status_code}", hint=hint)
    if error.status_code in NOT_NOW or (isinstance(error.status_code, int) and error.status_code >= 500):
        return ServiceNotReady(SERVICE, f"HTTP {error.status_code}: {error.error}")
    return ServiceRefused(f"{SERVICE} refused: HTTP {error.status_code}: {error.error}")
