"""`logs`, `psql` and `completion`: what a shell is used for beside the pipeline."""

from __future__ import annotations

import click

from clickstream.cli import output
from clickstream.cli.declare import command
from clickstream.cli.diagnostics import ExitCode


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
