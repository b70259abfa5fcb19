"""Clients of every kind: rude, gone, slow, many; and what they may see and reach."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from clickstream.actions import control
from clickstream.actions.control import Control
from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError
from clickstream.domain.processes import ProcessState
from tests.process.children import IGNORE_TERM, READY, SLEEP, child, reached, run


@contextmanager
def connection(home: Home) -> Iterator[BinaryIO]:
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(20)
        plain.connect(str(home.socket))
        with plain.makefile("rwb") as stream:
            yield cast("BinaryIO", stream)


def ask(stream: BinaryIO, line: bytes) -> dict[str, object]:
    stream.write(line + b"\n")
    stream.flush()
    answer = json.loads(stream.readline())
    assert isinstance(answer, dict)
    return answer


NONSENSE = (
    *(b"", b"{", b"\xff\x00", b"[]", b'{"type":"dance"}', b'{"type":"stop","names":7}', b'{"type":"\xff"}'),
    b'{"type":"snapshot","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
)


@pytest.mark.parametrize("line", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_answered_and_forgiven(supervisor: Control, home: Home, line: bytes) -> None:
    with connection(home) as stream:
        assert "not a request" in str(ask(stream, line)["error"])
        assert "snapshot" in ask(stream, b'{"type":"snapshot"}')


def test_an_endless_line_is_hung_up_on(supervisor: Control, home: Home) -> None:
    with connection(home) as stream, pytest.raises(ConnectionError):
        stream.write(b"x" * 100_000_000)
    assert supervisor.snapshot().processes == ()


def test_a_stop_goes_on_when_its_client_has_gone(supervisor: Control, home: Home) -> None:
    run(supervisor, child(IGNORE_TERM + READY + SLEEP, stop_timeout=0.1))
    with connection(home) as stream:
        stream.write(b'{"type":"stop","names":["child"]}\n')
        stream.flush()
    reached(supervisor, "child", ProcessState.STOPPED)


def test_a_watcher_that_never_reads_holds_up_no_one(supervisor: Control, home: Home) -> None:
    with connection(home) as stream:
        stream.write(b'{"type":"watch"}\n')
        stream.flush()
        for number in range(20):
            run(supervisor, child(name=f"child-{number}", ready_pattern=None))
        assert len(supervisor.snapshot().processes) == 20
        supervisor.stop([f"child-{number}" for number in range(20)])


def test_many_watchers_see_the_same(supervisor: Control) -> None:
    def follow(_: int) -> list[ProcessState]:
        seen: list[ProcessState] = []
        for snapshot in supervisor.watch():
            if (status := snapshot.get("child")) is not None and status.state not in seen:
                seen.append(status.state)
            if seen and seen[-1] is ProcessState.STOPPED:
                break
        return seen

    run(supervisor, child(IGNORE_TERM + READY + SLEEP, stop_timeout=0.1))
    with ThreadPoolExecutor(10) as pool:
        seen = pool.map(follow, range(10))
        supervisor.stop(["child"])
        assert {states[-1] for states in seen} == {ProcessState.STOPPED}


def test_no_one_else_can_reach_it_or_read_its_logs(supervisor: Control, home: Home) -> None:
    run(supervisor, child())
    modes = {path: path.stat().st_mode & 0o777 for path in (home.socket, home.processes, *home.logs.iterdir())}
    assert set(modes.values()) == {0o600}, modes
    assert {folder.stat().st_mode & 0o777 for folder in (home.run, home.logs)} == {0o700}


def test_folders_that_were_open_are_closed(home: Home) -> None:
    home.make()
    home.run.chmod(0o777)
    control.ensure(home)
    assert home.run.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_socket_folder_of_another_user_is_not_trusted(home: Home) -> None:
    home.make()
    os.chown(home.run, 12345, 12345)
    assert control.running(home) is None
    with pytest.raises(ClickstreamError, match="belongs to another user"):
        control.ensure(home)


def test_a_home_that_cannot_be_made_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CLICKSTREAM_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(ClickstreamError, match="cannot be used"):
        control.ensure(Home.from_environment())


def test_without_a_supervisor_there_is_none(home: Home) -> None:
    assert control.running(home) is None
    assert not home.root.exists()


def test_asking_loads_neither_asyncio_nor_drivers() -> None:
    script = (
        "import sys, clickstream.actions.control as c, clickstream.config.paths as p;"
        "c.running(p.Home.from_environment());"
        "print(sorted({'asyncio', 'psutil', 'pydantic', 'confluent_kafka', 'psycopg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
