"""`demo`: in the dashboard where there is one, else as lines on stderr."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from clickstream.cli import output
from clickstream.cli.commands import sessions, verify
from clickstream.cli.declare import Screens, command, current_settings
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.cli.interruption import Interruption
from clickstream.cli.output import Block, TextLine, exact, number, seconds
from clickstream.cli.types import POSITIVE

if TYPE_CHECKING:
    from clickstream.actions.demo.progress import DemoProgress
    from clickstream.actions.demo.run import DemoResult
    from clickstream.config.settings import Settings

LINE_EVERY = 2.0
"""Seconds between two lines."""


@command("demo", shows_itself=True)
@click.option("--limit", type=POSITIVE, metavar="N", help="Only the first N events by time.")
@click.option("--headless", is_flag=True, help="No dashboard: print a line now and then.")
@click.option("--fresh", is_flag=True, help="Empty the embedded topic, tables, cache and index first.")
def demo(limit: int | None, headless: bool, fresh: bool, as_json: bool) -> int:
    from clickstream.actions.demo.run import DemoOptions
    from clickstream.actions.demo.run import demo as action

    options = DemoOptions(limit=limit, fresh=fresh)
    screens = click.get_current_context().find_object(Screens)
    if screens and screens.dashboard and not (headless or as_json):
        return screens.dashboard(options, False)
    settings = current_settings()
    with Interruption() as interruption:
        result = action(settings, options, interruption.watching(ProgressPrinter()))
    if as_json:
        output.write_json(result.document())
    else:
        output.write(outcome(result))
    print_message(_next_steps(settings, result))
    return ExitCode.DONE if result.ok else ExitCode.FAILED


class ProgressPrinter:
    """Says how a demo goes: every change of phase, and a line every two seconds."""

    def __init__(self) -> None:
        self._last_words = ""
        self._last = float("-inf")

    def __call__(self, now: DemoProgress) -> None:
        due = time.monotonic() - self._last >= LINE_EVERY
        changed = now.words != self._last_words and not now.flow
        if not (due or changed or now.note):
            return
        self._last, self._last_words = time.monotonic(), now.words
        print_message(f"{now.elapsed:6.1f} s  {now.phase.value:<9}  {_line(now)}")


def _line(now: DemoProgress) -> str:
    flow = now.flow
    if flow is None:
        return f"{now.words}: {100 * now.done / now.total:.0f} %" if now.total else now.words
    return (
        f"produced {flow.produced:,} of {flow.to_produce:,} ({output.number(flow.rate_in, unit='/s')}), "
        f"read {flow.read:,} ({output.number(flow.rate_out, unit='/s')}), lag {sum(flow.lag.values()):,}"
        + ("" if flow.to_index is None else f", to index {flow.to_index:,}")
        + (f"; waiting: {flow.trouble}" if flow.trouble else "")
    )


def _next_steps(settings: Settings, result: DemoResult) -> str:
    words = "" if result.ok else f"not everything adds up: {result.unaccounted or 'verify found differences'}\n"
    words += "look further: clickstream analytics, clickstream sessions list, clickstream verify"
    words += "" if result.documents is None else " --opensearch, clickstream opensearch search QUERY"
    return words + ("\nthe servers go on running; clickstream stack down stops them" if settings.embedded else "")


def outcome(result: DemoResult) -> list[Block]:
    found = verify.verdict(result.document()["verify"])
    lines = [
        f"events      {exact(result.events)} stored, {exact(result.new)} of them by this demo",
        f"sessions    {exact(result.sessions)}",
        f"duplicates  {exact(result.duplicates)}",
        f"rejected    {exact(result.rejected)} messages, {exact(result.bad_lines)} lines of the file",
        *([] if result.documents is None else [f"documents   {exact(result.documents)} in OpenSearch"]),
        f"took        {seconds(result.seconds)}, {number(result.events_per_second, unit=' events/s')}",
        "",
    ]
    return [*(TextLine(line) for line in lines), found[-1], TextLine(""), *sessions.figures(result.analytics)]
