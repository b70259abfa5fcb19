"""The command line of `opensearch`, a branch of parser.py's tree. Imports nothing slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MODULE = "commands_opensearch"

Make = Callable[..., Any]
"""parser.py's own makers of commands and groups."""


def add_opensearch(commands: Any, command: Make, group: Make) -> None:
    opensearch = group(commands, "opensearch", "the optional search side", "opensearch search event:transaction")
    command(
        opensearch, "init", f"{MODULE}:init",
        "make index template and index, and import the dashboards where there is OpenSearch Dashboards",
        "opensearch init",
    )  # fmt: skip
    search = command(
        opensearch, "search", f"{MODULE}:search", "search the events, and show what was found as five pictures",
        'opensearch search "event:transaction AND visitor_id:257597"',
    )  # fmt: skip
    search.add_argument(
        "query",
        nargs="*",
        metavar="QUERY",
        help="in Lucene's syntax, over event_time, visitor_id, event, item_id and transaction_id (default: * for all),"
        " such as item_id:461686, event:view AND event_time:[2015-06-01 TO 2015-06-30], _exists_:transaction_id",
    )
