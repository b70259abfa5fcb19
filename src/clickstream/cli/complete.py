"""Shell completion of names that this home knows: processes and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def processes(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of this home's processes."""
    from click.shell_completion import CompletionItem

    from clickstream.actions.control import running
    from clickstream.config.paths import Home

    control = running(Home.from_environment())
    names = [one.name for one in control.snapshot().processes] if control else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def faults(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of faults, each with what it does."""
    from click.shell_completion import CompletionItem

    from clickstream.actions.faults.catalogue import list_faults
    from clickstream.config.paths import Home

    known = list_faults(Home.from_environment())
    return [CompletionItem(one.name, help=one.sentence) for one in known if one.name.startswith(incomplete)]
