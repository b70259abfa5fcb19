"""The optional search side: opensearch init, opensearch search."""

from __future__ import annotations

from argparse import Namespace

from clickstream.cli import output
from clickstream.cli.diagnostics import ExitCode, say

DONE = "✓"


def init(args: Namespace) -> int:
    from clickstream.actions.opensearch import init as action
    from clickstream.config.settings import load_settings

    def note(words: str) -> None:
        if not args.json:
            output.write_text(f"{DONE} {words}")

    found = action.init(load_settings(), note)
    if args.json:
        output.write_json(action.document(found))
    elif not found.imported:
        say(action.NO_DASHBOARDS)
    else:
        if found.span is None:
            say("no events yet: the dashboards show the time of the shop's own data until this is done again")
        output.write_text("open " + " or ".join(found.pages))
    return ExitCode.DONE


def search(args: Namespace) -> int:
    from clickstream.actions.opensearch import search as action
    from clickstream.cli import views_search
    from clickstream.config.settings import load_settings

    found = action.search(load_settings(), " ".join(args.query))
    if args.json:
        output.write_json(action.document(found))
    else:
        output.write(views_search.found(found))
    return ExitCode.DONE
