"""The embedded OpenSearch (one node): its folders, its configuration, its ProcessSpec.

Maven Central has no distribution of it, but all its parts: they are laid out here as one. The security plugin is not
among them, so it asks for no password.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clickstream.config.files import write_private
from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessSpec, Role
from clickstream.stack import accounts, java
from clickstream.stack.layout import HOST, OPENSEARCH, OPENSEARCH_TRANSPORT, RESTART, Layout
from clickstream.stack.lockfile import read_lock
from clickstream.stack.postgres import relocated_data as postgresql_data

MODULE = "transport-netty4"
MODULE_JAR = f"{MODULE}-client-"
"""What the module's own jar is called; those that only it needs follow it in the lock."""

READ = ("bin", "lib", "extensions", "plugins")
"""Folders that it looks for at its start; empty, for the class path and the module say all."""

DESCRIPTOR = """name={module}
description=HTTP and transport over Netty
version={version}
opensearch.version={version}
java.version=21
classname=org.opensearch.transport.Netty4ModulePlugin
has.native.controller=false
"""

CONFIGURATION = """# Written at every start: changes here are lost.
cluster.name: clickstream
node.name: embedded
discovery.type: single-node
network.host: {host}
http.port: {port}
transport.port: {transport}
# A laptop's disk that is nearly full would make every index read-only.
cluster.routing.allocation.disk.threshold_enabled: false
# How soon it sees that a disk that was full takes writes again: 60 s by default.
monitor.fs.health.refresh_interval: 2s
"""

LOGGING = """\
# Start, readiness and stop.
logger.node.name = org.opensearch.node.Node
logger.node.level = info
# What it warns of at each start is for those who run clusters: files, maps and the collector.
logger.checks.name = org.opensearch.bootstrap.BootstrapChecks
logger.checks.level = error
"""

JAVA_OPTIONS = (
    # It shares a small machine with three servers and their workers. Bulk loads of 5,000 documents from three indexers
    # and the dashboards' aggregations fit; its own circuit breakers turn away what does not, with 429.
    "-Xmx512m",
    # The collector with the least memory and no threads of its own: with a heap this small its pauses are some ms.
    "-XX:+UseSerialGC",
    # Both compilers, unlike Kafka: 3 s of CPU more at the start, which come back with the first million documents.
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",  # or it leaves files in the shared /tmp
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    "-Djna.nosys=true",
    "-Dlog4j2.disable.jmx=true",
    "-Dopensearch.distribution.type=tar",
    "-Djava.io.tmpdir=tmp",
    "-Djna.tmpdir=tmp",
    "-Dopensearch.path.home=.",
    "-Dopensearch.path.conf=config",
    "--add-modules=jdk.net",
    "--enable-native-access=ALL-UNNAMED",
)


@dataclass(frozen=True, slots=True)
class _NodePlacement:
    """Where the node lies and as whom it runs; account None: as ourselves.

    The folder and the module in it are ours; what the node writes to has folders of its own in it.
    """

    folder: Path
    account: accounts.Account | None

    @property
    def owner(self) -> tuple[int, int] | None:
        return self.account.owner if self.account else None

    def writable(self, name: str) -> Path:
        """A folder that the node may write to."""
        path = self.folder / name
        path.mkdir(mode=0o700, exist_ok=True)
        if self.account is not None:
            os.chown(path, *self.account.owner, follow_symlinks=False)
        return path


def opensearch_spec(home: Home, layout: Layout, jars: Sequence[Path]) -> ProcessSpec:
    """Lay out the node's files and say how to run it."""
    place = _place(home, layout)
    account = place.account
    if account is not None and not all(accounts.can_reach(account, jar) for jar in jars):
        jars = _copied(jars)
    split = next(position for position, jar in enumerate(jars) if jar.name.startswith(MODULE_JAR))
    _install_module(place, jars[split:])
    temporary, config = place.folder / "tmp", place.writable("config")
    shutil.rmtree(temporary, ignore_errors=True)  # a killed node leaves native libraries there
    place.writable("tmp")
    for name in ("data", "logs"):  # where it looks for them by itself
        place.writable(name)
    ports = {"port": layout.ports[OPENSEARCH], "transport": layout.ports[OPENSEARCH_TRANSPORT]}
    class_path = java.class_path(jars[:split], place.folder / "jars", place.folder)
    write_private(config / "opensearch.yml", CONFIGURATION.format(host=HOST, **ports), owner=place.owner)
    write_private(config / "log4j2.properties", java.LOGGING + LOGGING, owner=place.owner)
    write_private(config / "java.args", java.arguments(JAVA_OPTIONS, class_path), owner=place.owner)
    return ProcessSpec(
        name=OPENSEARCH,
        role=Role.SERVER,
        argv=(str(java.java_for(account)), "@config/java.args", "org.opensearch.bootstrap.OpenSearch"),
        env=java.ENVIRONMENT,
        cwd=str(place.folder),
        uid=account.uid if account else None,
        gid=account.gid if account else None,
        # It listens by then; whether its indices are complete is asked over HTTP: see actions/stack.py.
        ready_pattern=r" INFO started \(Node\)$",
        ready_timeout=180,
        restart=RESTART,
        stop_timeout=60,
    )


def relocated(layout: Layout) -> Path:
    """What belongs to this instance outside of its home; exists under root only."""
    return accounts.state_folder(_passage(layout))


def _passage(layout: Layout) -> str:
    return f"{layout.instance_id}-opensearch"


def _place(home: Home, layout: Layout) -> _NodePlacement:
    if not accounts.is_root():
        folder = home.data / OPENSEARCH
        folder.mkdir(mode=0o700, exist_ok=True)
        return _NodePlacement(folder, None)
    account = accounts.unprivileged_account(postgresql_data(layout))
    return _NodePlacement(accounts.make_passage(_passage(layout)), account)


def _install_module(place: _NodePlacement, jars: Sequence[Path]) -> None:
    """Recreate the module at every start: the jars may be another version's, or lie elsewhere."""
    modules = place.folder / "modules"
    shutil.rmtree(modules, ignore_errors=True)
    (modules / MODULE).mkdir(parents=True)
    for jar in jars:
        (modules / MODULE / jar.name).symlink_to(jar)
    descriptor = modules / MODULE / "plugin-descriptor.properties"
    descriptor.write_text(DESCRIPTOR.format(module=MODULE, version=read_lock("opensearch")[0].version))
    for folder in READ:
        (place.folder / folder).mkdir(exist_ok=True)
    for path in (modules, modules / MODULE, descriptor, *(place.folder / folder for folder in READ)):
        path.chmod(0o755 if path.is_dir() else 0o644)  # whatever the umask: another account reads them


def _copied(jars: Sequence[Path]) -> tuple[Path, ...]:
    """The jars where every account can read them."""
    lock = read_lock("opensearch")
    digest = hashlib.sha256("".join(jar.sha256 for jar in lock).encode()).hexdigest()

    def copy(folder: Path) -> None:
        for jar in jars:
            shutil.copy(jar, folder)

    folder = accounts.shared_copy(f"opensearch-{lock[0].version}-{digest[:8]}", copy)
    return tuple(folder / jar.name for jar in jars)
