"""`analytics` and `sessions`: what is stored, as figures and one by one."""

from __future__ import annotations

import click

from clickstream.cli import output, views, views_funnel, views_lists
from clickstream.cli.declare import command
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.types import LIMIT


@command("analytics")
@click.option(
    "--detail",
    is_flag=True,
    help="Also sessions by day and by hour, and how many (visitor, item) pairs went from view to cart to purchase,"
    " with the median time between. Reads all events.",
)
def analytics(detail: bool, as_json: bool) -> int:
    from clickstream.config.settings import load_settings

    if detail:
        from clickstream.actions.funnel import detailed

        output.show(detailed(load_settings()), views_funnel.detailed, as_json=as_json)
    else:
        from clickstream.actions.analytics import analytics as action

        output.show(action(load_settings()), views.analytics, as_json=as_json)
    return ExitCode.DONE


@command("sessions list")
@click.option("--newest", "kind", flag_value="newest", default=True, help="Those that began last: the default.")
@click.option("--longest", "kind", flag_value="longest", help="The longest first. Reads all sessions.")
@click.option("--converted", "kind", flag_value="converted", help="Those with a purchase, the newest first.")
@click.option("--open", "kind", flag_value="open", help="Those that a next event could still extend.")
@click.option("--limit", type=LIMIT, default=20, metavar="N", show_default=True, help="How many at most.")
def list_(kind: str, limit: int, as_json: bool) -> int:
    from clickstream.actions import sessions as action
    from clickstream.config.settings import load_settings

    found = action.list_sessions(load_settings(), action.SessionKind(kind), limit)
    if as_json:
        output.write_json(action.document(found))
    else:
        output.write(views_lists.sessions(found))
    return ExitCode.DONE


@command("sessions show")
@click.argument("visitor", type=int, metavar="VISITOR", help="The visitor's id.")
def show(visitor: int, as_json: bool) -> int:
    from clickstream.actions import sessions as action
    from clickstream.config.settings import load_settings

    output.show(action.show(load_settings(), visitor), views.visitor, as_json=as_json)
    return ExitCode.DONE
