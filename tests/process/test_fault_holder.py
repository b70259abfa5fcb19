"""A fault holder reverts its fault: at its time, when told to, when the supervisor dies, after its own kill -9."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from clickstream.actions.control import Control
from clickstream.actions.faults.holders import fault_process
from clickstream.domain.processes import ProcessSpec, ProcessState
from tests.process.children import READY, SLEEP, alive, child, reached, run, seen
from tests.waiting import wait_until

HOLDER, RELAY = "clickstream.supervision.fault_holder", "clickstream.supervision.relay"
ENDLESS = 500.0

FORKING = "subprocess.Popen(['sleep', '600']); print('ready', flush=True)\n"


def holder(how: str, *flags: str, seconds: float = ENDLESS, name: str = "child") -> ProcessSpec:
    term = ("--seconds", str(seconds), "--latest", str(time.monotonic() + ENDLESS))
    return fault_process("holder", HOLDER, (how, name, *term, *flags), "injected")


def frozen(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_STOPPED


def freeze(supervisor: Control, seconds: float = ENDLESS) -> list[psutil.Process]:
    """A child and its own child, both frozen."""
    script = READY.replace("; print('ready', flush=True)", "") + FORKING + SLEEP
    [status] = run(supervisor, child(script))
    leader = psutil.Process(status.pid)
    family = [leader, *leader.children()]
    assert len(family) == 2
    run(supervisor, holder("freeze", seconds=seconds))
    wait_until(lambda: all(map(frozen, family)), "frozen")
    return family


def test_a_freeze_holds_the_process_and_its_children_until_it_is_stopped(supervisor: Control) -> None:
    family = freeze(supervisor)
    supervisor.stop(["holder"])
    wait_until(lambda: not any(map(frozen, family)), "thawed")
    assert all(process.is_running() for process in family)


def test_a_freeze_ends_at_its_time(supervisor: Control) -> None:
    family = freeze(supervisor, seconds=0.5)
    reached(supervisor, "holder", ProcessState.FINISHED)
    assert not any(map(frozen, family))


def test_a_holder_that_is_killed_is_started_again_and_thaws(supervisor: Control) -> None:
    family = freeze(supervisor, seconds=1.0)
    status = supervisor.snapshot().get("holder")
    assert status
    assert status.pid
    os.kill(status.pid, signal.SIGKILL)
    reached(supervisor, "holder", ProcessState.FINISHED)
    assert not any(map(frozen, family))


def test_a_holder_that_is_started_past_its_time_only_reverts(supervisor: Control) -> None:
    family = freeze(supervisor)
    status = supervisor.snapshot().get("holder")
    assert status
    late = fault_process("late", HOLDER, ("freeze", "child", "--seconds", "9", "--latest", "0"), "injected")
    supervisor.start([late])
    reached(supervisor, "late", ProcessState.FINISHED)
    assert not any(map(frozen, family))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next supervisor's sweep ends the frozen ones")
def test_the_supervisors_death_lets_go_of_what_was_frozen(supervisor: Control) -> None:
    family = freeze(supervisor)
    os.kill(supervisor.snapshot().supervisor_pid, signal.SIGKILL)
    wait_until(lambda: not alive(family[0].pid), "the child ends")
    for process in family[1:]:  # only the frozen one could end it
        process.kill()


def test_a_frozen_process_is_thawed_before_everything_is_stopped(supervisor: Control) -> None:
    family = freeze(supervisor)
    supervisor.shutdown()
    assert not any(alive(process.pid) for process in family)


def test_a_stop_is_followed_by_a_start_as_it_was(supervisor: Control) -> None:
    [before] = run(supervisor, child())
    supervisor.start([holder("stop", seconds=0.3)])
    seen(supervisor, "child", lambda status: status.state is ProcessState.STOPPED)
    reached(supervisor, "holder", ProcessState.FINISHED)
    after = reached(supervisor, "child", ProcessState.RUNNING)
    assert after.pid != before.pid


WRITING = """
import os
def says(ok):
    os.write(1, b'wrote\\n' if ok else b'full\\n')
while True:
    try:
        with open(PATH, 'ab') as file:
            file.write(b'x')
        says(True)
    except OSError:
        says(False)
    time.sleep(0.02)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit what another process writes")
def test_a_full_disk_is_full_for_the_next_life_too_and_has_room_again(supervisor: Control, tmp_path: Path) -> None:
    file = tmp_path / "data"
    # SIGXFSZ is ignored by Python as by the servers.
    [status] = run(supervisor, child(READY + WRITING.replace("PATH", repr(str(file)))))
    wait_until(lambda: file.exists() and file.stat().st_size > 0, "it writes")
    run(supervisor, holder("fill-disk"))

    def grows() -> bool:
        before = file.stat().st_size
        time.sleep(0.3)  # in which it tries to write a dozen times
        return file.stat().st_size > before

    assert not grows()
    os.kill(status.pid or 0, signal.SIGKILL)
    seen(supervisor, "child", lambda now: now.restarts > 0 and now.state is ProcessState.RUNNING)
    wait_until(lambda: not grows(), "the disk is full again")
    supervisor.stop(["holder"])
    assert grows()


@pytest.fixture
def echo() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_relay_forwards_both_ways_and_its_death_cuts_what_goes_through(
    supervisor: Control, echo: socket.socket
) -> None:
    port = free_port()
    ways = ("--listen", str(port), "--to", str(echo.getsockname()[1]))
    [status] = run(supervisor, fault_process("relay", RELAY, ways, "forwarding"))
    with closing(socket.create_connection(("127.0.0.1", port), 10)) as near, closing(echo.accept()[0]) as far:
        near.sendall(b"there")
        assert far.recv(9) == b"there"
        far.sendall(b"back")
        assert near.recv(9) == b"back"
        supervisor.start([holder("stop", "--kill", name="relay")])
        reached(supervisor, "holder", ProcessState.RUNNING)
        far.settimeout(10)
        assert ends(near)
        assert ends(far)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 10)
    supervisor.stop(["holder"])
    again = reached(supervisor, "relay", ProcessState.RUNNING)
    assert again.pid != status.pid
    with closing(socket.create_connection(("127.0.0.1", port), 10)), closing(echo.accept()[0]):
        pass


def ends(connection: socket.socket) -> bool:
    try:
        return connection.recv(9) == b""
    except ConnectionResetError:
        return True


def test_a_relay_to_nowhere_hangs_up(supervisor: Control) -> None:
    port = free_port()
    run(supervisor, fault_process("relay", RELAY, ("--listen", str(port), "--to", str(free_port())), "forwarding"))
    with closing(socket.create_connection(("127.0.0.1", port), 10)) as near:
        assert ends(near)
