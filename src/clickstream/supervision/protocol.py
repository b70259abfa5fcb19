"""The protocol of the supervisor's socket: a JSON request a line, answered by a JSON reply a line (`watch`: by many).

Shared by both ends; private to this room.
"""

from __future__ import annotations

import msgspec

from clickstream.domain.processes import ProcessSpec, Snapshot

MAX_LINE = 16 * 1024 * 1024
"""Bytes of one request: hundreds of specs, each with a whole environment."""


class GetSnapshot(msgspec.Struct, tag="snapshot"):
    """Answered at once."""


class Watch(msgspec.Struct, tag="watch"):
    """Answered without end."""


class Start(msgspec.Struct, tag="start"):
    """Answered when all are started."""

    specs: tuple[ProcessSpec, ...]


class StopProcesses(msgspec.Struct, tag="stop"):
    """Answered when all have ended."""

    names: tuple[str, ...]
    kill: bool = False


class Restart(msgspec.Struct, tag="restart"):
    """Answered when all are started again."""

    names: tuple[str, ...]


class Remove(msgspec.Struct, tag="remove"):
    """Answered at once."""

    names: tuple[str, ...]


class Tell(msgspec.Struct, tag="tell"):
    """Answered at once."""

    name: str
    line: str


class Shutdown(msgspec.Struct, tag="shutdown"):
    """Answered when everything has ended; the supervisor is then about to go."""


Request = GetSnapshot | Watch | Start | StopProcesses | Restart | Remove | Tell | Shutdown


class Reply(msgspec.Struct, omit_defaults=True):
    """Neither field set: done."""

    snapshot: Snapshot | None = None
    error: str | None = None
    hint: str = ""
    usage: bool = False
    """With an error: it is the request that is at fault."""
