"""The notice board: workers post their figures, any terminal on any host reads them; and the server's own figures.

Posts fade by themselves. Nothing here is needed for the pipeline to be right.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import uuid4

import msgspec
import valkey
from valkey.exceptions import NoPermissionError

from clickstream.config.settings import ValkeySettings
from clickstream.domain.harmless import brief
from clickstream.domain.processes import Role
from clickstream.domain.reports import LONGEST_NAME, WorkerReport, check_figures, checked
from clickstream.services.repeat import PATIENCE
from clickstream.services.valkey.connection import PREFIX, connect, translated

FADES_AFTER: Final = 10
"""Seconds that a post stays; a worker posts once a second."""

_SCAN_COUNT: Final = 1000

_LONGEST_POST: Final = 1_000_000
"""Bytes; that of a worker with a thousand partitions has some ten thousand."""


@dataclass(frozen=True, slots=True)
class Post:
    """What one worker last said of itself."""

    name: str
    role: Role
    host: str
    pid: int
    started_at: float
    """Unix seconds."""
    report: WorkerReport


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the server says of itself."""

    version: str
    latency_ms: float
    maxmemory_policy: str
    maxmemory: int
    """Bytes; 0: no limit."""
    used_memory: int
    """Bytes."""


class Board:
    """The posts of one consumer group's workers (its topic's, strictly: two pipelines on one server do not mix)."""

    def __init__(self, client: valkey.Valkey, *, topic: str) -> None:
        self._client = client
        self._prefix = f"{PREFIX}board:{topic}:"

    def post(self, post: Post) -> None:
        """Put up, in place of the worker's last post. Raises ServiceUnavailable or ServiceRefused."""
        with translated():
            self._client.set(self._key(post), msgspec.json.encode(post), ex=FADES_AFTER)

    def take_down(self, post: Post) -> None:
        """Remove the worker's post: it ends."""
        with translated():
            self._client.delete(self._key(post))

    def _key(self, post: Post) -> str:
        # Two homes on one host have workers of the same names.
        return f"{self._prefix}{post.host}:{post.pid}:{post.name}"

    def read(self) -> list[Post]:
        """All posts, by name; what cannot be read (another version's) is left out."""
        with translated():
            keys = list(self._client.scan_iter(match=f"{_literal(self._prefix)}*", count=_SCAN_COUNT))
            # One at a time: a cluster takes no command for keys of several slots.
            values = [cast("bytes | None", self._client.get(key)) for key in keys]
        posts = [post for value in values if value is not None and (post := _decoded(value))]
        return sorted(posts, key=lambda post: (post.name, post.host))


def server_info(settings: ValkeySettings, *, patience: float = PATIENCE) -> ServerInfo:
    """Ask the server; see connection.connect. Raises ServiceUnavailable or ServiceRefused."""
    with translated(), connect(settings, patience=patience) as client:
        client.ping()
        started = time.perf_counter()
        client.ping()
        latency = (time.perf_counter() - started) * 1000
        server, memory = _info(client, "server"), _info(client, "memory")
    return ServerInfo(
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


def clear(settings: ValkeySettings, *, naming: Sequence[str] = ("",), patience: float = PATIENCE) -> int:
    """Delete every key of ours; how many there were. Other keys on the server stay.

    Args:
        settings: whose server.
        naming: only those that name one of these (a topic, a schema).
        patience: seconds for which a deletion is tried while the server is busy.
    """
    deleted = 0
    with translated(), connect(settings, timeout=5.0, patience=patience) as client:
        for name in naming:
            for key in client.scan_iter(match=f"{PREFIX}*{_literal(name)}*", count=_SCAN_COUNT):
                # One at a time: a cluster takes no command for keys of several slots.
                deleted += cast("int", client.unlink(key))
    return deleted


def _literal(text: str) -> str:
    """The text as a glob that matches only itself."""
    return "".join(f"\\{letter}" if letter in "*?[]\\^-" else letter for letter in text)


def _decoded(value: bytes) -> Post | None:
    """The post, fit to be shown: whoever has the server's password can put up what he likes. None: it is no post."""
    if len(value) > _LONGEST_POST:
        return None
    try:
        post = msgspec.json.decode(value, type=Post)
        check_figures((post.pid, post.started_at))
        report = checked(post.report)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return replace(post, name=brief(post.name, LONGEST_NAME), host=brief(post.host, LONGEST_NAME), report=report)
