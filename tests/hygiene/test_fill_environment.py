"""`tools/fill_environment.py` has uv fill an environment, or pip; what they said is shown when both fail.

A script stands in for uv, and nothing here reaches an index.
"""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.hygiene.tree import ROOT
from tools import fill_environment


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with nothing in it."""
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def uv(tmp_path: Path, body: str) -> str:
    script = tmp_path / "uv"
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exit 0\n{body}\n')
    script.chmod(0o755)
    return str(script)


def filling(python: Path, uv: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [python, ROOT / "tools" / "fill_environment.py", "."],
        env={"PATH": "/usr/bin:/bin", "UV": uv, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_uv_does_it_with_the_pinned_versions(tmp_path: Path, python: Path) -> None:
    asked = tmp_path / "asked"
    with filling(python, uv(tmp_path, f'echo "$UV_NO_INDEX $*" >>{asked}')) as filled:
        out, err = filled.communicate(timeout=60)
    assert filled.returncode == 0, out + err
    given = f"1 pip install --python {python} -c constraints.txt"
    assert asked.read_text().splitlines() == [f"{given} filelock jgo platformdirs truststore", f"{given} -e ."]
    assert [line.split()[0] for line in out.splitlines()] == ["packages", "Kafka"]
    assert "could not be downloaded, and will be when it is started (ModuleNotFoundError" in out
    assert err == ""


def test_where_uv_fails_pip_tries_and_both_are_heard(tmp_path: Path, python: Path) -> None:
    with filling(python, uv(tmp_path, "echo a long story; echo no way to the index; exit 2")) as filled:
        out, err = filled.communicate(timeout=120)
    assert filled.returncode == 1
    assert out == "  uv did not do it (no way to the index): trying pip\n"
    assert "a long story\nno way to the index" in err
    assert "No matching distribution found" in err


@pytest.mark.slow
def test_without_uv_pip_does_it(python: Path) -> None:
    with filling(python, "") as filled:
        out, err = filled.communicate(timeout=120)
    assert (filled.returncode, out) == (1, "")
    assert "install --no-compile -c constraints.txt -e ." in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_it_started_ends_with_it(tmp_path: Path, python: Path, number: signal.Signals) -> None:
    pids = tmp_path / "pids"
    subprocess.run(["mkfifo", pids], check=True)
    with filling(python, uv(tmp_path, f"echo $$ >{pids}; exec sleep 300")) as filled:
        pid = int(pids.read_text())
        filled.send_signal(number)
        out, err = filled.communicate(timeout=60)
    assert (filled.returncode, out, err) == (128 + number, "", "")
    assert not psutil.pid_exists(pid)


def test_a_signal_while_a_process_starts_leaves_no_process(tmp_path: Path, python: Path) -> None:
    pids = tmp_path / "pids"
    struck = f"""
import os, runpy, signal, subprocess
start = subprocess.Popen._execute_child
def _execute_child(self, args, *rest):
    start(self, args, *rest)
    if "install" in args:
        open({str(pids)!r}, "w").write(str(self.pid))
        os.kill(os.getpid(), signal.SIGTERM)
subprocess.Popen._execute_child = _execute_child
runpy.run_path({str(ROOT / "tools" / "fill_environment.py")!r}, run_name="__main__")
"""
    done = subprocess.run(
        [python, "-c", struck, "."],
        env={"PATH": "/usr/bin:/bin", "UV": uv(tmp_path, "exec sleep 300")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr.decode()
    assert not psutil.pid_exists(int(pids.read_text()))


def test_settings_of_pip_reach_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://index.example/100%/\nfind-links = wheels\n  more\ntimeout = 5\n")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://a.example https://b.example")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mine.example")
    found = fill_environment.pip_settings()
    assert (
        found.items()
        >= {
            "UV_DEFAULT_INDEX": "https://mine.example",
            "UV_INDEX": "https://a.example https://b.example",
            "UV_FIND_LINKS": "wheels,more",
        }.items()
    )


def _imported(module: str, seen: set[str]) -> Iterator[str]:
    """Top-level names of the packages that this module of ours imports, wherever in it, or that its imports do."""
    path = ROOT / "src" / Path(*module.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    if module in seen or not file.exists():
        return
    seen.add(module)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.startswith("clickstream"):
                yield from _imported(name, seen)
            else:
                yield name.partition(".")[0]


def test_the_download_finds_what_it_imports() -> None:
    """It runs beside the installation of all packages, with these few only."""
    found = set(_imported("clickstream.stack.artifacts", set())) - sys.stdlib_module_names
    brought_by_jgo, where_a_setting_is_wrong = {"requests"}, {"pydantic", "dotenv"}
    assert found <= {*fill_environment.DOWNLOADER} | brought_by_jgo | where_a_setting_is_wrong
    assert {"jgo", "filelock"} <= found
