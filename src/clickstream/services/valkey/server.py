"""Asks the server for its version and our rights, and makes the snapshot and the flush that a fault needs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import valkey
from valkey.exceptions import NoPermissionError

from clickstream.config.settings import ValkeySettings
from clickstream.domain.escapes import brief
from clickstream.domain.reports import LONGEST_NAME
from clickstream.services.repeat import PATIENCE
from clickstream.services.valkey.connection import PREFIX, connect, translated


@dataclass(frozen=True, slots=True)
class ValkeyInfo:
    """What the server says of itself."""

    version: str
    latency_ms: float
    maxmemory_policy: str
    maxmemory: int
    """Bytes; 0: no limit."""
    used_memory: int
    """Bytes."""


def server_info(settings: ValkeySettings, *, patience: float = PATIENCE) -> ValkeyInfo:
    """Ask the server; see connection.connect. Raises ServiceUnavailable or ServiceRefused."""
    with translated(), connect(settings, patience=patience) as client:
        client.ping()
        started = time.perf_counter()
        client.ping()
        latency = (time.perf_counter() - started) * 1000
        server, memory = _info(client, "server"), _info(client, "memory")
    return ValkeyInfo(
        version=brief(str(server.get("valkey_version") or server.get("redis_version", "")), LONGEST_NAME),
        latency_ms=round(latency, 2),
        maxmemory_policy=str(memory.get("maxmemory_policy", "")),
        maxmemory=int(memory.get("maxmemory", 0)),
        used_memory=int(memory.get("used_memory", 0)),
    )


def _info(client: valkey.Valkey, section: str) -> dict[str, Any]:
    """Empty where this user may not ask for it: what the pipeline needs is granted one by one."""
    try:
        return cast("dict[str, Any]", client.info(section))
    except NoPermissionError:
        return {}


def try_commands(settings: ValkeySettings) -> None:
    """Do once, with a key of its own, what workers do: write, read, list and delete.

    Raises ServiceUnavailable or ServiceRefused with the server's reason.
    """
    key = f"{PREFIX}check:{uuid4().hex}"
    with translated(), connect(settings) as client:
        client.set(key, b"1", ex=1)
        client.get(key)
        client.expire(key, 1)
        client.unlink(key)
        client.xadd(key, {"check": "1"}, maxlen=1)
        client.xrange(key)
        client.unlink(key)
        client.scan(match=f"{PREFIX}check:*", count=1)


def flush(settings: ValkeySettings) -> int:
    """Remove everything, whosever it is; how many keys there were. Raises ServiceUnavailable or ServiceRefused."""
    with connect(settings) as client, translated():
        keys = int(client.dbsize())
        client.flushall()
    return keys


def snapshot(settings: ValkeySettings) -> None:
    """Begin to write a snapshot to the disk. Raises ServiceUnavailable or ServiceRefused."""
    with connect(settings) as client, translated():
        client.bgsave()
