"""What a command or a worker loads: its own needs and no more, so that `--help` is quick and a worker small."""

from __future__ import annotations

import subprocess
import sys

import pytest

DRIVERS = ("confluent_kafka", "psycopg", "valkey", "opensearchpy", "numpy", "prometheus_client")
FRONT_ENDS = ("textual", "plotext", "textual_serve", "aiohttp")

REPORT = "\nimport sys\nprint(*(name for name in sys.argv[1:] if name in sys.modules), file=sys.stderr)"
HELP = """
import contextlib, sys
from clickstream.__main__ import main
unwanted, sys.argv[1:] = sys.argv[1:], ["--help"]
with contextlib.suppress(SystemExit):
    main()
sys.argv[1:] = unwanted
"""


def loaded(code: str, unwanted: tuple[str, ...]) -> list[str]:
    """The modules among `unwanted` that a fresh interpreter holds after running `code`."""
    command = [sys.executable, "-c", code + REPORT, *unwanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr.split()


@pytest.mark.parametrize(
    "module", ["clickstream.cli.main", "clickstream.cli.commands.observe", "clickstream.actions.processes.supervised"]
)
def test_what_runs_headless_loads_no_front_end(module: str) -> None:
    assert loaded(f"import {module}", FRONT_ENDS) == []


def test_help_loads_no_driver() -> None:
    assert loaded(HELP, (*DRIVERS, *FRONT_ENDS)) == []


STATUS = """
from clickstream.actions.observe.once import observe
from clickstream.config.settings import load_settings
observe(load_settings)
"""


def test_status_loads_no_opensearch_driver_where_it_is_off() -> None:
    assert loaded(STATUS, ("opensearchpy", *FRONT_ENDS)) == []


def test_status_loads_nothing_that_only_a_running_pipeline_needs() -> None:
    assert loaded(STATUS, (*DRIVERS, "clickstream.supervision.client", "difflib", "psutil")) == []


def test_the_dashboard_opens_without_driver_or_plots() -> None:
    code = "import clickstream.tui.app, clickstream.tui.screens.overview, clickstream.actions.observe.watcher"
    assert loaded(code, (*DRIVERS, "textual_plotext", "plotext")) == []


def test_the_dashboard_opens_without_what_only_its_threads_and_charts_need() -> None:
    assert loaded("import clickstream.tui, clickstream.config.settings", (*DRIVERS, "plotext", "aiohttp")) == []


def test_what_is_loaded_is_seen() -> None:
    assert loaded("import json.decoder, numpy", ("json", "numpy", "textual")) == ["json", "numpy"]
