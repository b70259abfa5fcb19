"""`verify`: the proof that nothing was lost and nothing doubled."""

from __future__ import annotations

import click

from clickstream.cli import activity, output, views
from clickstream.cli.declare import command
from clickstream.cli.diagnostics import ExitCode


@command("verify")
@click.option("--opensearch", is_flag=True, help="Compare the index with PostgreSQL too: every event, and no other.")
def verify(opensearch: bool, as_json: bool) -> int:
    from clickstream.actions import verify as action
    from clickstream.config.settings import load_settings

    settings = load_settings()
    if not opensearch:
        verification = action.verify(settings, progress=_compared)
        output.show(action.document(verification), views.verification, as_json=as_json)
        return ExitCode.DONE if verification.ok else ExitCode.FAILED
    from clickstream.actions import verify_index

    activity.say("comparing the index with PostgreSQL")
    index = verify_index.verify_index(settings)
    verification = action.verify(settings, progress=_compared)
    ok = verification.ok and index.ok
    both = action.document(verification) | {"ok": ok, "opensearch": verify_index.document(index)}
    output.show(both, views.verification_of_both, as_json=as_json)
    return ExitCode.DONE if ok else ExitCode.FAILED


def _compared(share: float) -> None:
    activity.say("comparing every session with its events", round(100 * share), 100)
