"""The embedded servers, for real, in folders with names that mean something to one of them: a list, a quote, a pattern,
a placeholder, letters beyond ASCII under the locale C."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from clickstream.actions import stack
from clickstream.cli.main import run
from clickstream.config.paths import Home, cache_folder
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.processes import ProcessSpec
from clickstream.services.kafka.admin import describe_topic
from clickstream.stack import accounts, opensearch, postgres
from clickstream.stack.artifacts import ensure_jars
from clickstream.stack.kafka import kafka_spec
from clickstream.stack.layout import PORTS, POSTGRESQL, Layout, config_folder
from tests.stacks import stack_in

EVERYTHING = "josé, ünï [a-z]*? %20#;=:'\"\\$`(&)😀!"

MADE = {"data", "etc", "logs", "rejects", "run", "stack.env", "stack.json"}

NAMES = ["a,b", "${HOME}", "--help", " "]


def clean(home: Home) -> bool:
    """Whether all that the stack made is in the home, and nothing beside it."""
    return {path.name for path in home.root.iterdir()} == MADE and list(home.root.parent.iterdir()) == [home.root]


def works(home: Home) -> bool:
    """Whether the servers of this home serve, with their data in it."""
    settings = load_settings()
    assert settings.kafka
    assert describe_topic(settings.kafka, settings.kafka.events_topic)
    return any((home.data / "kafka").glob(f"{settings.kafka.events_topic}-*"))


@pytest.mark.slow
def test_the_stack_works_in_a_home_of_any_letters(shelter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    with stack_in(shelter / "odd" / EVERYTHING) as home:
        assert works(home)
        assert clean(home)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_stack_works_in_a_home_of_any_name(shelter: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "POSIX")
    with stack_in(shelter / f"odd-{NAMES.index(name)}" / name) as home:
        assert works(home)
        assert clean(home)
        assert stack.down(home).stopped
        stack.up(home)  # and what it wrote is found again
        assert works(home)


def test_what_starts_later_is_not_told_a_name_that_is_not_text(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path("caf\udce9.csv")
    try:
        file.write_text("timestamp,visitorid,event,itemid,transactionid\n1430622004384,1,view,1,\n")
    except OSError:
        pytest.skip("this file system takes text only")
    assert run(["producer", "start", "--file", str(file)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "is not text in UTF-8" in said
    assert "rename" in said


@pytest.fixture
def odd(shelter: Path, request: pytest.FixtureRequest) -> Home:
    """A home with such a name, in which PostgreSQL and OpenSearch can work under root, too: there they have others."""
    home = Home(shelter / request.node.name / EVERYTHING)
    home.make()
    config_folder(home).mkdir()
    for folder in (home.root, config_folder(home), home.data):
        folder.chmod(0o711)
    if account := other_account():
        os.chown(home.data, *account.owner)
    return home


def other_account() -> accounts.Account | None:
    return accounts.unprivileged_account(Path("/nonexistent")) if accounts.is_root() else None


@contextmanager
def served(spec: ProcessSpec) -> Iterator[str]:
    """Run a server; what it says until it is ready."""
    who: dict[str, Any] = {"user": spec.uid, "group": spec.gid, "extra_groups": []} if spec.uid else {}
    for step in spec.setup:
        subprocess.run(step.argv, cwd=spec.cwd, env=os.environ | step.env, check=True, capture_output=True, **who)
        Path(step.staging).rename(step.makes)
    environ = os.environ | spec.env
    with subprocess.Popen(
        spec.argv, cwd=spec.cwd, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **who
    ) as process:
        assert process.stdout
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if re.search(str(spec.ready_pattern), line.rstrip()):
                    break
            yield "".join(said)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_postgresql_works_in_a_home_of_any_letters(odd: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout.fresh().with_free_ports(PORTS)
    real = postgres._place(odd, layout)
    config = odd.data / "postgresql.conf"
    place = postgres.Placement(real.programs, odd.data / "postgresql", config, other_account())
    monkeypatch.setattr(postgres, "_place", lambda *_: place)
    try:
        with served(postgres.postgresql_spec(odd, layout)) as said:
            assert "ready to accept connections" in said
            with psycopg.connect(
                host="127.0.0.1",
                port=layout.ports[POSTGRESQL],
                user="postgres",
                password=layout.postgresql_password,
                dbname="clickstream",
            ) as connection:
                assert connection.execute("SHOW data_directory").fetchone() == (str(place.data),)
    finally:
        shutil.rmtree(postgres.relocated_data(layout), ignore_errors=True)


@pytest.mark.slow
def test_opensearch_works_in_a_home_of_any_letters(odd: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    layout = Layout.fresh().with_free_ports(PORTS)
    place = opensearch._NodePlacement(odd.data / "opensearch", other_account())
    place.folder.mkdir()
    monkeypatch.setattr(opensearch, "_place", lambda *_: place)
    with served(opensearch.opensearch_spec(odd, layout, ensure_jars("opensearch"))) as said:
        assert "started (Node)" in said
        assert any((place.folder / "data").rglob("node.lock"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["josé, ü", "a:b", "%h%20#?", "a\\b", "x!y", '"$`'])
def test_kafka_is_loaded_from_a_cache_of_any_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    cache = tmp_path / name
    shutil.copytree(cache_folder() / "jars", cache)
    jars = [cache / jar.relative_to(cache_folder() / "jars") for jar in ensure_jars("kafka")]
    home = Home(tmp_path / "home")
    home.make()
    config_folder(home).mkdir()
    (step,) = kafka_spec(home, Layout.fresh().with_free_ports(PORTS), jars).setup
    subprocess.run(step.argv, cwd=home.root, env=os.environ | step.env, check=True, capture_output=True, timeout=120)
    assert (Path(step.staging) / "meta.properties").exists()
