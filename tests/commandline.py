"""The command line as a tree: every command, and what a line means, without running it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from clickstream.cli.main import PROGRAM, root


def commands() -> dict[str, click.Command]:
    """Every command that does something, by its words."""
    return dict(_leaves(root, ()))


def exists(argv: Sequence[str]) -> bool:
    """Whether the line calls a command that does something, with options that it has."""
    return hasattr(parse(argv).command, "entry")


def parse(argv: Sequence[str]) -> click.Context:
    """The context of the command that a line calls, with its values in `params`. Raises click.UsageError."""
    context: click.Context = root.make_context(PROGRAM, list(argv))
    while isinstance(context.command, click.Group) and (rest := [*context._protected_args, *context.args]):
        name, found, rest = context.command.resolve_command(context, rest)
        assert found is not None
        context = found.make_context(name, rest, parent=context)
    return context


def _leaves(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            if found.hidden:
                continue
            yield from _leaves(found, (*path, name))
    if not isinstance(command, click.Group) or hasattr(command, "entry"):
        yield " ".join(path), command
