"""`tools/make-venv` picks an interpreter that will do, or says in one line what is missing; it uses an environment that
is there and fits, or says in one line why it does not fit, and leaves it as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hygiene.tree import ROOT

# Interpreters as far as the script asks: their version, and whether they can make an environment.
OLD = 'case "$2" in *version_info*) exit 1 ;; *platform*) echo 3.9.18 ;; esac'
BARE = 'case "$2" in *print*) echo python3.12-venv ;; *ensurepip*) exit 1 ;; esac'
GOOD = 'case "$1" in -m) echo "$0" >"$4/made-by" ;; esac'
SHIM = 'echo "no such version here" >&2; exit 127'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with nothing on it but what the script calls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("rm", "mkdir"):
        (folder / tool).symlink_to(f"/bin/{tool}")
    return folder


def install(path: Path, **commands: str) -> None:
    for name, body in commands.items():
        command = path / name.replace("_", ".")
        command.write_text(f"#!/bin/sh\n{body}\n")
        command.chmod(0o755)


def make_venv(path: Path, **environment: str) -> tuple[int, str]:
    """Exit code, and what made the environment or the refusal."""
    command = ["/bin/sh", str(ROOT / "tools" / "make-venv"), ".venv"]
    done = subprocess.run(
        command, env={"PATH": str(path)} | environment, capture_output=True, text=True, timeout=30, check=False
    )
    made = Path(".venv/made-by")
    return done.returncode, Path(made.read_text().strip()).name if made.exists() else done.stderr


def test_the_newest_that_can_is_taken(path: Path) -> None:
    install(path, python3_13=SHIM, python3_12=BARE, python3_11=GOOD, python3=OLD)
    assert make_venv(path) == (0, "python3.11")


def test_the_one_named_is_taken(path: Path) -> None:
    install(path, python3_13=GOOD, python3=GOOD)
    assert make_venv(path, PYTHON="python3") == (0, "python3")


def test_uv_needs_no_ensurepip(path: Path) -> None:
    install(path, python3=BARE, uv='[ "$1" = --version ] || echo "$0 $5" >.venv/made-by')
    assert make_venv(path, UV="uv") == (0, "uv python3.12-venv")  # the stub's answer to sys.executable
    assert make_venv(path, UV="")[0] == 1


@pytest.mark.parametrize(
    ("commands", "environment", "refusal"),
    [
        ({}, {}, "Python 3.11 or newer: there is none on PATH"),
        ({"python3_13": SHIM, "python3": OLD}, {}, "Python 3.11 or newer: python3 is 3.9.18"),
        ({"python3": BARE}, {}, "no ensurepip): install python3-venv or python3.12-venv"),
        ({"python3": GOOD}, {"PYTHON": "nowhere"}, "Python 3.11 or newer: nowhere does not run"),
        ({"python3": GOOD, "mine": OLD}, {"PYTHON": "mine"}, "Python 3.11 or newer: mine is 3.9.18"),
    ],
)
def test_a_refusal_is_one_line(path: Path, commands: dict[str, str], environment: dict[str, str], refusal: str) -> None:
    install(path, **commands)
    code, message = make_venv(path, **environment)
    assert code == 1
    assert refusal in message
    assert message.count("\n") == 1
    assert not Path(".venv").exists()


@pytest.fixture
def environment() -> Path:
    """A real one, that somebody made without make."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], check=True)
    return Path(".venv")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_fitting_environment_is_used_as_it_is(path: Path, environment: Path) -> None:
    install(path, python3=GOOD)
    before = contents(environment)
    assert make_venv(path) == (0, "")
    assert contents(environment) == before


def test_a_link_to_a_fitting_environment_will_do(path: Path, environment: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "elsewhere"], check=True)
    shutil.rmtree(environment)
    environment.symlink_to("elsewhere")
    assert make_venv(path) == (0, "")


def break_python(environment: Path) -> None:
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").symlink_to("/nowhere/python3")


def age_python(environment: Path) -> None:
    wrapper = environment / "bin" / "python"
    interpreter = wrapper.resolve()
    wrapper.unlink()
    aged = "import sys; sys.version_info = (3, 9, 18); exec(sys.argv.pop(1))"
    wrapper.write_text(f'#!/bin/sh\nshift 2\nexec {interpreter} -c "{aged}" "$@"\n')
    wrapper.chmod(0o755)


def copy_from_elsewhere(environment: Path) -> None:
    shutil.rmtree(environment)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "original"], check=True)
    shutil.copytree("original", environment, symlinks=True)


def unmake(environment: Path) -> None:
    (environment / "pyvenv.cfg").unlink()


def empty(environment: Path) -> None:
    shutil.rmtree(environment)
    environment.mkdir()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (break_python, "its Python does not run"),
        (age_python, "its Python is 3.9"),
        (copy_from_elsewhere, "it is a copy of "),
        (unmake, "its Python belongs to "),
        (empty, "it has no bin/python"),
    ],
)
def test_what_does_not_fit_is_refused_and_left_alone(
    path: Path, environment: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    install(path, python3=GOOD)
    spoil(environment)
    before = contents(environment)
    code, message = make_venv(path)
    assert code == 1
    assert f".venv is there already and cannot be used: {reason}" in message
    assert "make VENV=" in message
    assert "make clean" in message
    assert message.count("\n") == 1
    assert contents(environment) == before


def test_what_was_cut_off_while_it_was_made_is_made(path: Path) -> None:
    install(path, python3='case "$1" in -m) kill -9 $PPID ;; esac')
    assert make_venv(path)[0] != 0
    assert Path(".venv").exists()
    install(path, python3=GOOD)
    assert make_venv(path) == (0, "python3")
