"""Opens clients of OpenSearch; translates the driver's errors and the answers of servers that are not OpenSearch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import BadStatusLine
from typing import Any, Final, TypeVar

import msgspec
from opensearchpy import OpenSearch, Transport, Urllib3HttpConnection
from opensearchpy.exceptions import (
    ConnectionError,  # noqa: A004
    ConnectionTimeout,
    OpenSearchException,
    SerializationError,
    SSLError,
    TransportError,
)
from urllib3.exceptions import ProtocolError

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import (
    AdmissionRefused,
    ClickstreamError,
    ServiceNotReady,
    ServiceRefused,
    ServiceUnavailable,
)
from clickstream.domain.escapes import brief
from clickstream.services.handshake import HandshakeFault, Names, fault_of, refusal
from clickstream.services.opensearch.verdicts import NOT_NOW, Verdict, describe, verdict
from clickstream.services.repeat import PATIENCE, repeat

SERVICE: Final = "OpenSearch"

LONGEST_REASON: Final = 300
"""Characters of a reason: the server repeats the request's words in it."""

_SHARDED: Final = ("/_search", "/_count")
"""Requests whose answer is a part of the truth while a shard is away."""

_NOT_ADMITTED: Final = frozenset({401, 403})

_PROXIES: Final = frozenset({*NOT_NOW, *_NOT_ADMITTED, 407, 413})
"""Refusals of a proxy before OpenSearch, in words of its own."""

_NO_HANDLER: Final = frozenset({501, 505})
"""Of the answers from 500 on, those that do not pass by themselves."""

_NAMES: Final = Names(service=SERVICE, host="OPENSEARCH_HOST", switch="OPENSEARCH_USE_SSL", ca="OPENSEARCH_CA_FILE")

T = TypeVar("T")


class HttpConnection(Urllib3HttpConnection):
    """The driver's, for servers that answer something else than it expects."""

    def _raise_error(self, status_code: int, raw_data: str | bytes, content_type: str | None = None) -> None:
        # It takes any JSON for an object.
        super()._raise_error(status_code, raw_data, "text/plain" if _object(raw_data) is None else content_type)

    def _raise_warnings(self, warning_headers: Any) -> None:
        """Not said: they are about requests that are ours, and would be printed over the screen."""


class _SearchConnection(HttpConnection):
    """Recognises an answer that did not come from OpenSearch."""

    def perform_request(self, *args: Any, **options: Any) -> Any:
        try:
            return super().perform_request(*args, **options)
        except ConnectionError as error:
            if _lacks_answer(cause_of(error)):
                raise foreign(_where(self)) from error
            raise

    def _raise_error(self, status_code: int, raw_data: str | bytes, content_type: str | None = None) -> None:
        # What passes, or asks who we are, may be said by a proxy before it.
        refused = 300 <= status_code < 500 or status_code in _NO_HANDLER
        if refused and status_code not in _PROXIES and (raw_data or status_code != 404):  # to a HEAD there are no words
            said = _object(raw_data)
            if said is None or not {"error", "status"} & set(said):
                raise foreign(_where(self))
        super()._raise_error(status_code, raw_data, content_type)


class _Transport(Transport):
    """Repeats a request while the answer is one that passes by itself; an answer without all shards is one."""

    patience = PATIENCE

    def perform_request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        perform = super().perform_request

        def attempt() -> Any:
            answer = perform(method, url, *args, **options)
            if url.endswith(_SHARDED) and isinstance(answer, dict) and (away := _shards_away(answer)):
                raise TransportError(503, f"{away} of the index's shards are not started", None)
            return answer

        try:
            answer = repeat(attempt, is_transient=is_transient, within=self.patience)
        except (SerializationError, RecursionError) as error:
            raise foreign(_where(self.get_connection())) from error
        if not isinstance(answer, bool if method == "HEAD" else dict):
            raise foreign(_where(self.get_connection()))
        return answer


