"""The stop ladder: everything that was started ends, in order, whatever it does against it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from clickstream.actions import control
from clickstream.actions.control import Control
from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ProcessSpec, ProcessState, RestartPolicy, Role
from clickstream.supervision.process import Execution, Process
from tests.process.children import IGNORE_TERM, READY, SLEEP, alive, child, python, reached, run
from tests.waiting import AT_MOST, wait_until

SPAWN = """import os, signal, subprocess, sys, time
grandchild = subprocess.Popen(ARGV, stdout=subprocess.PIPE, start_new_session=NEW_SESSION)
grandchild.stdout.readline()
open(FILE, 'w').write(str(grandchild.pid))
print('ready')
"""


def parent(file: Path, then: str, *, new_session: bool = False) -> ProcessSpec:
    """A process with a child that ignores SIGTERM and whose pid is in `file`."""
    argv = python(IGNORE_TERM + READY + SLEEP)
    script = SPAWN.replace("ARGV", repr(argv)).replace("FILE", repr(str(file)))
    script = script.replace("NEW_SESSION", str(new_session))
    return child(script + then, restart=RestartPolicy(first_delay=600, max_delay=600))


def test_a_gentle_stop_lets_it_finish_its_work(supervisor: Control, home: Home) -> None:
    finish = "signal.signal(signal.SIGTERM, lambda *_: (print('finished'), sys.exit(0)))\n"
    run(supervisor, child("import signal, sys\n" + finish + READY + SLEEP, role=Role.CONSUMER))
    supervisor.stop(["child"])
    status = reached(supervisor, "child", ProcessState.STOPPED)
    assert (status.pid, status.exit_reason) == (None, "exit code 0: finished")


def test_the_stop_signal_is_the_specs(supervisor: Control) -> None:
    run(supervisor, child(IGNORE_TERM + READY + SLEEP, stop_signal=signal.SIGUSR1))
    supervisor.stop(["child"])
    assert reached(supervisor, "child", ProcessState.STOPPED).exit_reason == "ended by SIGUSR1: ready"


def test_what_ignores_the_signal_is_killed(supervisor: Control) -> None:
    [running] = run(supervisor, child(IGNORE_TERM + READY + SLEEP, stop_timeout=0.1))
    supervisor.stop(["child"])
    status = reached(supervisor, "child", ProcessState.STOPPED)
    assert status.exit_reason == "killed by SIGKILL (did not stop within 0.1 s)"
    assert not alive(running.pid or 0)


def test_a_stop_that_comes_just_as_it_ends_does_not_hide_its_end(tmp_path: Path) -> None:
    ended: list[Process] = []

    async def scene() -> Process:
        argv = (sys.executable, "-c", "raise SystemExit(3)")
        process = Process(
            Execution(argv, {}, str(tmp_path), None, None, signal.SIGTERM), ended.append, lambda lines: None
        )
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        process.ask_to_stop()
        process.reap()
        return process

    process = asyncio.run(scene())
    assert ended == [process]
    assert process.returncode == 3


@pytest.mark.parametrize("new_session", [False, True])
def test_grandchildren_end_with_it(supervisor: Control, home: Home, new_session: bool) -> None:
    file = home.root / "grandchild"
    run(supervisor, parent(file, SLEEP, new_session=new_session))
    assert alive(int(file.read_text()))
    supervisor.stop(["child"])
    wait_until(lambda: not alive(int(file.read_text())), "the grandchild ends")


def test_grandchildren_of_one_that_ends_by_itself_are_ended(supervisor: Control, home: Home) -> None:
    file = home.root / "grandchild"
    supervisor.start([parent(file, "os._exit(1)")])
    reached(supervisor, "child", ProcessState.BACKOFF)
    wait_until(lambda: not alive(int(file.read_text())), "the grandchild ends")


def test_dependants_stop_first(supervisor: Control, home: Home) -> None:
    file = home.root / "ends"
    script = f"""import signal, sys, time
