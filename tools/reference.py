"""Writes docs/commands.md, and the table of commands in README.md, from the command line itself.

`python -m tools.reference` writes them; a test compares them with what it would write.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from clickstream.actions.catalogue import COMMANDS, GROUPS, NOTHING_CHANGED, Command
from clickstream.cli.declare import words_of
from clickstream.cli.main import PROGRAM, root

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "commands.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- commands: written by make reference -->\n", "<!-- end of commands -->\n"

INTRODUCTION = """# Commands

Written by `make reference` from what `clickstream COMMAND --help` shows.

Exit codes: 0 done, 1 failed, 2 wrong use or wrong settings, 130 interrupted by Ctrl+C. With `--json`, stdout is one
JSON document and nothing else; words for people go to stderr. `eval "$(clickstream completion bash)"` completes
commands, options and names in bash; `zsh` and `fish` are the other shells.
"""


def reference() -> str:
    """docs/commands.md."""
    parts = [INTRODUCTION]
    summaries = {group.name: group.summary for group in GROUPS}
    last = ""
    for command in COMMANDS:
        first = command.name.partition(" ")[0]
        if first != last:
            last = first
            parts.append(f"## {first}\n")
            if first in summaries:
                parts.append(f"{_sentence(summaries[first])}\n")
        parts.append(_page(command))
    return "\n".join(parts)


def table() -> str:
    """README's: a row for each first word."""
    rows = ["| command | does |", "|---|---|"]
    for word, summary in words_of(COMMANDS):
        seconds = [one.name.partition(" ")[2] for one in COMMANDS if one.name.startswith(f"{word} ")]
        names = " ".join(f"`{one}`" for one in (word, *seconds))
        rows.append(f"| {names} | {summary} |")
    return "\n".join(rows) + "\n"


def readme(text: str) -> str:
    """README.md with the table of now."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, "README.md has no place for the table"
    assert end, "README.md has no end of the table"
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _page(command: Command) -> str:
    context = _context(command.name)
    heading = [f"### {command.name}\n"] if " " in command.name else []
    lines = [*heading, _filled(f"{_sentence(command.summary)} {command.details}")]
    lines.append(f"\n    {' '.join([PROGRAM, command.name, *context.command.collect_usage_pieces(context)])}\n")
    lines += [_filled(f"- `{option}`: {words}", indent="  ") for option, words in _options(context)]
    lines.append(f"\nExample: `{PROGRAM} {command.example}`")
    if command.interrupted != NOTHING_CHANGED:
        lines.append(f"\n{_filled(f'After Ctrl+C: {command.interrupted}.')}")
    return "\n".join(lines) + "\n"


def _options(context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in context.command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            yield record[0], " ".join(record[1].split())


def _context(name: str) -> click.Context:
    context = click.Context(root, info_name=PROGRAM)
    for word in name.split():
        assert isinstance(context.command, click.Group)
        found = context.command.get_command(context, word)
        assert found is not None
        context = click.Context(found, parent=context, info_name=word)
    return context


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(text.strip(), 120, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
