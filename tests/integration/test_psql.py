"""PostgreSQL's own shell on a real server: the pipeline's tables are found by their names."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest

from clickstream.actions import psql, stack
from clickstream.config.settings import Settings
from clickstream.domain.errors import ServiceUnavailable
from clickstream.stack.postgres import bundled_psql
from tests.consuming import drain
from tests.feed import send, shop

PROGRAM = (
    "import sys; from clickstream.actions import psql; from clickstream.config.settings import load_settings; "
    "psql.start(psql.shell(load_settings(), sys.argv[1:]))"
)


def output_of(*command: str, **environ: str) -> str:
    done = subprocess.run(
        command,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_it_takes_the_place_of_our_process_and_finds_the_tables(settings: Settings) -> None:
    send(settings, events := shop(5, 40))
    drain(settings)
    command = (sys.executable, "-c", PROGRAM, "-XAtc", "SELECT count(*) FROM events")
    assert output_of(*command, PGHOSTADDR="192.0.2.1", PGDATABASE="nowhere") == f"{len(events)}\n"
    assert output_of(*command, PATH="/nowhere") == f"{len(events)}\n"


def test_a_server_that_is_away_is_named_before_psql_starts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.postgres
    away = settings.postgres.model_copy(update={"port": 1})
    monkeypatch.setattr(psql, "postgres_of", lambda _: away)
    with pytest.raises(ServiceUnavailable, match="PostgreSQL does not answer"):
        psql.shell(settings)


def test_stack_env_is_enough_for_psql_itself(settings: Settings) -> None:
    program = bundled_psql()
    assert program
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in stack.env(settings.home).items())
    shell = f'{lines}"{program}" -XAtc "SELECT current_database()"'
    assert output_of("/bin/sh", "-c", shell) == "clickstream\n"
    assert "PGHOST" not in settings.home.stack_env.read_text()
