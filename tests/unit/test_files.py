"""Files are written whole or not at all, and a lock is another process's until that ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clickstream.config.files import locked, replacing, write_private

HOLD = """
import sys
from pathlib import Path
from clickstream.config.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_file_is_replaced_at_the_end_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    write_private(path, "old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_what_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    write_private(path, "old")

    def write() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_lock_is_held_until_its_process_ends(tmp_path: Path) -> None:
    path = tmp_path / "run" / "some.lock"
    path.parent.mkdir()
    path.write_text("kept")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), locked(path, wait=False):
            pass
        holder.kill()
        with locked(path):
            pass
    assert path.read_text() == "kept"


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "run" / "some.lock"
    for _ in range(2):
        with locked(path, wait=False):
            pass
    assert path.stat().st_mode & 0o777 == 0o600
