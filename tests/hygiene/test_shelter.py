"""Tests see nothing of the settings, home and `.env` of the user who runs them (tests/conftest.py)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clickstream.config.paths import Home, cache_folder
from clickstream.config.settings import load_settings
from tests.hygiene.tree import ROOT


def test_this_run_is_sheltered(tmp_path: Path, shelter: Path) -> None:
    settings = load_settings()
    assert settings.home == Home(tmp_path / "clickstream")
    assert dict(settings.sources) == {}
    assert not any(name.startswith("PG") for name in os.environ)
    assert Path.home() == shelter
    assert not cache_folder().is_relative_to(shelter)


@pytest.mark.slow
def test_a_hostile_environment_does_not_get_through(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PRODUCER_DATA_FILE=leaked.csv\n")
    hostile = {"CLICKSTREAM_HOME": str(tmp_path), "KAFKA_BOOTSTRAP_SERVERS": "leaked:1", "PGHOST": "leaked"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    command += ["-c", str(ROOT / "pyproject.toml"), f"{__file__}::{test_this_run_is_sheltered.__name__}"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | hostile, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
