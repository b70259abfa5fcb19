"""What the hygiene tests look at: the files of this repository. Reads them, judges nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
UNPACKED = (".ci", ".github", "assets", "data", "docs", "src", "tests", "tools")
"""Folders to look at where there is no git to ask: in an unpacked archive."""


def shown(path: Path) -> str:
    """A path as messages name it."""
    return path.relative_to(ROOT).as_posix()


def texts() -> dict[str, str]:
    """Every text file that git tracks or would track, by the name that messages use."""
    found = {}
    for path in _files():
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            found[shown(path)] = content.decode("utf-8", errors="replace")
    return found


def _files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        below = [path for name in UNPACKED for path in (ROOT / name).rglob("*")]
        return [path for path in [*ROOT.glob("*"), *below] if path.is_file() and "__pycache__" not in path.parts]
    # safe.directory: the clone may belong to another user than the one who runs the tests.
    command = [git, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
