"""Set-up steps: a folder is made once, whole or not at all."""

from __future__ import annotations

import os
import signal

from clickstream.actions import control
from clickstream.actions.control import Control
from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessSpec, ProcessState, SetupStep
from tests.process.children import READY, SLEEP, alive, child, python, reached, run
from tests.waiting import wait_until

MAKE = "import os, pathlib\npathlib.Path(os.environ['STAGING']).mkdir()\n"


def step(home: Home, script: str = MAKE) -> SetupStep:
    staging = str(home.root / "made.new")
    return SetupStep(python(script), staging, str(home.root / "made"), env={"STAGING": staging})


def served(home: Home, *steps: SetupStep) -> ProcessSpec:
    """A server that needs the folder."""
    return child(READY + f"os.listdir({str(home.root / 'made')!r})\n" + SLEEP, setup=steps)


def test_is_taken_once_before_the_first_start(supervisor: Control, home: Home) -> None:
    count = home.root / "count"
    counted = step(home, MAKE + f"open({str(count)!r}, 'a').write('x')")
    run(supervisor, served(home, counted))
    supervisor.restart(["child"])
    reached(supervisor, "child", ProcessState.RUNNING)
    supervisor.stop(["child"])
    run(supervisor, served(home, counted))
    assert count.read_text() == "x"
    assert not (home.root / "made.new").exists()


def test_leftovers_of_a_cut_one_are_removed_first(supervisor: Control, home: Home) -> None:
    (home.root / "made.new" / "half").mkdir(parents=True)
    run(supervisor, served(home, step(home)))
    assert not any((home.root / "made").iterdir())


def test_a_failure_says_why_and_leaves_nothing(supervisor: Control, home: Home) -> None:
    supervisor.start([served(home, step(home, MAKE + "print('disk full'); raise SystemExit(7)"))])
    status = reached(supervisor, "child", ProcessState.FAILED)
    assert status.exit_reason == "made could not be made: exit code 7 / disk full"
    assert status.restarts == 0
    assert not list(home.root.glob("made*"))


def test_a_step_that_makes_nothing_has_failed(supervisor: Control, home: Home) -> None:
    supervisor.start([served(home, step(home, "pass"))])
    assert "ended well but left no" in reached(supervisor, "child", ProcessState.FAILED).exit_reason


def test_a_stop_in_the_middle_leaves_nothing(supervisor: Control, home: Home) -> None:
    supervisor.start([served(home, step(home, MAKE + SLEEP))])
    wait_until((home.root / "made.new").exists, "the set-up has begun")
    supervisor.stop(["child"])
    assert reached(supervisor, "child", ProcessState.STOPPED).pid is None
    assert not list(home.root.glob("made*"))


def test_killing_the_supervisor_in_the_middle_leaves_nothing_that_counts(supervisor: Control, home: Home) -> None:
    supervisor.start([served(home, step(home, MAKE + SLEEP))])
    wait_until((home.root / "made.new").exists, "the set-up has begun")
    snapshot = supervisor.snapshot()
    [status] = snapshot.processes
    assert status.pid is not None
    os.kill(snapshot.supervisor_pid, signal.SIGKILL)
    wait_until(lambda: not alive(status.pid or 0), "the set-up ends")
    assert not (home.root / "made").exists()
    run(control.ensure(home), served(home, step(home)))
