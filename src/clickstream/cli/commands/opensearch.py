"""`opensearch`: the optional search side."""

from __future__ import annotations

import click

from clickstream.cli import output
from clickstream.cli.declare import command
from clickstream.cli.diagnostics import ExitCode, say

DONE = "✓"


@command("opensearch init")
def init(as_json: bool) -> int:
    from clickstream.actions.opensearch import init as action
    from clickstream.config.settings import load_settings

    def note(words: str) -> None:
        if not as_json:
            output.write_text(f"{DONE} {words}")

    found = action.init(load_settings(), note)
    if as_json:
        output.write_json(action.document(found))
    elif not found.imported:
        say(action.NO_DASHBOARDS)
    else:
        if found.span is None:
            say("no events yet: the dashboards show the time of the shop's own data until this is done again")
        output.write_text("open " + " or ".join(found.pages))
    return ExitCode.DONE


@command("opensearch search")
@click.argument(
    "query",
    nargs=-1,
    metavar="[QUERY]...",
    help="In Lucene's syntax, over event_time, visitor_id, event, item_id and transaction_id; else all. Such as"
    " item_id:461686, event:view AND event_time:[2015-06-01 TO 2015-06-30], _exists_:transaction_id",
)
def search(query: tuple[str, ...], as_json: bool) -> int:
    from clickstream.actions.opensearch import search as action
    from clickstream.cli import views_search
    from clickstream.config.settings import load_settings

    found = action.search(load_settings(), " ".join(query))
    if as_json:
        output.write_json(action.document(found))
    else:
        output.write(views_search.found(found))
    return ExitCode.DONE
