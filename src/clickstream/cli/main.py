"""The command line: the root of the command tree, whose branches load when chosen, and the handling of wrong use."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import click

from clickstream import __version__
from clickstream.actions.catalogue import COMMANDS
from clickstream.cli.declare import REGISTERED, Branch, Screens, words_of
from clickstream.cli.diagnostics import ExitCode, guarded, print_message

PROGRAM: Final = "clickstream"

COMPLETION: Final = "_CLICKSTREAM_COMPLETE"
"""The variable by which a shell's script asks for completions; click's own name for it."""

FAMILIES: Final = {
    **dict.fromkeys(("status", "lag", "watch"), "observe"),
    **dict.fromkeys(("analytics", "sessions"), "sessions"),
    **dict.fromkeys(("consumer", "producer", "worker"), "workers"),
    **dict.fromkeys(("logs", "psql", "completion"), "shell"),
}
"""First word to module of cli/commands, where it has another name than the word."""


class Root(Branch):
    """All commands; a family's module loads when one of its words is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [word for word, _ in words_of(COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        if cmd_name not in REGISTERED:
            import_module(f"clickstream.cli.commands.{FAMILIES.get(cmd_name, cmd_name)}")
        return REGISTERED[cmd_name]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the catalogue: no module loads."""
        with formatter.section("Commands"):
            formatter.write_dl([(word, f"{text[0].upper()}{text[1:]}.") for word, text in words_of(COMMANDS)])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write(f"Example:\n  {PROGRAM} demo --limit 100000\n")


@click.command(
    cls=Root,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="COMMAND ...",
    help="Shop events from a CSV file through Kafka into PostgreSQL, exactly once, with exact sessions.\n\nWithout a"
    " command, on a terminal: the dashboard.",
)
@click.option("--read-only", is_flag=True, help="Without a command: the dashboard, without keys that change anything.")
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context, read_only: bool) -> int:
    """What happens where no command is given."""
    if ctx.invoked_subcommand is not None:
        return ExitCode.DONE
    screens = ctx.find_object(Screens)
    if screens and screens.dashboard:
        return screens.dashboard(None, read_only)
    click.echo(ctx.get_help())
    return ExitCode.DONE


def run(argv: Sequence[str] | None = None, *, screens: Screens | None = None) -> int:
    """Run the command line; the process's exit code."""
    given = sys.argv[1:] if argv is None else list(argv)
    return guarded(lambda: _run(given, screens))


def _run(argv: list[str], screens: Screens | None) -> int:
    if asked := os.environ.get(COMPLETION):
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, PROGRAM, COMPLETION, asked)
    try:
        with root.make_context(PROGRAM, argv, obj=screens) as context:
            done: Any = root.invoke(context)
            return int(done or ExitCode.DONE)
    except click.exceptions.Exit as end:  # --help and --version
        return end.exit_code
    except click.UsageError as error:
        if error.ctx:
            print_message(f"{error.ctx.get_usage()}\n`{error.ctx.command_path} --help` explains it.")
        print_message(f"error: {error.format_message()}")
        return ExitCode.WRONG_USE
