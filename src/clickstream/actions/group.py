"""Who works for the pipeline: this home's workers by its supervisor, and everybody who would fill what is emptied."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from clickstream.actions.control import running
from clickstream.actions.observe.processes import foreign_posts, local_rows
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import ALIVE, ProcessState, Role, Snapshot

if TYPE_CHECKING:
    from clickstream.actions.observe.model import ProcessRow
    from clickstream.services.valkey.board import Post

UNDER_WAY = ALIVE | {ProcessState.BACKOFF}
"""States of a process that works, or will soon again."""

FORGOTTEN_WITHIN = 20.0
"""Seconds until the group has forgotten a consumer that was killed."""


def snapshot_of(settings: Settings) -> Snapshot | None:
    """What this home's supervisor knows; None where none runs (or it went away while it was asked)."""
    try:
        control = running(settings.home)
        return control.snapshot() if control else None
    except ClickstreamError:
        return None


def local_workers(settings: Settings) -> tuple[ProcessRow, ...]:
    """The supervisor's workers; servers and faults are none."""
    return tuple(row for row in local_rows(snapshot_of(settings)) if row.role not in {Role.SERVER, Role.FAULT})


def refuse_while_working(settings: Settings) -> None:
    """Raise ClickstreamError when workers are under way that would fill again what is about to be emptied.

    Those of this home, those on the notice board, and every member of the consumers' group (where OpenSearch is
    enabled, of the indexers' too). A consumer that was killed is a member for some seconds still, and is waited for.
    """
    from clickstream.services.kafka.admin import group_members  # noqa: PLC0415

    local = local_workers(settings)
    busy = [row.name for row in local if row.under_way]
    with suppress(ClickstreamError):  # without Valkey nothing is known of other hosts, and the reset itself says so
        busy += [f"{post.name} on {post.host}" for post in foreign_posts(_posts(settings), {row.pid for row in local})]
    deadline = time.monotonic() + FORGOTTEN_WITHIN
    indexers = [settings.opensearch.consumer_group_id] if settings.opensearch.enabled else []
    for group in (settings.pipeline.consumer_group_id, *indexers):
        while not busy and settings.kafka and (members := group_members(settings.kafka, group)):
            if time.monotonic() > deadline:
                busy = [f"{member} (in group {group})" for member in members]
            time.sleep(0.2)
    if busy:
        raise ClickstreamError(
            f"workers are running: {', '.join(busy)}",
            hint="stop them first, where they run: `clickstream producer stop`, `clickstream consumer stop`",
        )


def _posts(settings: Settings) -> tuple[Post, ...]:
    from clickstream.services.valkey.board import Board  # noqa: PLC0415
    from clickstream.services.valkey.connection import connect  # noqa: PLC0415

    if settings.valkey is None or settings.kafka is None:
        return ()
    with connect(settings.valkey) as client:
        return tuple(Board(client, topic=settings.kafka.events_topic).read())
