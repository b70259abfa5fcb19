"""Asks the server for its version, its latency and its health."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec
from opensearchpy import OpenSearch

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import ServiceUnavailable
from clickstream.domain.escapes import brief
from clickstream.domain.reports import LONGEST_NAME
from clickstream.services.opensearch.client import connect, converted, foreign, translated, where
from clickstream.services.repeat import PATIENCE, repeat

ASKING_TIMEOUT = 2.0
"""Seconds that a small question may take."""


class _Version(msgspec.Struct):
    number: str
    distribution: str = "opensearch"
    build_flavor: str | None = None
    """Elasticsearch's alone."""


class _Info(msgspec.Struct):
    version: _Version


@dataclass(frozen=True, slots=True)
class OpenSearchInfo:
    """An answer of the server."""

    version: str
    latency_ms: float
    """One round trip on an open connection."""


def server_info(settings: OpenSearchSettings, *, patience: float = PATIENCE) -> OpenSearchInfo:
    """Ask the server; see client.connect. Raises ServiceUnavailable, AdmissionRefused or ServiceRefused."""
    with translated(), connect(settings, timeout=ASKING_TIMEOUT, patience=patience) as client:
        client.info()
        return info_of(client)


def info_of(client: OpenSearch) -> OpenSearchInfo:
    """The same over an open connection. Raises ServiceRefused, and the driver's errors; see `translated`."""
    started = time.perf_counter()
    answer = client.info()
    latency = (time.perf_counter() - started) * 1000
    version = converted(client, _Info, answer).version
    number = brief(version.number, LONGEST_NAME)
    if version.build_flavor is not None or version.distribution != "opensearch":
        other = "Elasticsearch" if version.build_flavor else brief(version.distribution, LONGEST_NAME)
        raise foreign(where(client), f"{other} {number}")
    return OpenSearchInfo(number, round(latency, 2))


def await_yellow(settings: OpenSearchSettings, within: float) -> None:
    """Wait until every index can be read and written: the server listens some time before that.

    Raises:
        ServiceUnavailable: that was not so `within` seconds.
        ServiceRefused: it does not let us in.
    """
    with connect(settings, timeout=within, patience=within) as client:

        def await_health() -> None:
            with translated():
                client.cluster.health(params={"wait_for_status": "yellow"})

        repeat(await_health, is_transient=lambda error: isinstance(error, ServiceUnavailable), within=within)
