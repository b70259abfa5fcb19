"""The notice board: workers post their figures, any terminal on any host reads them.

Posts fade by themselves. Nothing here is needed for the pipeline to be right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import msgspec
import valkey

from clickstream.config.settings import ValkeySettings
from clickstream.domain.escapes import brief
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
    """The post, safe to show: a user with the server's password can write anything there. None: it is not a post."""
    if len(value) > _LONGEST_POST:
        return None
    try:
        post = msgspec.json.decode(value, type=Post)
        check_figures((post.pid, post.started_at))
        report = checked(post.report)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return replace(post, name=brief(post.name, LONGEST_NAME), host=brief(post.host, LONGEST_NAME), report=report)
