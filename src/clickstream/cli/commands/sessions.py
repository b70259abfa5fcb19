"""`analytics` and `sessions`: what is stored, as figures and one by one."""

from __future__ import annotations

import click

from clickstream.cli import output, views, views_funnel
from clickstream.cli.declare import command
from clickstream.cli.diagnostics import ExitCode


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


@command("sessions show")
@click.argument("visitor", type=int, metavar="VISITOR", help="The visitor's id.")
def show(visitor: int, as_json: bool) -> int:
    from clickstream.actions import sessions as action
    from clickstream.config.settings import load_settings

    output.show(action.show(load_settings(), visitor), views.visitor, as_json=as_json)
    return ExitCode.DONE
