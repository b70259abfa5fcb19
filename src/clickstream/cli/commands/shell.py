"""`logs`, `psql` and `completion`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from clickstream.cli import output
from clickstream.cli.complete import processes
from clickstream.cli.declare import command, current_settings
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.types import POSITIVE

if TYPE_CHECKING:
    from clickstream.actions.logs.lines import LogLine


@command("logs")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=processes, help="Of processes; else all.")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl+C; with --json a document a line.")
@click.option("-n", "--lines", type=POSITIVE, default=50, metavar="N", show_default=True, help="The last N lines.")
@click.option("--grep", default="", metavar="TEXT", help="Only lines that hold this text, in capitals or not.")
@click.option(
    "--level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="debug",
    show_default=True,
    help="Only lines of this level, or worse ones.",
)
def logs(names: tuple[str, ...], follow: bool, lines: int, grep: str, level: str, as_json: bool) -> int:
    from clickstream.actions.logs import merged
    from clickstream.config.paths import Home

    query, home = merged.LogQuery(names, grep, merged.Level(level), lines), Home.from_environment()
    if as_json and not follow:
        output.write_json([merged.document(line) for line in merged.last_lines(home, query)])
        return ExitCode.DONE
    width = max(map(len, merged.chosen_names(home, names)))
    for line in merged.follow_lines(home, query) if follow else merged.last_lines(home, query):
        if as_json:
            output.write_json_line(merged.document(line))
        else:
            output.write_text(log_line(line, width))
    return ExitCode.DONE


@command("psql", json=False, shows_itself=True, passes_options=True)
@click.argument("arguments", nargs=-1, metavar="[ARGS]...", type=click.UNPROCESSED, help="As psql takes them.")
def psql(arguments: tuple[str, ...]) -> int:
    from clickstream.actions import psql as action

    shell = action.shell(current_settings(), arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    action.start(shell)


@command("completion", json=False)
@click.argument(
    "shell", type=click.Choice(["bash", "zsh", "fish"]), help="Whose script; to be sourced in its start file."
)
def completion(shell: str) -> int:
    from click.shell_completion import get_completion_class

    from clickstream.cli.main import COMPLETION, PROGRAM, root

    script = get_completion_class(shell)
    assert script is not None  # noqa: S101 (click knows all three)
    output.write_raw(script(root, {}, PROGRAM, COMPLETION).source())
    return ExitCode.DONE


def log_line(line: LogLine, width: int) -> str:
    """One line with the process's name in front, padded to `width`."""
    return f"{line.process:<{width}}  {line.text}"
