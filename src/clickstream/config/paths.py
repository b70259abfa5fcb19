"""Where things lie under CLICKSTREAM_HOME. Makes folders (0700), reads nothing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from clickstream.config.identifiers import CONTROL

LONGEST_SOCKET_PATH = 100
"""sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing NUL included."""

LONGEST_PATH = 800
"""Bytes of a home's path, or of the cache's: servers put some hundred more behind it."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folders and files of one CLICKSTREAM_HOME. Two homes never share anything but the download cache."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """CLICKSTREAM_HOME, or the platform's user data folder.

        Raises SettingsError where its path cannot be handed to every server; see `fault_of`.
        """
        configured = os.environ.get("CLICKSTREAM_HOME")
        root = Path(configured) if configured else Path(platformdirs.user_data_dir("clickstream"))
        try:
            home = cls(root.expanduser().absolute())
            fault = fault_of(home.root)
        except RuntimeError:  # of expanduser
            fault = "begins with ~ and the name of a user who does not exist"
        if fault:
            from clickstream.config.problems import SettingsError  # noqa: PLC0415 (loads pydantic)

            raise SettingsError(f"CLICKSTREAM_HOME: the path of the home {fault}; set it to another folder")
        return home

    @property
    def run(self) -> Path:
        """Sockets, locks and the list of running processes."""
        return self.root / "run"

    @property
    def socket(self) -> Path:
        """The supervisor's Unix socket; in a short folder of our own where the home's path is too long for one."""
        path = self.run / "supervisor.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"clickstream-{os.getuid()}-{digest}" / "supervisor.sock"

    @property
    def lock(self) -> Path:
        """Held (flock) by the one supervisor of this home."""
        return self.run / "supervisor.lock"

    @property
    def processes(self) -> Path:
        """Pids with start times of what the supervisor runs, for its successor."""
        return self.run / "processes.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def rejects(self) -> Path:
        """Bad CSV lines, one file a producer run."""
        return self.root / "rejects"

    @property
    def stack_env(self) -> Path:
        """KEY=value lines of the embedded servers (ports, passwords): our variables of `stack env`. 0600."""
        return self.root / "stack.env"

    @property
    def data(self) -> Path:
        """The embedded servers' data folders."""
        return self.root / "data"

    @property
    def events(self) -> Path:
        """The data file, where neither a setting nor a folder `data` says that it belongs elsewhere."""
        return self.root / "events.csv"

    def first_events(self, limit: int) -> Path:
        """A generated file of the first events by time only. Its name tells it from a whole one."""
        return self.root / f"events-first-{limit}.csv"

    def make(self) -> None:
        """Make the folders, accessible to this user only."""
        for folder in (self.root, self.run, self.logs, self.rejects, self.data, self.socket.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def fault_of(path: Path) -> str:
    """Why the servers cannot use a folder, in words that follow its name; empty where they can.

    Java reads names as text in UTF-8, PostgreSQL takes 1023 bytes for any path in its data folder, and a log or a
    terminal shows a line break as two lines. A program sees its working folder without links.
    """
    for text in (str(path), os.path.realpath(path)):
        if CONTROL.search(text):
            return "holds a control character"
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            return "holds bytes that are not text in UTF-8"
        if len(text.encode()) > LONGEST_PATH:
            return f"is longer than {LONGEST_PATH} bytes"
    return ""


def cache_folder() -> Path:
    """Where downloads are kept, shared by all homes of this user."""
    return Path(platformdirs.user_cache_dir("clickstream"))
