"""What a drill does to the server: emptying it, and having it write its snapshot."""

from __future__ import annotations

from clickstream.config.settings import ValkeySettings
from clickstream.services.valkey.connection import connect, translated


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
