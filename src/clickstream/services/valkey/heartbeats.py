"""The heartbeat registry: workers send their figures, any terminal on any host reads them.

A heartbeat expires by itself. The pipeline does not need any of them to be right.
"""

from __future__ import annotations

from typing import Final, cast

import msgspec
import valkey
from msgspec.structs import replace

from clickstream.domain.escapes import brief
from clickstream.domain.processes import Role
from clickstream.domain.reports import LONGEST_NAME, WorkerReport, check_figures, checked
from clickstream.services.valkey.connection import PREFIX, translated
from clickstream.services.valkey.keys import SCAN_COUNT, literal

EXPIRES_AFTER: Final = 10
"""Seconds that a heartbeat stays; a worker sends one a second."""

_LONGEST_HEARTBEAT: Final = 1_000_000
"""Bytes; that of a worker with a thousand partitions has some ten thousand."""


class Heartbeat(msgspec.Struct, frozen=True):
    """What one worker last said of itself."""

    name: str
    role: Role
    host: str
    pid: int
    started_at: float
    """Unix seconds."""
    report: WorkerReport


class HeartbeatRegistry:
    """The last heartbeat of each worker of one topic; two pipelines on one server do not mix."""

    def __init__(self, client: valkey.Valkey, *, topic: str) -> None:
        self._client = client
        self._prefix = f"{PREFIX}board:{topic}:"

    def put(self, heartbeat: Heartbeat) -> None:
        """Store it, in place of the worker's last one. Raises ServiceUnavailable or ServiceRefused."""
        with translated():
            self._client.set(self._key(heartbeat), msgspec.json.encode(heartbeat), ex=EXPIRES_AFTER)

    def remove(self, heartbeat: Heartbeat) -> None:
        """Remove the last one of a worker that ends."""
        with translated():
            self._client.delete(self._key(heartbeat))

    def _key(self, heartbeat: Heartbeat) -> str:
        # Two homes on one host have workers of the same names.
        return f"{self._prefix}{heartbeat.host}:{heartbeat.pid}:{heartbeat.name}"

    def read(self) -> list[Heartbeat]:
        """All of them, by name; what cannot be read (another version's) is left out."""
        with translated():
            keys = list(self._client.scan_iter(match=f"{literal(self._prefix)}*", count=SCAN_COUNT))
            # One at a time: a cluster takes no command for keys of several slots.
            values = [cast("bytes | None", self._client.get(key)) for key in keys]
        found = [heartbeat for value in values if value is not None and (heartbeat := _decoded(value))]
        return sorted(found, key=lambda heartbeat: (heartbeat.name, heartbeat.host))


def _decoded(value: bytes) -> Heartbeat | None:
    """Safe to show: a user with the server's password can write anything there. None: it is not a heartbeat."""
    if len(value) > _LONGEST_HEARTBEAT:
        return None
    try:
        heartbeat = msgspec.json.decode(value, type=Heartbeat)
        check_figures((heartbeat.pid, heartbeat.started_at))
        report = checked(heartbeat.report)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    name, host = brief(heartbeat.name, LONGEST_NAME), brief(heartbeat.host, LONGEST_NAME)
    return replace(heartbeat, name=name, host=host, report=report)
