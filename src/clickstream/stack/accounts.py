"""An account and a place for servers that refuse to run as root.

Under root, such a server runs as an unprivileged account. That account can reach neither a home of mode 0700 nor,
often, a virtual environment below /root: data, and where needed the programs, then lie below STATE_FOLDER.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clickstream.domain.errors import ClickstreamError

STATE_FOLDER = Path("/var/lib/clickstream")
UNPRIVILEGED = ("postgres", "nobody")
"""The accounts that root's servers can run as, the preferred one first."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user and its main group."""

    uid: int
    gid: int

    @property
    def owner(self) -> tuple[int, int]:
        return self.uid, self.gid


def is_root() -> bool:
    return os.geteuid() == 0


def unprivileged_account(owned: Path) -> Account:
    """The account to run as: the owner of `owned` if that exists, else the first of UNPRIVILEGED that does."""
    if owned.exists() and (found := owned.stat()).st_uid != 0:
        return Account(found.st_uid, found.st_gid)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    raise ClickstreamError(
        f"PostgreSQL refuses to run as root, and none of these users is there to run it: {', '.join(UNPRIVILEGED)}",
        hint="add one, or use clickstream as an ordinary user",
    )


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account may read `path` and pass through every folder above it, by their mode bits."""
    path = path.resolve()
    wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
    return _allows(account, path, wanted) and all(_allows(account, folder, stat.S_IXOTH) for folder in path.parents)


def _allows(account: Account, path: Path, wanted: int) -> bool:
    found = path.stat()
    if found.st_uid == account.uid:
        granted = found.st_mode >> 6
    elif found.st_gid == account.gid:
        granted = found.st_mode >> 3
    else:
        granted = found.st_mode
    return granted & wanted == wanted


def state_folder(instance_id: str) -> Path:
    """Where this instance's data lies when it cannot lie in the home."""
    return STATE_FOLDER / instance_id


def make_state_folder(instance_id: str, account: Account) -> Path:
    """The same, made, and open to the account only."""
    _make_base()
    folder = state_folder(instance_id)
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, *account.owner)
    return folder


def make_passage(name: str) -> Path:
    """A folder below STATE_FOLDER, made, that is root's own, and that everybody may pass through.

    What root makes in it, and gives to an account, that account cannot swap for a link to somewhere else.
    """
    _make_base()
    folder = state_folder(name)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    return folder


def shared_copy(name: str, copy: Callable[[Path], None]) -> Path:
    """A folder below STATE_FOLDER that everybody can read, made once by `copy` for all homes.

    Args:
        name: unique for its content, as by a version.
        copy: fills the empty folder that it is given.
    """
    _make_base()
    target = STATE_FOLDER / name
    if target.exists():
        return target
    staging = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=STATE_FOLDER))
    try:
        copy(staging)
        _open_to_all(staging)
        try:
            staging.rename(target)
        except OSError:
            if not target.exists():  # else another home was faster
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _make_base() -> None:
    """Raises ClickstreamError if others could replace files there, because we run programs from it."""
    try:
        STATE_FOLDER.mkdir(parents=True, exist_ok=True)
        found = STATE_FOLDER.stat()
        if found.st_uid != 0 or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ClickstreamError(f"{STATE_FOLDER} must belong to root and be writable by no one else")
        STATE_FOLDER.chmod(0o711)
    except OSError as error:
        raise ClickstreamError(
            f"{STATE_FOLDER} cannot be made: {error.strerror}",
            hint="root's PostgreSQL keeps its data there; make that folder, or use clickstream as an ordinary user",
        ) from error


def _open_to_all(folder: Path) -> None:
    """Readable whatever the umask was at installation."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
