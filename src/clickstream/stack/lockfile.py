"""The lock files of the Java servers: which jars, of which version, with which SHA-256.

`python -m clickstream.stack.lockfile` resolves ROOTS again and rewrites the lock files: change a version there, run
it, and read the diff. The rest of the package resolves nothing.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent

ROOTS = {
    "kafka": (
        "org.apache.kafka:kafka_2.13:4.2.0",
        # Kafka's pom leaves the logging backend to the distribution; without it no log line is ever written.
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3",
    ),
    "opensearch": (
        "org.opensearch:opensearch:3.9.0",
        "org.opensearch:opensearch-plugin-classloader:3.9.0",
        # Names classes of this one as it starts, although we give it no agent.
        "org.opensearch:opensearch-agent-bootstrap:3.9.0",
        # Its pom leaves the logging backend to the distribution too. The version is that of the log4j-api it brings.
        "org.apache.logging.log4j:log4j-core:2.25.5",
        # Last: from its own jar on, all that is locked belongs to the module (see opensearch.py).
        "org.opensearch.plugin:transport-netty4-client:3.9.0",
    ),
}
"""Per product, the coordinates that pull in all others; the first one that names an artifact sets its version."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked file."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int
    """Bytes."""

    @property
    def coordinate(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> Path:
        """Relative to a Maven repository's folder."""
        return Path(*self.group.split("."), self.artifact, self.version, self.name)


def read_lock(product: str) -> tuple[Jar, ...]:
    """The jars of `product`, in the order of its class path."""
    text = (FOLDER / f"{product}.lock").read_text(encoding="utf-8")
    return tuple(_parse(line) for line in text.splitlines() if line and not line.startswith("#"))


def _parse(line: str) -> Jar:
    coordinate, sha256, size = line.split()
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, sha256, int(size))


def resolve(product: str) -> tuple[Jar, ...]:
    """Resolve the product's roots over the network and hash what they bring. Takes half a minute."""
    from jgo.maven import MavenContext  # noqa: PLC0415 (0.2 s that only a developer pays)

    jars: dict[tuple[str, str], Jar] = {}
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder), timeout=30)
        for root in ROOTS[product]:
            # One by one: resolved together, the managed versions of one root would change those of another.
            inputs, transitive = context.resolver.resolve([context.create_dependency(root)])
            for dependency in (*inputs, *transitive):
                artifact = dependency.artifact
                content = artifact.resolve().read_bytes()
                sha256 = hashlib.sha256(content).hexdigest()
                jar = Jar(artifact.groupId, artifact.artifactId, artifact.version, sha256, len(content))
                jars.setdefault((jar.group, jar.artifact), jar)
    return tuple(jars.values())


def write_lock(product: str, jars: tuple[Jar, ...]) -> None:
    lines = [f"# Made by `python -m clickstream.stack.lockfile` from {', '.join(ROOTS[product])}"]
    lines += [f"{jar.coordinate} {jar.sha256} {jar.size}" for jar in jars]
    (FOLDER / f"{product}.lock").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in ROOTS:
        write_lock(each, resolve(each))
