"""What every test gets: an environment of its own, and hypothesis' profiles. Starts no server.

No test reads or writes the real home, CLICKSTREAM_HOME, settings or `.env` of whoever runs it. Only the download cache
is shared with the user's own, since fetching the servers anew for every run would take minutes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
from hypothesis import settings

CONFIGURED = ("CLICKSTREAM_", "CONSUMER_", "KAFKA_", "OPENSEARCH_", "PG", "POSTGRESQL_", "PRODUCER_", "VALKEY_")
"""Prefixes of the variables that configure us, or (PGHOST and its like) the drivers below us."""

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="session", autouse=True)
def shelter() -> Iterator[Path]:
    """A home folder for the whole run, short enough for sockets; session fixtures that start servers live in it."""
    # Readable for all: as root, servers run as another user, who must get through to what lies below.
    folder = Path(tempfile.mkdtemp(prefix="clickstream-tests-"))
    folder.chmod(0o755)
    cache = platformdirs.user_cache_path().absolute()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(CONFIGURED)]:
            patch.delenv(name)
        patch.setenv("HOME", str(folder))
        patch.setenv("CLICKSTREAM_HOME", str(folder / "clickstream"))
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.delenv("XDG_RUNTIME_DIR", raising=False)
        for kind in ("CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{kind}_HOME", str(folder / kind.lower()))
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def sheltered(shelter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each test, a CLICKSTREAM_HOME that does not exist yet and an empty working folder (`.env` is read there).

    Fixtures that come later may set CLICKSTREAM_HOME again, to share one stack.
    """
    monkeypatch.setenv("CLICKSTREAM_HOME", str(tmp_path / "clickstream"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
