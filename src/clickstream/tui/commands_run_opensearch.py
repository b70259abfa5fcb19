"""What the dashboard's command for OpenSearch does, in its job's thread, as in commands_run.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clickstream.tui.jobs import Job


def opensearch_init(job: Job) -> str:
    from clickstream.actions.opensearch import init as action

    found = action.init(job.settings, lambda words: job.say(f"opensearch init: {words}"))
    words = f"the index {found.index} holds {found.documents:,} documents"
    if not found.imported:
        return f"{words}; {action.NO_DASHBOARDS}"
    return f"{words}; {len(found.imported)} objects imported: open {found.pages[0]}"
