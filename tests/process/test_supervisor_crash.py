"""kill -9 of the supervisor, at any moment, leaves nothing that runs unowned."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clickstream.actions import control
from clickstream.actions.control import Control
from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessSpec, ProcessState, Role
from tests.process.children import IGNORE_TERM, READY, SLEEP, alive, child, python, reached, run
from tests.waiting import wait_until


def kill(supervisor: Control) -> None:
    own = supervisor.snapshot().supervisor_pid
    os.kill(own, signal.SIGKILL)
    wait_until(lambda: not alive(own), "the supervisor ends")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next supervisor ends them")
def test_its_children_are_told_to_stop(supervisor: Control, home: Home) -> None:
    file = home.root / "told"
    told = f"signal.signal(signal.SIGUSR2, lambda *_: (open({str(file)!r}, 'w'), sys.exit(0)))\n"
    [status] = run(supervisor, child("import signal, sys\n" + told + READY + SLEEP, stop_signal=signal.SIGUSR2))
    kill(supervisor)
    wait_until(lambda: not alive(status.pid or 0), "the child ends")
    assert file.exists()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become another user")
def test_a_child_of_another_user_is_told_too(supervisor: Control) -> None:
    argv = ("/bin/sh", "-c", "echo ready; exec sleep 600")
    [status] = run(supervisor, ProcessSpec("child", Role.SERVER, argv, cwd="/", uid=12345, gid=12345))
    kill(supervisor)
    wait_until(lambda: not alive(status.pid or 0), "the child ends")


def test_the_next_one_ends_what_did_not_listen(supervisor: Control, home: Home) -> None:
    [status] = run(supervisor, child(IGNORE_TERM + READY + SLEEP, stop_timeout=0.1))
    kill(supervisor)
    assert alive(status.pid or 0)
    successor = control.ensure(home)
    assert not alive(status.pid or 0)
    assert successor.snapshot().processes == ()
    assert f"stopping child (pid {status.pid}), left behind" in (home.logs / "supervisor.log").read_text()


@pytest.mark.parametrize("new_session", [False, True])
def test_the_next_one_ends_the_family_too(supervisor: Control, home: Home, new_session: bool) -> None:
    file = home.root / "grandchild"
    script = f"grandchild = subprocess.Popen({python(IGNORE_TERM + SLEEP)!r}, start_new_session={new_session})\n"
    script += f"open({str(file)!r}, 'w').write(str(grandchild.pid)); print('set')\n"
    ignoring = IGNORE_TERM + "import os, subprocess, sys, time\n" + script
    run(supervisor, child(ignoring + SLEEP, ready_pattern="set", stop_timeout=0.1))
    kill(supervisor)
    control.ensure(home)
    assert not alive(int(file.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's word to the leader")
def test_the_next_one_ends_grandchildren_whose_parent_is_gone(supervisor: Control, home: Home) -> None:
    file = home.root / "grandchild"
    script = f"grandchild = subprocess.Popen({python(IGNORE_TERM + SLEEP)!r})\n"
    script += f"open({str(file)!r}, 'w').write(str(grandchild.pid)); print('set')\n"
    [status] = run(supervisor, child("import subprocess\n" + script + SLEEP, ready_pattern="set"))
    kill(supervisor)
    wait_until(lambda: not alive(status.pid or 0), "the child ends")
    assert alive(int(file.read_text()))
    control.ensure(home)
    assert not alive(int(file.read_text()))


def test_a_pid_that_now_belongs_to_another_is_left_alone(supervisor: Control, home: Home) -> None:
    run(supervisor, child())
    kill(supervisor)
    [entry] = json.loads(home.processes.read_text())
    with subprocess.Popen(python(SLEEP), start_new_session=True) as innocent:
        try:
            home.processes.write_text(json.dumps([entry | {"pid": innocent.pid}]))
            control.ensure(home)
            assert innocent.poll() is None
        finally:
            innocent.kill()


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": 1}]'])
def test_a_broken_list_of_processes_stops_no_process(home: Home, text: str) -> None:
    home.make()
    home.processes.write_text(text)
    assert control.ensure(home).snapshot().processes == ()


def test_servers_can_be_started_again_after_it(supervisor: Control, home: Home) -> None:
    [before] = run(supervisor, child())
    kill(supervisor)
    [after] = run(control.ensure(home), child())
    assert after.pid != before.pid
    assert not alive(before.pid or 0)


def test_many_at_once_get_one_supervisor(home: Home) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: control.ensure(home).snapshot().supervisor_pid, range(6)))
    assert len(set(found)) == 1


def test_a_second_one_in_the_foreground_gives_way(supervisor: Control, home: Home) -> None:
    script = (
        "from clickstream.config.paths import Home\n"
        "from clickstream.supervision.daemon import run\n"
        "raise SystemExit(run(Home.from_environment(), print))"
    )
    second = subprocess.run([sys.executable, "-c", script], timeout=60, check=False, capture_output=True, text=True)
    assert (second.returncode, second.stdout, second.stderr) == (1, "busy\n", "")
    assert supervisor.snapshot().processes == ()


def test_a_stale_socket_is_replaced(home: Home) -> None:
    home.make()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(home.socket))
    assert control.running(home) is None
    assert control.ensure(home).snapshot().processes == ()


def test_a_home_too_deep_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    monkeypatch.setenv("CLICKSTREAM_HOME", str(deep))
    home = Home.from_environment()
    supervisor = control.ensure(home)
    try:
        run(supervisor, child())
        assert home.root == deep
        assert home.socket.parent.stat().st_mode & 0o777 == 0o700
    finally:
        supervisor.shutdown()
        home.socket.parent.rmdir()


def test_a_fault_of_the_log_folder_ends_nothing(supervisor: Control, home: Home) -> None:
    home.logs.rename(home.root / "elsewhere")
    [status] = run(supervisor, child("print('lost')\n" + READY + SLEEP))
    supervisor.stop(["child"])
    assert reached(supervisor, "child", ProcessState.STOPPED).exit_reason == "ended by SIGTERM: ready"
    assert not alive(status.pid or 0)
