"""What the dashboard's commands do with OpenSearch's index beside PostgreSQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from clickstream.domain.errors import ClickstreamError

if TYPE_CHECKING:
    from clickstream.tui.jobs import Job


def verified(job: Job) -> str:
    """Hold the index against PostgreSQL; the verdict as words, empty where OpenSearch is not enabled.

    Raises:
        ClickstreamError: they differ.
    """
    if not job.settings.opensearch.enabled:
        return ""
    from clickstream.actions import verify_index as action
    from clickstream.actions.observe.model import BAD, Happening

    job.say("verify: holding the index against PostgreSQL")
    found = action.verify_index(job.settings)
    if found.ok:
        return f"; every one is in the index {found.index}"
    faults = f"{found.missing:,} missing, {found.unexpected:,} unexpected, {found.different:,} different"
    waiting = f"; {found.behind:,} messages wait to be indexed" if found.behind else ""
    job.source.tell([Happening(time.time(), BAD, f"verify failed: index: {faults}{waiting}", mark=True)])
    raise ClickstreamError(f"the sessions are right, and the index differs: {faults}{waiting}")
