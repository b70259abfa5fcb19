"""The command line as text: help, examples, refusals. No command runs here."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from clickstream import __version__
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.parser import build, run

ROLES = ["worker consumer", "worker indexer", "worker producer"]
"""What prints a log, and no data."""

DATA_COMMANDS = [
    "demo", "stack up", "stack down", "stack status", "stack env", "stack reset", "status", "lag", "analytics",
    "sessions show 1", "verify", "consumer start", "consumer stop", "consumer restart", "consumer list",
    "consumer logs", "producer start", "producer pause", "producer resume", "producer pace --full", "producer stop",
    "producer status", "producer logs", "data generate", "serve", "watch", "consumer scale 3", "worker stop x",
    "worker restart x", "worker kill x", "worker freeze x", "worker thaw x", "worker health --health-file x", "metrics",
    "data info", "data reset", "config show", "config check", "config generate",
    "consumer rewind --to 0", "topic show", "topic resize 6",
    "faults list", "faults inject kill-kafka", "benchmark", "opensearch init", "opensearch search",
    "rejects list", "rejects show 1", "rejects replay 1", "rejects discard 1",
]  # fmt: skip


def leaves(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that does something."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield path
    for group in groups:
        for name, child in group.choices.items():
            yield from leaves(child, (*path, name))


LEAVES = sorted(leaves(build()))


def test_a_command_that_is_run_finds_in_its_own_branch_what_the_whole_tree_has() -> None:
    for command in {path[0] for path in LEAVES}:
        branch = set(leaves(build(command)))
        assert {path for path in branch if path[0] == command} == {path for path in LEAVES if path[0] == command}
        assert len(branch) < len(LEAVES)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*path, "--help"]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert f"example:\n  clickstream {' '.join(path)}" in shown


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_example_can_be_parsed(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    run([*path, "--help"])
    example = capsys.readouterr().out.rpartition("example:\n  clickstream ")[2].split()
    assert build().parse_args(example).handler


def test_the_list_of_commands_that_print_data_is_whole() -> None:
    named = {tuple(word for word in line.split() if word.isalpha() and word != "x") for line in DATA_COMMANDS}
    assert named == set(LEAVES) - {tuple(role.split()) for role in ROLES}


@pytest.mark.parametrize("line", DATA_COMMANDS)
def test_every_command_can_print_json(line: str) -> None:
    assert build().parse_args([*line.split(), "--json"]).json


def test_every_handler_exists() -> None:
    import importlib

    for line in [*DATA_COMMANDS, *ROLES]:
        module, _, function = build().parse_args(line.split()).handler.partition(":")
        assert callable(getattr(importlib.import_module(f"clickstream.cli.{module}"), function))


def test_without_a_command_it_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == ExitCode.DONE
    assert "usage: clickstream" in capsys.readouterr().out


@pytest.mark.parametrize("role", ROLES)
def test_how_a_supervisor_starts_workers_is_not_advertised(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([*role.split(), "--help"])
    shown = capsys.readouterr().out
    assert "--health-file" in shown
    assert "--report" not in shown
    assert build().parse_args([*role.split(), "--report"]).report


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == ExitCode.DONE
    assert capsys.readouterr().out == f"clickstream {__version__}\n"


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "consumer",
        "consumer start --count 0",
        "consumer start --count -1",
        "consumer start --count two",
        "producer start --limit 0",
        "producer start --rate 0",
        "producer start --rate nan",
        "producer start --rate inf",
        "sessions show",
        "sessions show somebody",
        "demo --limit 1.5",
        "status --wat",
    ],
)
def test_wrong_use_is_one_word_on_stderr_and_exit_code_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == ExitCode.WRONG_USE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "error:" in shown.err


@pytest.mark.parametrize(("line", "expected"), [("", None), ("--realtime", "1x"), ("--realtime 0.5x", "0.5x")])
def test_a_bare_realtime_means_once_as_fast(line: str, expected: str | None) -> None:
    assert build().parse_args(["producer", "start", *line.split()]).realtime == expected


@pytest.mark.parametrize("line", ["lag --window 5m", "lag --window 5m --json", "lag --watch --window 2h"])
def test_a_window_without_history_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == ExitCode.WRONG_USE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "--window says how far --history reaches back" in shown.err