def end(*_):
    time.sleep(PAUSE)
    open({str(file)!r}, 'a').write('NAME ')
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
"""
    roles = {Role.SERVER: 0, Role.CONSUMER: 0.03, Role.INDEXER: 0.06, Role.PRODUCER: 0.09}
    specs = [
        child(script.replace("NAME", role).replace("PAUSE", str(pause)) + READY + SLEEP, role, role=role)
        for role, pause in roles.items()
    ]
    run(supervisor, *specs)
    supervisor.stop([spec.name for spec in specs])
    assert file.read_text() == "producer indexer consumer server "


def test_a_kill_gives_no_time_and_is_a_stop(supervisor: Control, home: Home) -> None:
    file = home.root / "asked"
    note = f"import signal\nsignal.signal(signal.SIGTERM, lambda *_: open({str(file)!r}, 'w'))\n"
    run(supervisor, child(note + READY + SLEEP, stop_timeout=600))
    supervisor.stop(["child"], kill=True)
    status = reached(supervisor, "child", ProcessState.STOPPED)
    assert (status.restarts, status.exit_reason) == (0, "killed by SIGKILL (as asked)")
    assert not file.exists()


def test_a_stop_can_be_turned_into_a_kill(supervisor: Control) -> None:
    run(supervisor, child(IGNORE_TERM + READY + SLEEP, stop_timeout=600))
    stopping = threading.Thread(target=supervisor.stop, args=(["child"],))
    stopping.start()
    reached(supervisor, "child", ProcessState.STOPPING)
    supervisor.stop(["child"], kill=True)
    stopping.join()
    reached(supervisor, "child", ProcessState.STOPPED)


def test_a_stop_during_the_wait_for_a_restart(supervisor: Control) -> None:
    supervisor.start([child("import sys; sys.exit(1)", restart=RestartPolicy(first_delay=600, max_delay=600))])
    reached(supervisor, "child", ProcessState.BACKOFF)
    supervisor.stop(["child"])
    reached(supervisor, "child", ProcessState.STOPPED)


def test_a_stop_before_it_is_ready(supervisor: Control) -> None:
    supervisor.start([child(SLEEP)])
    supervisor.stop(["child"])
    assert reached(supervisor, "child", ProcessState.STOPPED).pid is None


def test_a_start_while_it_stops_waits_for_the_end(supervisor: Control) -> None:
    [first] = run(supervisor, child(IGNORE_TERM + READY + SLEEP, stop_timeout=0.2))
    stopping = threading.Thread(target=supervisor.stop, args=(["child"],))
    stopping.start()
    reached(supervisor, "child", ProcessState.STOPPING)
    [second] = run(supervisor, child())
    stopping.join()
    assert not alive(first.pid or 0)
    assert second.pid != first.pid


def test_stopping_what_is_not_there_is_nothing(supervisor: Control) -> None:
    supervisor.stop(["ghost"])
    supervisor.remove(["ghost"])


def test_restart_runs_the_same_again(supervisor: Control) -> None:
    before = run(supervisor, child(name="a"), child(name="b", role=Role.CONSUMER))
    supervisor.restart(["a", "b"])
    after = supervisor.wait(["a", "b"], {ProcessState.RUNNING}, AT_MOST)
    assert {status.pid for status in before}.isdisjoint(status.pid for status in after.processes)
    with pytest.raises(UsageError, match="no such process: ghost"):
        supervisor.restart(["ghost"])


def test_only_a_process_in_a_final_state_can_be_forgotten(supervisor: Control) -> None:
    run(supervisor, child())
    with pytest.raises(UsageError, match="child cannot be forgotten"):
        supervisor.remove(["child"])
    supervisor.stop(["child"])
    supervisor.remove(["child"])
    assert supervisor.snapshot().processes == ()


def test_shutdown_leaves_nothing(supervisor: Control, home: Home) -> None:
    statuses = run(supervisor, child(name="a"), child(IGNORE_TERM + READY + SLEEP, "b", stop_timeout=0.1))
    own = supervisor.snapshot().supervisor_pid
    supervisor.shutdown()
    assert not [status for status in statuses if alive(status.pid or 0)]
    assert not alive(own)
    assert control.running(home) is None
    assert not home.socket.exists()
    assert home.processes.read_text() == "[]"
    with pytest.raises(ClickstreamError, match="the supervisor has gone"):
        supervisor.snapshot()


def test_watchers_are_told_until_the_end(supervisor: Control) -> None:
    run(supervisor, child(IGNORE_TERM + READY + SLEEP, stop_timeout=0.1))
    ending = threading.Thread(target=supervisor.shutdown)
    states = []
    for snapshot in supervisor.watch():
        states += [status.state for status in snapshot.processes]
        if len(states) == 1:
            ending.start()
    ending.join()
    assert states[0] is ProcessState.RUNNING
    assert ProcessState.STOPPING in states


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_supervisor_is_a_shutdown(supervisor: Control, number: signal.Signals) -> None:
    [status] = run(supervisor, child(role=Role.CONSUMER))
    own = supervisor.snapshot().supervisor_pid
    os.kill(own, number)
    wait_until(lambda: not alive(own), "the supervisor ends")
    assert not alive(status.pid or 0)


def test_a_new_supervisor_waits_for_the_end_of_the_old(supervisor: Control, home: Home) -> None:
    [status] = run(supervisor, child(IGNORE_TERM + READY + SLEEP, stop_timeout=0.3))
    own = supervisor.snapshot().supervisor_pid
    os.kill(own, signal.SIGTERM)
    wait_until(lambda: control.running(home) is None, "the supervisor ends")
    successor = control.ensure(home)
    assert not alive(status.pid or 0)
    assert successor.snapshot().processes == ()
