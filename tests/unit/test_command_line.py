"""The command line as text: help, examples, refusals, completion. No command runs here."""

from __future__ import annotations

import inspect
import shlex
from typing import Any

import click
import pytest

from clickstream import __version__
from clickstream.actions.catalogue import BY_NAME, COMMANDS, GROUPS
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.main import run
from clickstream.domain.pace import FULL_SPEED, Pace
from tests.commandline import commands, exists, parse

ROLES = ["worker consumer", "worker indexer", "worker producer"]
"""What prints a log, and no data."""

WITHOUT_JSON = {*ROLES, "completion", "psql"}

TREE = commands()


def test_the_catalogue_and_the_tree_hold_the_same_commands_in_the_same_order_within_a_group() -> None:
    assert TREE.keys() == BY_NAME.keys()
    for group in GROUPS:
        inside = [name for name in BY_NAME if name.startswith(f"{group.name} ")]
        assert inside
        assert [name for name in TREE if name.startswith(f"{group.name} ")] == inside


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help_with_an_example_of_itself(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.name.split(), "--help"]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert f"Usage: clickstream {command.name} [OPTIONS]" in shown
    assert f"Example:\n  clickstream {command.example}\n" in shown
    assert command.example.startswith(command.name)
    assert exists(shlex.split(command.example))
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_sentences_are_put_together_from_the_catalogue_and_so_have_one_form(command: Any) -> None:
    assert command.summary[0].islower()
    assert not command.summary.endswith(".")
    assert not command.interrupted.endswith(".")
    assert bool(command.warning) == (command.weight.value != "light")


@pytest.mark.parametrize("name", sorted(TREE.keys()))
def test_a_handler_takes_the_options_that_its_command_has(name: str) -> None:
    command = TREE[name]
    assert command.callback is not None
    given = {parameter.name for parameter in command.params}
    wanted = inspect.signature(command.callback).parameters.keys()
    assert given == wanted


@pytest.mark.parametrize("name", sorted(TREE.keys() - WITHOUT_JSON))
def test_every_command_that_prints_data_can_print_json(name: str) -> None:
    assert any("--json" in parameter.opts for parameter in TREE[name].params)


@pytest.mark.parametrize("name", sorted(TREE))
def test_every_option_says_what_it_is(name: str) -> None:
    for parameter in TREE[name].params:
        if not getattr(parameter, "hidden", False):
            record = parameter.get_help_record(click.Context(TREE[name]))
            assert record, parameter.name
            assert record[1], parameter.name


def test_without_a_command_it_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert shown.startswith("Usage: clickstream")
    for command in COMMANDS:
        assert f"\n  {command.name.split()[0]} " in shown


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_bare_group_shows_its_help(group: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([group.name]) == ExitCode.DONE
    shown = capsys.readouterr()
    assert shown.out.startswith(f"Usage: clickstream {group.name} ")
    assert shown.err == ""


@pytest.mark.parametrize("role", ROLES)
def test_how_a_supervisor_starts_workers_is_not_advertised(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([*role.split(), "--help"])
    shown = capsys.readouterr().out
    assert "--health-file" in shown
    assert "--report" not in shown
    assert parse([*role.split(), "--report"]).params["report"]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == ExitCode.DONE
    assert capsys.readouterr().out == f"clickstream {__version__}\n"


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "consumer nonsense",
        "consumer start --count 0",
        "consumer start --count -1",
        "consumer start --count two",
        "consumer start --count ٣",
        "consumer start extra",
        "consumer scale",
        "consumer scale -1",
        "consumer rewind",
        "consumer rewind --to nowhere",
        "producer start --limit 0",
        "producer start --limit 99999999999999999999999",
        "producer start --rate 0",
        "producer start --rate nan",
        "producer start --rate inf",
        "producer start --realtime fast",
        "producer start --realtime -1x",
        "producer start --reltime",
        "producer start --real",
        "producer start --rate 5 --realtime 5x",
        "producer pace",
        "producer pace --full --rate 5",
        "sessions show",
        "sessions show somebody",
        "demo --limit 1.5",
        "status --wat",
        "lag --watch --history",
        "lag --window 5m",
        "metrics --port 70000",
        "metrics --once --supervised",
        "benchmark --limit 1,,2",
        "benchmark --chart picture.txt",
        "benchmark --ramp 1:2",
        "completion tcsh",
        "status --json=yes",
    ],
)
def test_wrong_use_names_the_command_and_its_usage_on_stderr(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = line.split()
    known = " ".join(words[:2]) if " ".join(words[:2]) in TREE else words[0]
    known = known if known in TREE or known in {group.name for group in GROUPS} else ""
    assert run(words) == ExitCode.WRONG_USE
    shown = capsys.readouterr()
    assert shown.out == ""
    usage, _, error = shown.err.splitlines()
    assert usage.startswith(f"Usage: clickstream {known}".rstrip())
    assert error.startswith("error: ")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("stauts", "'status'"),
        ("consumer strat", "'start'"),
        ("producer start --reltime", "'--realtime'"),
        ("faults injct kill-kafka", "'inject'"),
        ("completion bas", "'bash'"),
    ],
)
def test_a_typing_error_is_answered_with_what_was_meant(
    line: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == ExitCode.WRONG_USE
    assert meant in capsys.readouterr().err


def test_what_was_typed_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    red = "\x1b[31mred"
    for line in ([red], ["status", red], ["status", f"--{red}"], ["lag", "--window", red]):
        assert run(line) == ExitCode.WRONG_USE
        assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", FULL_SPEED),
        ("--realtime", Pace(realtime=1.0)),
        ("--realtime 0.5x", Pace(realtime=0.5)),
        ("--realtime=5x", Pace(realtime=5.0)),
        ("--realtime --limit 5", Pace(realtime=1.0)),
        ("--rate 500", Pace(rate=500.0)),
    ],
)
def test_a_pace_is_read_once(line: str, expected: Pace) -> None:
    found = parse(["producer", "start", *line.split()]).params
    assert (found["rate"] or found["realtime"] or FULL_SPEED) == expected


@pytest.mark.parametrize("line", ["benchmark run --limit 5", "benchmark --limit 5"])
def test_a_benchmark_can_be_told_to_run(line: str) -> None:
    context = parse(line.split())
    assert context.params["limit"] == (5,)
