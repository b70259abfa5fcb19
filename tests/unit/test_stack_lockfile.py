"""The checked-in lock files and their format."""

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream.stack import lockfile
from clickstream.stack.lockfile import ROOTS, Jar, read_lock, write_lock


@pytest.mark.parametrize("product", ROOTS)
def test_the_lock_holds_the_roots_and_pins_every_file(product: str) -> None:
    jars = read_lock(product)
    assert set(ROOTS[product]) <= {jar.coordinate for jar in jars}
    assert all(len(bytes.fromhex(jar.sha256)) == 32 and jar.size > 0 for jar in jars)
    assert len({(jar.group, jar.artifact) for jar in jars}) == len(jars)


@pytest.mark.parametrize("product", ROOTS)
def test_logging_jars_agree_on_their_version(product: str) -> None:
    versions = {jar.version for jar in read_lock(product) if jar.group == "org.apache.logging.log4j"}
    assert len(versions) == 1


def test_a_written_lock_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockfile, "FOLDER", tmp_path)
    jars = (Jar("org.example", "a", "1", "ab" * 32, 10), Jar("org.example.b", "b_2.13", "1.2-3", "cd" * 32, 20))
    write_lock("kafka", jars)
    assert read_lock("kafka") == jars
    assert jars[1].path == Path("org/example/b/b_2.13/1.2-3/b_2.13-1.2-3.jar")
