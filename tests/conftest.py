"""What every test gets: an environment of its own, and hypothesis' profiles; and, for those that ask, real servers.

No test reads or writes the real home, CLICKSTREAM_HOME, settings or `.env` of the user who runs it. Only the download
cache is shared with the user's own, because fetching the servers for every run would take minutes.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
from hypothesis import settings as hypothesis_settings

from clickstream.actions.control import running
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.processes import Role
from clickstream.services.kafka.admin import create_topic, delete_topic
from clickstream.services.postgres.connection import connect
from tests.feed import own_names
from tests.reaper import reaped
from tests.stacks import stack_in

TESTS = Path(__file__).parent

CONFIGURED = (
    "AIVEN_",
    "CLICKSTREAM_",
    "CONSUMER_",
    "KAFKA_",
    "OPENSEARCH_",
    "PG",
    "POSTGRESQL_",
    "PRODUCER_",
    "VALKEY_",
)
"""Prefixes of the variables that configure us, or (PGHOST and its like) the drivers below us."""

hypothesis_settings.register_profile("default", deadline=None)
hypothesis_settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "default")


LONGEST_FIRST = ("process", "integration", "terraform", "tui", "unit", "hygiene")
"""The folders by how long their files take: what is handed out last should be short."""

MOST_PROCESSES = 6
"""Each has a stack of its own, of half a gigabyte or so."""


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: three more than cores, for tests of servers wait most of the time."""
    return min((os.cpu_count() or 1) + 3, MOST_PROCESSES)


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(TESTS).parts[0]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


@pytest.fixture(scope="session", autouse=True)
def shelter() -> Iterator[Path]:
    """A home folder for the whole run, short enough for sockets; session fixtures that start servers live in it.

    What tests start has it as HOME: by that it is known, and ended, where this process was killed.
    """
    # Readable for all: as root, servers run as another user, who must get through to what lies below.
    folder = Path(tempfile.mkdtemp(prefix="clickstream-tests-"))
    folder.chmod(0o755)
    cache = platformdirs.user_cache_path().absolute()
    with reaped(folder), pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(CONFIGURED)]:
            patch.delenv(name)
        patch.setenv("HOME", str(folder))
        patch.setenv("CLICKSTREAM_HOME", str(folder / "clickstream"))
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.delenv("XDG_RUNTIME_DIR", raising=False)
        for kind in ("CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{kind}_HOME", str(folder / kind.lower()))
        yield folder


@pytest.fixture(autouse=True)
def sheltered(shelter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each test, a CLICKSTREAM_HOME that does not exist yet and an empty working folder (`.env` is read there).

    Fixtures that come later may set CLICKSTREAM_HOME again, to share one stack.
    """
    monkeypatch.setenv("CLICKSTREAM_HOME", str(tmp_path / "clickstream"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture(scope="session")
def stack_home(shelter: Path) -> Iterator[Home]:
    """The one stack of real servers that all integration tests share."""
    with stack_in(shelter / "stack") as home:
        yield home


@pytest.fixture
def settings(stack_home: Home, sheltered: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings for a topic (3 partitions), a schema and a group that no other test uses; no CSV line rejected yet."""
    for file in stack_home.rejects.iterdir():
        file.unlink()
    own_names(monkeypatch, stack_home, f"test_{secrets.token_hex(4)}")
    loaded = load_settings()
    assert loaded.kafka
    assert loaded.postgres
    create_topic(loaded.kafka)
    yield loaded
    delete_topic(loaded.kafka, loaded.kafka.events_topic)
    with connect(loaded.postgres, application_name="tests") as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {loaded.postgres.schema_name} CASCADE")


@pytest.fixture
def workers_stop(settings: Settings) -> Iterator[None]:
    """One supervisor serves all tests: this one finds it without workers, and leaves it so."""
    _end_workers(settings)
    yield
    _end_workers(settings)


def _end_workers(settings: Settings) -> None:
    control = running(settings.home)
    assert control
    roles = (Role.PRODUCER, Role.CONSUMER, Role.INDEXER)
    names = [process.name for role in roles for process in control.snapshot().of(role)]
    control.stop(names)
    control.remove(names)
