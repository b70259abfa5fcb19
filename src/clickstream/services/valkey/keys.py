"""Finds our keys among the server's, and deletes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from clickstream.config.settings import ValkeySettings
from clickstream.services.repeat import PATIENCE
from clickstream.services.valkey.connection import PREFIX, connect, translated

SCAN_COUNT: Final = 1000


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
            for key in client.scan_iter(match=f"{PREFIX}*{literal(name)}*", count=SCAN_COUNT):
                # One at a time: a cluster takes no command for keys of several slots.
                deleted += cast("int", client.unlink(key))
    return deleted


def literal(text: str) -> str:
    """The text as a glob that matches only itself."""
    return "".join(f"\\{letter}" if letter in "*?[]\\^-" else letter for letter in text)
