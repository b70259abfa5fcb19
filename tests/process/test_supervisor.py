"""A process's life under a real supervisor: ready, dead, started again, given up, finished."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from clickstream.actions.control import Control
from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ProcessSpec, ProcessState, RestartPolicy, Role
from tests.process.children import READY, SLEEP, child, reached, run, seen
from tests.waiting import wait_until

REPORT = """import json, time
print('not a report')
print(json.dumps({'at': 1.5, 'state': 'running', 'events': 7, 'partitions': [0, 2]}))
"""


def test_is_running_once_its_line_says_so_and_its_log_has_every_line(supervisor: Control, home: Home) -> None:
    [status] = run(supervisor, child("print('preparing')\n" + READY + SLEEP))
    assert status.pid is not None
    assert status.started_at is not None
    log = (home.logs / "child.log").read_text()
    assert "preparing\nready\n" in log
    assert f"supervisor: started, pid {status.pid}" in log


def test_without_a_sign_of_readiness_it_runs_at_once(supervisor: Control) -> None:
    [status] = run(supervisor, child(SLEEP, ready_pattern=None))
    assert status.state is ProcessState.RUNNING


def test_not_ready_in_time_is_a_quick_death_however_long_it_took(supervisor: Control) -> None:
    policy = RestartPolicy(first_delay=0.001, max_delay=0.001, healthy_after=0.01, give_up_after=3)
    supervisor.start([child("print('soon')\n" + SLEEP, ready_timeout=0.05, restart=policy)])
    status = reached(supervisor, "child", ProcessState.FAILED)
    assert status.restarts == 2
    assert "not ready within 0.05 s" in status.exit_reason


def test_the_first_report_makes_it_ready_and_other_output_goes_to_the_log(supervisor: Control, home: Home) -> None:
    [status] = run(supervisor, child(REPORT + SLEEP, role=Role.CONSUMER, ready_pattern=None, reports=True))
    assert status.report is not None
    assert (status.report.events, status.report.partitions) == (7, (0, 2))
    log = (home.logs / "child.log").read_text()
    assert "not a report\n" in log
    assert '"events"' not in log


def test_a_finished_producer_keeps_its_last_report(supervisor: Control) -> None:
    supervisor.start([child(REPORT, role=Role.PRODUCER, ready_pattern=None, reports=True)])
    status = reached(supervisor, "child", ProcessState.FINISHED)
    assert status.pid is None
    assert status.report is not None
    assert status.report.events == 7


def test_a_consumer_that_ends_unasked_has_died_even_with_exit_code_0(supervisor: Control) -> None:
    supervisor.start([child("print('bye')", role=Role.CONSUMER, ready_pattern=None)])
    status = reached(supervisor, "child", ProcessState.FAILED)
    assert status.exit_reason.endswith("exit code 0: bye")


def test_gives_up_after_quick_deaths_and_says_why(supervisor: Control, home: Home) -> None:
    script = "import sys; print('Traceback:'); print('ValueError: no'); print('  at x'); sys.exit(1)"
    supervisor.start([child(script)])
    status = reached(supervisor, "child", ProcessState.FAILED)
    assert status.restarts == 2
    assert status.exit_reason == "gave up after 3 quick deaths in a row; the last: exit code 1: ValueError: no"
    assert status.last_lines == ("Traceback:", "ValueError: no", "  at x")
    assert (home.logs / "child.log").read_text().count("Traceback:\nValueError: no\n") == 3


def test_deaths_after_a_healthy_spell_are_not_counted_together(supervisor: Control) -> None:
    policy = RestartPolicy(first_delay=0.001, max_delay=0.001, healthy_after=0, give_up_after=2)
    supervisor.start([child(READY + "sys.exit(1)", restart=policy)])
    status = seen(supervisor, "child", lambda status: status.restarts > 5 or status.state is ProcessState.FAILED)
    assert status.state is not ProcessState.FAILED


def test_some_exit_codes_are_final(supervisor: Control) -> None:
    supervisor.start([child("import sys; print('PG_PORT: wrong'); sys.exit(2)")])
    status = reached(supervisor, "child", ProcessState.FAILED)
    assert (status.restarts, status.exit_reason) == (0, "exit code 2: PG_PORT: wrong")


def test_killed_from_outside_it_is_started_again(supervisor: Control) -> None:
    [first] = run(supervisor, child())
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    status = seen(supervisor, "child", lambda s: s.restarts == 1 and s.state is ProcessState.RUNNING)
    assert status.pid != first.pid
    assert status.exit_reason == "killed by SIGKILL"


def test_a_name_that_lives_is_never_started_twice(supervisor: Control) -> None:
    [first] = run(supervisor, child())
    [again] = run(supervisor, child())
    assert again.pid == first.pid


def test_a_name_in_a_final_state_starts_again_with_the_new_spec(supervisor: Control, home: Home) -> None:
    supervisor.start([child("import sys; sys.exit(2)")])
    reached(supervisor, "child", ProcessState.FAILED)
    [status] = run(supervisor, child("print('new')\n" + READY + SLEEP))
    assert (status.restarts, status.exit_reason) == (0, "")
    assert "new\n" in (home.logs / "child.log").read_text()


def test_a_name_that_waits_for_its_restart_starts_at_once_with_the_new_spec(supervisor: Control) -> None:
    supervisor.start([child("import sys; sys.exit(1)", restart=RestartPolicy(first_delay=600, max_delay=600))])
    reached(supervisor, "child", ProcessState.BACKOFF)
    run(supervisor, child())


def test_what_cannot_be_executed_has_failed(supervisor: Control) -> None:
    supervisor.start([ProcessSpec("child", Role.SERVER, ("/nowhere/at-all",))])
    assert "cannot be started" in reached(supervisor, "child", ProcessState.FAILED).exit_reason


def test_its_environment_reaches_it_and_is_not_shown(supervisor: Control, home: Home) -> None:
    script = "import os; print('ready', len(os.environ['PG_PASSWORD']), os.environ['CLICKSTREAM_HOME'])\n"
    [status] = run(supervisor, child(script + SLEEP, env={"PG_PASSWORD": "s3cret-word"}))
    assert f"ready 11 {home.root}\n" in (home.logs / "child.log").read_text()
    assert "s3cret-word" not in repr(status)
    for file in (*home.logs.iterdir(), home.processes):
        assert "s3cret-word" not in file.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_runs_as_the_user_it_is_given_and_dies_with_the_supervisor_all_the_same(
    supervisor: Control, home: Home
) -> None:
    argv = ("/bin/sh", "-c", "echo ready $(id -u) $(id -g) $(id -G); exec sleep 600")
    spec = ProcessSpec("child", Role.SERVER, argv, cwd="/", uid=12345, gid=12346, ready_pattern="^ready")
    [status] = run(supervisor, spec)
    assert "ready 12345 12346 12346\n" in (home.logs / "child.log").read_text()
    assert status.pid is not None


@pytest.mark.parametrize("name", ["supervisor", "../evil", "", "a/b", ".hidden"])
def test_a_name_that_is_not_a_file_name_is_refused(supervisor: Control, name: str) -> None:
    with pytest.raises(UsageError):
        supervisor.start([child(name=name)])
    assert supervisor.snapshot().processes == ()


def test_wait_tells_why_it_failed_and_when_it_was_too_long(supervisor: Control) -> None:
    supervisor.start([child("import sys; print('no disk'); sys.exit(3)"), child(SLEEP, "slow", ready_pattern="never")])
    with pytest.raises(ClickstreamError, match="child failed: exit code 3: no disk"):
        supervisor.wait(["child"], {ProcessState.RUNNING}, 20)
    with pytest.raises(UsageError, match="no such process: ghost"):
        supervisor.wait(["ghost"], {ProcessState.RUNNING}, 20)
    with pytest.raises(ClickstreamError, match=r"not running after 0\.05 s: slow is"):
        supervisor.wait(["slow"], {ProcessState.RUNNING}, 0.05)


def test_memory_is_measured(supervisor: Control) -> None:
    run(supervisor, child())
    seen(supervisor, "child", lambda status: status.rss_bytes > 1_000_000)


def test_a_flood_of_output_starves_no_process_and_fills_no_disk(supervisor: Control, home: Home) -> None:
    flood = child(
        "import os\nline = b'x' * 199 + b'\\n'\nwhile True: os.write(1, line * 400)", "flood", ready_pattern="x"
    )
    endless = child("import os\nwhile True: os.write(1, b'y' * 65536)", "endless", ready_pattern=None)
    run(supervisor, flood, endless)
    [calm] = run(supervisor, child())
    wait_until((home.logs / "flood.log.1").exists, "its log is rotated")
    snapshot = supervisor.snapshot()
    assert calm.pid in {status.pid for status in snapshot.processes}
    supervisor.stop(["flood", "endless"])
    assert sum(file.stat().st_size for file in home.logs.glob("flood.log*")) < 16_000_000
    assert sum(file.stat().st_size for file in home.logs.glob("endless.log*")) < 100_000
    assert psutil.Process(supervisor.snapshot().supervisor_pid).memory_info().rss < 80_000_000
