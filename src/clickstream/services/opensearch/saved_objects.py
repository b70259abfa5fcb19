"""The saved objects for OpenSearch Dashboards: reads them, adapts them to this set-up, imports them.

Dashboards is another server than OpenSearch, with an address of its own; user, password and trust are the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
from opensearchpy.exceptions import (
    ConnectionError,  # noqa: A004
    ConnectionTimeout,
    ImproperlyConfigured,
    TransportError,
)
from urllib3.exceptions import LocationParseError
from urllib3.filepost import encode_multipart_formdata
from urllib3.util import Url, parse_url

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import (
    AdmissionRefused,
    ClickstreamError,
    ServiceNotReady,
    ServiceRefused,
    ServiceUnavailable,
    UsageError,
)
from clickstream.domain.escapes import brief
from clickstream.services.handshake import Names, fault_of, refusal
from clickstream.services.opensearch.client import HttpConnection, cause_of, is_transient, system_error, trust
from clickstream.services.repeat import PATIENCE, repeat

DASHBOARDS: Final = "OpenSearch Dashboards"

FILE: Final = "dashboards.ndjson"

TENANT: Final = "global"
"""The tenant whose objects every user sees. A Dashboards without tenants ignores it."""

TIMEOUT: Final = 30.0
"""Seconds that the import may take."""

_PATTERN: Final = "clickstream-events*"
"""The index pattern that stands in the file."""

_CHECK: Final = "check OPENSEARCH_DASHBOARDS_URL"

_NAMES: Final = Names(
    service=DASHBOARDS, host="OPENSEARCH_DASHBOARDS_URL", switch="its https://", ca="OPENSEARCH_CA_FILE"
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = 253_402_300_799_999
"""The end of the year 9999: Dashboards reads no further."""


@dataclass(frozen=True, slots=True)
class SavedObject:
    """One object of the file."""

    type: str
    id: str
    title: str


def saved_objects(index: str, span: tuple[int, int] | None) -> list[dict[str, Any]]:
    """The objects, for this index and with dashboards that show this time, Unix ms.

    With None the dashboards keep the time that stands in the file.
    """
    fitted = _text().replace(_PATTERN, f"{index}*")
    objects = [json.loads(line) for line in fitted.splitlines()]
    for one in objects:
        if one["type"] == "dashboard" and span is not None:
            one["attributes"] |= {"timeRestore": True, "timeFrom": iso(span[0]), "timeTo": iso(span[1])}
    return objects


def iso(milliseconds: int) -> str:
    """An event time as Dashboards writes times."""
    at = _EPOCH + timedelta(milliseconds=min(milliseconds, _LAST_MS))
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def address(settings: OpenSearchSettings) -> str:
    """The URL of Dashboards, without a login that it may hold. Raises UsageError: it is not a web address."""
    return _url(settings)._replace(auth=None).url.rstrip("/")


def page(settings: OpenSearchSettings, one: SavedObject) -> str:
    """Where a browser finds this dashboard."""
    return f"{address(settings)}/app/dashboards?security_tenant={TENANT}#/view/{quote(one.id)}"


def import_objects(settings: OpenSearchSettings, objects: Sequence[dict[str, Any]]) -> list[SavedObject]:
    """Put them into Dashboards, in place of those of the same ids; all are there then.

    Raises:
        UsageError: OPENSEARCH_DASHBOARDS_URL is not a web address.
        ServiceUnavailable, AdmissionRefused: it does not answer, or not us.
        ServiceRefused: it did not take them all.
    """
    data = "".join(f"{json.dumps(one)}\n" for one in objects).encode()
    body, kind = encode_multipart_formdata({"file": (FILE, data, "application/ndjson")})
    headers = {"osd-xsrf": "true", "securitytenant": TENANT, "content-type": kind}
    with _translated():
        connection = _connection(settings)
        try:
            _, _, answer = repeat(
                lambda: connection.perform_request(
                    "POST", "/api/saved_objects/_import", {"overwrite": "true"}, body, headers=headers
                ),
                is_transient=is_transient,
                within=PATIENCE,
            )
        finally:
            connection.close()
    _check(answer, len(objects))
    return [SavedObject(one["type"], one["id"], one["attributes"]["title"]) for one in objects]


def _text() -> str:
    """Part of the package where it was installed; in the repository, the file itself."""
    packed = files("clickstream.services.opensearch") / FILE
    if packed.is_file():
        return packed.read_text("utf-8")
    return (Path(__file__).resolve().parents[4] / "opensearch" / FILE).read_text("utf-8")


def _url(settings: OpenSearchSettings) -> Url:
    hint = "it should be like https://dashboards.example.com:5601"
    try:
        url = parse_url(settings.dashboards_url or "")
    except LocationParseError as error:
        raise UsageError("OPENSEARCH_DASHBOARDS_URL is not a web address", hint=hint) from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise UsageError("OPENSEARCH_DASHBOARDS_URL is not a web address", hint=hint)
    return url._replace(query=None, fragment=None)


def _connection(settings: OpenSearchSettings) -> HttpConnection:
    """As for OpenSearch, so that trust is the same."""
    url = _url(settings)
    login: str | None = url.auth
    if login is None and settings.user is not None:
        login = f"{settings.user}:{settings.password.get_secret_value() if settings.password else ''}"
    return HttpConnection(
        host=url.host or "",
        port=url.port or (443 if url.scheme == "https" else 80),
        url_prefix=(url.path or "").strip("/"),
        http_auth=login,
        use_ssl=url.scheme == "https",
        timeout=TIMEOUT,
        **trust(settings),
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ConnectionTimeout as error:
        raise ServiceUnavailable(DASHBOARDS, "no answer in time", hint=_CHECK) from error
    except ConnectionError as error:
        cause = cause_of(error)
        if fault := fault_of(cause):
            raise refusal(_NAMES, fault) from error
        raise ServiceUnavailable(DASHBOARDS, system_error(cause) or str(error.error), hint=_CHECK) from error
    except TransportError as error:
        raise _refused(error) from error
    except ImproperlyConfigured as error:
        raise ServiceRefused(f"{DASHBOARDS}: {error}", hint=_CHECK) from error


def _refused(error: TransportError) -> ClickstreamError:
    status = error.status_code
    said = error.info.get("message") if isinstance(error.info, dict) else None
    words = f"HTTP {status}" + (f": {brief(str(said), 200)}" if said else "")
    if status in {401, 403}:
        hint = "check OPENSEARCH_USER and OPENSEARCH_PASSWORD, and that this user may write to the global tenant"
        return AdmissionRefused(f"{DASHBOARDS} refused: {words}", hint=hint)
    if status == 404 or (isinstance(status, int) and 300 <= status < 400):
        return ServiceRefused(f"what answers there does not import saved objects: {words}", hint=_CHECK)
    if isinstance(status, int) and status >= 500:
        return ServiceNotReady(DASHBOARDS, words)
    return ServiceRefused(f"{DASHBOARDS} refused: {words}")


class _Reference(msgspec.Struct):
    type: str = ""
    id: str = ""


class _Error(msgspec.Struct):
    type: str = "no reason"
    message: str | None = None
    references: list[_Reference] | None = None


class _Meta(msgspec.Struct):
    title: str | None = None


class _Fault(msgspec.Struct):
    type: str = ""
    id: str = ""
    title: str | None = None
    meta: _Meta | None = None
    error: _Error | None = None


class _Imported(msgspec.Struct):
    success: bool
    successCount: int | None = None  # noqa: N815 (Dashboards' name)
    errors: list[_Fault] | None = None


def _check(answer: str, count: int) -> None:
    """Raises ServiceRefused unless the answer to an import says that all `count` were taken."""
    try:
        found = msgspec.json.decode(answer, type=_Imported)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ServiceRefused("what answers there does not import saved objects", hint=_CHECK) from error
    if found.errors:
        faults = "; ".join(_words(one) for one in found.errors)
        raise ServiceRefused(f"{DASHBOARDS} did not take all objects: {faults}")
    if not found.success or found.successCount != count:
        raise ServiceRefused(f"{DASHBOARDS} took {found.successCount} of {count} objects")


def _words(one: _Fault) -> str:
    """An error of the answer in words."""
    error = one.error or _Error()
    title = (one.meta and one.meta.title) or one.title or one.id
    said = error.message or error.type.replace("_", " ")
    missing = ", ".join(f"{reference.type} {reference.id}" for reference in error.references or ())
    return brief(f"{one.type} {title}: {said}{f' ({missing})' if missing else ''}", 200)
