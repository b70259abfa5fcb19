"""Makes sure that a home's folders, and its socket's folder, belong to this user and to no one else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError


def make_private(home: Home) -> None:
    """Make the home's folders. Raises ClickstreamError where that fails or others could reach what is in them.

    A home that was there before may be open for reading: what lies in itself is closed by its own mode.
    """
    try:
        home.make()
        if (mode := stat.S_IMODE(home.root.stat().st_mode)) & 0o022 and is_ours(home.root):
            home.root.chmod(mode & ~0o022)
        for folder in (home.run, home.logs, home.rejects, home.data, home.socket.parent):
            if not is_ours(folder):
                raise ClickstreamError(
                    f"{folder} belongs to another user", hint="set CLICKSTREAM_HOME to another folder"
                )
            if stat.S_IMODE(folder.stat().st_mode) & 0o077:
                folder.chmod(0o700)
    except OSError as error:
        raise ClickstreamError(f"CLICKSTREAM_HOME {home.root} cannot be used: {error}") from error


def is_ours(folder: Path) -> bool:
    """Whether a folder (no link) of this user's lies there. A socket's folder in a shared place may be anyone's."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