def is_transient(error: Exception) -> bool:
    """Whether this is an answer of OpenSearch that passes by itself."""
    return isinstance(error, TransportError) and error.status_code in NOT_NOW


def foreign(where: str, what: str = "") -> ServiceRefused:
    """What to say where the answer is none of OpenSearch's. `what`: whose it is instead."""
    hint = "check OPENSEARCH_HOST, OPENSEARCH_PORT and OPENSEARCH_USE_SSL"
    return ServiceRefused(f"what answers at {where} is not OpenSearch{what and f' but {what}'}", hint=hint)


def converted(client: OpenSearch, kind: type[T], answer: object) -> T:
    """The answer in the shape that OpenSearch gives it. Raises ServiceRefused where it has another one."""
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise foreign(where(client)) from error


def where(client: OpenSearch) -> str:
    """Host and port, for words."""
    transport: Any = client.transport
    return _where(transport.get_connection())


def _where(connection: Any) -> str:
    return f"{connection.hostname}:{connection.port}"


def _lacks_answer(error: BaseException | None) -> bool:
    """Whether bytes came that are not HTTP, or not text. A closed connection is not judged."""
    met = error.args[1] if isinstance(error, ProtocolError) and len(error.args) > 1 else error
    return isinstance(met, UnicodeError) or (isinstance(met, BadStatusLine) and not isinstance(met, OSError))


def _object(raw: str | bytes) -> dict[str, Any] | None:
    """The JSON object that this is; None where it is something else."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _shards_away(answer: dict[str, Any]) -> int:
    shards = answer.get("_shards")
    counts = [shards.get(name, 0) if isinstance(shards, dict) else 0 for name in ("total", "successful")]
    return counts[0] - counts[1] if all(isinstance(count, int) for count in counts) else 0


def trust(settings: OpenSearchSettings) -> dict[str, Any]:
    """Whose certificates the driver's connections are to trust."""
    ca_file = str(settings.ca_file) if settings.ca_file else None
    return {"verify_certs": settings.verify_certs, "ca_certs": ca_file, "ssl_show_warn": False}


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
        connection_class=_SearchConnection,
        timeout=timeout,
        max_retries=0,
        transport_class=_Transport,
        **trust(settings),
    )
    transport: Any = client.transport
    transport.patience = patience
    return client


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors raised inside become ServiceUnavailable (worth a retry), AdmissionRefused or ServiceRefused."""
    try:
        yield
    except ConnectionTimeout as error:
        raise ServiceUnavailable(SERVICE, "no answer in time") from error
    except SSLError as error:
        raise refusal(_NAMES, fault_of(cause_of(error)) or HandshakeFault.OTHER) from error
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
    status, kind = error.status_code, _kind(error)
    found = verdict(status, kind) if isinstance(status, int) else Verdict.UNKNOWN
    if found is Verdict.STATE:
        return ServiceNotReady(SERVICE, _words(error) if kind else f"HTTP {status}: {_words(error)}")
    if found is Verdict.NOT_ADMITTED or status in _NOT_ADMITTED:
        hint = "check OPENSEARCH_USER and OPENSEARCH_PASSWORD"
        return AdmissionRefused(f"{SERVICE} refused: HTTP {status}", hint=hint)
    return ServiceRefused(f"{SERVICE} refused: HTTP {status}: {_words(error)}")


def is_state(error: TransportError) -> bool:
    """Whether this is about the state of an index or the cluster, and not about the request."""
    return isinstance(error.status_code, int) and verdict(error.status_code, _kind(error)) is Verdict.STATE


def _said(error: TransportError) -> dict[str, Any]:
    said = error.info.get("error") if isinstance(error.info, dict) else None
    return said if isinstance(said, dict) else {}


def _kind(error: TransportError) -> str:
    return str(_said(error).get("type") or "")


def _words(error: TransportError) -> str:
    said = _said(error)
    if reason := said.get("reason"):
        words = describe(_kind(error), str(reason), str(said.get("index") or ""))
    else:
        words = str(error.error)
    return brief(words, LONGEST_REASON)
