"""Makes click commands of the catalogue's: their help, `--json`, progress, and what they say at Ctrl+C."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec

import click

from clickstream.actions.catalogue import BY_NAME, GROUPS, Command
from clickstream.cli import activity
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.domain.errors import Interrupted

if TYPE_CHECKING:
    from clickstream.actions.demo.run import DemoOptions
    from clickstream.config.settings import Settings

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Screens:
    """What the composition root opens for the command line, which does not know the dashboard. Exit codes come back."""

    serve: Callable[[int, bool, Callable[[str], None]], int]
    """Told a port (0: any), whether it is read-only, and what to call with the address once it can be opened."""
    dashboard: Callable[[DemoOptions | None, bool], int] | None = None
    """Told the demo to run at once, and whether it is read-only; None: there is no terminal for it."""


class Page(click.Command):
    """A command with its help page."""

    entry: Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Some of click's complaints do not say which command they are about."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, as it stands."""
        formatter.write_paragraph()
        formatter.write(f"Example:\n  clickstream {self.entry.example}\n")


class Branch(click.Group):
    """A group that knows nearly right names, and shows its help where no command is given."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-") and not ctx.resilient_parsing:
            raise click.NoSuchCommand(word, possibilities=self.list_commands(ctx), ctx=ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were added: the catalogue's."""
        return list(self.commands)


class PageWithBranches(Branch, Page):
    """A command that others hang on: without one of them, or with `run`, it does something itself."""


REGISTERED: dict[str, click.Command] = {}
"""By first word: what the modules that were loaded have declared."""


def command(
    name: str, *, json: bool = True, shows_itself: bool = False, passes_options: bool = False
) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Make a handler the command of that name. The handler's parameters are its options; it returns the exit code.

    Args:
        name: as the catalogue has it.
        json: give it `--json`, as the parameter `as_json`.
        shows_itself: it says by itself what it does, so that no line has to.
        passes_options: what it does not know is another program's business, `--help` included.
    """
    entry = BY_NAME[name]

    def declare(handler: Callable[P, int]) -> Callable[P, int]:
        @functools.wraps(handler)
        def run(*args: P.args, **kwargs: P.kwargs) -> int:
            if click.get_current_context().invoked_subcommand is not None:
                return ExitCode.DONE
            try:
                with nullcontext() if shows_itself else activity.shown(entry.summary):
                    return handler(*args, **kwargs)
            except (KeyboardInterrupt, Interrupted):
                print_message(f"interrupted: {entry.interrupted}")
                return ExitCode.INTERRUPTED

        first, _, word = name.partition(" ")
        page = _page(entry, run, json=json)
        if passes_options:
            page.context_settings = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
        if word:
            group(first).add_command(page)
        else:
            REGISTERED[first] = page
        return handler

    return declare


def _page(entry: Command, run: Callable[..., int], *, json: bool) -> Page:
    texts = {"help": _help(entry), "short_help": _sentence(entry.summary)}
    word = entry.name.rpartition(" ")[2]
    made: Page
    if any(other.startswith(f"{entry.name} ") for other in BY_NAME):
        branches = click.command(
            word, cls=PageWithBranches, invoke_without_command=True, subcommand_metavar="[COMMAND] ...", **texts
        )(run)
        branches.add_command(click.Command("run", callback=run, params=branches.params, hidden=True))
        made = branches
    else:
        made = click.command(word, cls=Page, **texts)(run)
    made.entry = entry
    if json:
        made.params.append(click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document."))
    return made


def group(name: str) -> Branch:
    """The group of that name, as far as its commands are declared."""
    known = REGISTERED.get(name)
    if isinstance(known, Branch):
        return known
    summary = next(one.summary for one in GROUPS if one.name == name)
    made = Branch(
        name, callback=show_help, help=_sentence(summary), invoke_without_command=True, subcommand_metavar="COMMAND ..."
    )
    REGISTERED[name] = made
    return made


@click.pass_context
def show_help(ctx: click.Context) -> int:
    """Show the help of a group that was called without a command."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    return ExitCode.DONE


def current_settings() -> Settings:
    """The settings; their reader loads when it is needed. Raises SettingsError."""
    from clickstream.config.settings import load_settings

    return load_settings()


def wrong_use(message: str) -> NoReturn:
    """Refuse options that do not go together, with the usage of the command that was called."""
    raise click.UsageError(message, click.get_current_context())


def options(*each: Callable[[Any], Any]) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Several options or arguments as one decorator, for commands that share them."""

    def decorate(handler: Callable[P, int]) -> Callable[P, int]:
        return functools.reduce(lambda made, one: one(made), reversed(each), handler)

    return decorate


def words_of(entries: Sequence[Command]) -> list[tuple[str, str]]:
    """First words of commands, in order, with the summary of each: a group's, or the only command's."""
    groups = {one.name: one.summary for one in GROUPS}
    found: dict[str, str] = {}
    for one in entries:
        first = one.name.partition(" ")[0]
        found.setdefault(first, groups.get(first, one.summary))
    return list(found.items())


def _help(entry: Command) -> str:
    return f"{_sentence(entry.summary)}\n\n{entry.details}" if entry.details else _sentence(entry.summary)


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."
