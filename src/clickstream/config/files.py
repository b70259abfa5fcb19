"""Writes files whole or not at all, and locks between processes.

The supervisor's lock is its own (supervision/daemon.py): the end of the process frees it, and nothing before that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PRIVATE = 0o600


@contextmanager
def replacing(path: Path, *, mode: int = _PRIVATE, owner: tuple[int, int] | None = None) -> Iterator[IO[bytes]]:
    """A new file in the same folder that takes the place of `path` at the end of the block, or goes where that fails.

    Until then its name is `.NAME.PID.partial`: what a process that was killed has left can be told by that.

    Args:
        path: what is made or replaced.
        mode: its permissions, without those that the umask takes.
        owner: (uid, gid) where it is not to be ourselves.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            yield file
            if owner is not None:
                os.fchown(file.fileno(), *owner)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_private(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Write `text` to `path`, open to its owner only, whole or not at all; see `replacing`."""
    with replacing(path, owner=owner) as file:
        file.write(text.encode())


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock file `path`, which stays; the kernel frees it when its holder dies.

    Raises BlockingIOError where another process holds it and it is not to be waited for.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 (slow to load; few commands lock)

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(path, timeout=-1 if wait else 0, mode=_PRIVATE)
    try:
        lock.acquire()
    except Timeout as error:
        raise BlockingIOError(str(error)) from error
    try:
        yield
    finally:
        lock.release()
