"""Runs one ProcessSpec and keeps it running: set-up, readiness, restarts, the stop ladder.

Knows nothing of other processes: their order is the supervisor's task. A spec that is started again gets a new
Managed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import Callable

import msgspec

from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import FINAL_STATES, ProcessSpec, ProcessState, ProcessStatus, Role, SetupStep
from clickstream.domain.reports import WorkerReport, checked
from clickstream.supervision.backoff import RestartBackoff
from clickstream.supervision.exits import OUT_OF_MEMORY, exit_words, oom_kills, step_words
from clickstream.supervision.logs import LogFile
from clickstream.supervision.process import Execution, Lines, Process, kill_all
from clickstream.supervision.setup import StepFailed, set_up
from clickstream.supervision.sweep import MARK, Entry, Ledger, start_of

log = logging.getLogger(__name__)

STOP_RANK = {Role.FAULT: 0, Role.PRODUCER: 0, Role.INDEXER: 1, Role.CONSUMER: 2, Role.SERVER: 3}
"""Dependants stop first; so do faults, for what is frozen cannot stop."""

FINISHES = {Role.PRODUCER, Role.FAULT}
"""Whose exit code 0 means that its work is done."""

STEP_STOP_TIMEOUT = 5.0
"""Seconds that a set-up step has between its stop signal and SIGKILL; all it can leave behind is a staging folder."""

_report = msgspec.json.Decoder(WorkerReport)


class Managed:
    """A spec with its present process, if it has one. Lives until it is in a final state."""

    def __init__(self, spec: ProcessSpec, home: Home, ledger: Ledger, on_change: Callable[[], None]) -> None:
        """Starts at once; needs a running loop. `on_change` is called at each change of state."""
        self.spec = spec
        self.state = ProcessState.STARTING
        self._home = home
        self._ledger = ledger
        self._on_change = on_change
        self._process: Process | None = None
        self._usage = (0, 0.0)
        self._report: WorkerReport | None = None
        self._started_at: float | None = None
        self._ready_at: float | None = None
        """On the monotonic clock; None until this life is ready."""
        self._ready_pattern = re.compile(spec.ready_pattern) if spec.ready_pattern is not None else None
        self._restarts = 0
        self._exit_reason = ""
        self._why_killed = ""
        self._oom_kills = oom_kills()
        self._stopping = False
        self._killing = False
        self._wake = asyncio.Event()
        self._log = LogFile(home.logs / f"{spec.name}.log")
        self._task = asyncio.create_task(self._run(), name=f"process {spec.name}")

    @property
    def in_final_state(self) -> bool:
        return self.state in FINAL_STATES

    def status(self) -> ProcessStatus:
        alive = self._process is not None and not self._process.ended
        rss_bytes, cpu_percent = self._usage if alive else (0, 0.0)
        return ProcessStatus(
            name=self.spec.name,
            role=self.spec.role,
            state=self.state,
            pid=self._process.pid if self._process is not None and alive else None,
            started_at=self._started_at,
            restarts=self._restarts,
            exit_reason=self._exit_reason,
            rss_bytes=rss_bytes,
            cpu_percent=cpu_percent,
            report=self._report,
            last_lines=self._log.tail if self.state is ProcessState.FAILED else (),
        )

    def reap(self) -> None:
        """A child of the supervisor has ended; perhaps this one."""
        if self._process is not None:
            self._process.reap()

    def sample(self) -> None:
        """Measure its memory, and its CPU since the last call."""
        if self._process is not None and not self._process.ended:
            self._usage = self._process.usage(children=self.spec.forks)
            self._oom_kills = oom_kills()

    def tell(self, line: bytes) -> None:
        """Hand a line to the running process. Raises ClickstreamError where it does not run or does not listen."""
        name, process = self.spec.name, self._process
        if not self.spec.reports:
            raise UsageError(f"{name} cannot be told anything: it does not listen")
        if process is None or process.ended or self.state not in {ProcessState.STARTING, ProcessState.RUNNING}:
            raise ClickstreamError(f"{name} cannot be told anything: it is {self.state}")
        try:
            process.tell(line)
        except BlockingIOError:
            raise ClickstreamError(
                f"{name} has not listened to what it was told before", hint="it may hang: see its log"
            ) from None
        except OSError as error:
            raise ClickstreamError(f"{name} cannot be told anything: {error.strerror}") from error

    async def stop(self, *, kill: bool) -> None:
        """Stop it and wait until its state is final. A second call may turn a stop into a kill."""
        self._stopping = True
        self._killing = self._killing or kill
        self._wake.set()
        await asyncio.shield(self._task)

    async def _run(self) -> None:
        try:
            for step in self.spec.setup:
                if not self._stopping:
                    await set_up(step, self._home.root, self._run_step)
            if self._stopping:
                self._conclude(ProcessState.STOPPED, "")
            else:
                await self._keep_running()
        except StepFailed as failure:
            self._conclude(ProcessState.STOPPED if self._stopping else ProcessState.FAILED, str(failure))
        except Exception as error:  # a fault of ours: contained, and said
            log.exception("%s: fault in its supervision", self.spec.name)
            if (process := self._process) is not None:
                process.kill_group()
                await self._until(lambda: process.ended)
            self._conclude(ProcessState.FAILED, f"fault in the supervisor: {error!r}")
        finally:
            self._log.close()

    async def _run_step(self, step: SetupStep) -> str | None:
        self._log.note(f"making {step.makes}")
        process = self._spawn(step.argv, step.env, self._log.write, None)
        await self._until(lambda: process.ended or self._stopping)
        await self._end(process, STEP_STOP_TIMEOUT)
        if process.returncode == 0:
            return None
        return step_words(process.returncode, self._why_killed, self._log.tail)

    async def _keep_running(self) -> None:
        backoff = RestartBackoff(self.spec.restart)
        while True:
            code: int | None
            try:
                code = await self._live()
            except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
                return self._conclude(ProcessState.FAILED, f"cannot be started: {error}")
            except OSError as error:  # out of memory, of processes, of descriptors: perhaps not for long
                code, self._exit_reason = None, f"cannot be started: {error}"
            if self._stopping:
                break
            if code == 0 and self.spec.role in FINISHES:
                return self._conclude(ProcessState.FINISHED, self._exit_reason)
            if code in self.spec.restart.final_exit_codes:
                return self._conclude(ProcessState.FAILED, self._exit_reason)
            delay = backoff.died(time.monotonic() - self._ready_at if self._ready_at is not None else 0.0)
            if delay is None:
                words = f"gave up after {backoff.quick_deaths} quick deaths in a row; the last: {self._exit_reason}"
                return self._conclude(ProcessState.FAILED, words)
            self._say(f"{self._exit_reason}; next start in {delay:.1f} s")
            self._move(ProcessState.BACKOFF)
            if await self._until(lambda: self._stopping, delay):
                break
            self._restarts += 1
        return self._conclude(ProcessState.STOPPED, self._exit_reason)

    async def _live(self) -> int:
        """One life of the process, from spawn to the end of its group; its exit code."""
        spec = self.spec
        self._ready_at, self._report, self._why_killed = None, None, ""
        self._move(ProcessState.STARTING)
        process = self._spawn(spec.argv, spec.env, self._handle_lines, self._handle_reports if spec.reports else None)
        self._started_at = time.time()
        self._say(f"started, pid {process.pid}")
        if self._ready_pattern is None and not spec.reports:
            self._ready()
        if not await self._until(
            lambda: self._ready_at is not None or process.ended or self._stopping, spec.ready_timeout
        ):
            await self._end(process, 0, because=f"not ready within {spec.ready_timeout:g} s")
        await self._until(lambda: process.ended or self._stopping)
        await self._end(process, spec.stop_timeout)
        if not self._why_killed and oom_kills() != self._oom_kills:  # within the second since it was last measured
            self._why_killed = OUT_OF_MEMORY
        self._exit_reason = exit_words(process.returncode, self._why_killed, self._log.tail)
        return process.returncode

    async def _end(self, process: Process, grace: float, because: str = "") -> None:
        """The stop ladder; returns when the process and all its family are gone.

        Args:
            process: what to end; nothing is done if it has ended by itself.
            grace: seconds between the stop signal and SIGKILL.
            because: the reason to kill it without asking first, if there is one.
        """
        if process.ended:
            return
        self._move(ProcessState.STOPPING)
        family = process.descendants()
        if not because and not self._killing:
            process.ask_to_stop()
            await self._until(lambda: process.ended or self._killing, grace)
        if not process.ended:
            self._why_killed = because or ("as asked" if self._killing else f"did not stop within {grace:g} s")
            family += process.descendants()
            process.kill_group()
            await self._until(lambda: process.ended)
        try:
            await kill_all(family)
        except TimeoutError:
            log.error("%s: some of its children survive SIGKILL", self.spec.name)

    def _spawn(self, argv: tuple[str, ...], env: dict[str, str], on_lines: Lines, reports: Lines | None) -> Process:
        spec = self.spec
        command = Execution(
            argv=argv,
            env=os.environ | env | {MARK: spec.name},
            cwd=str(self._home.root / (spec.cwd or "")),
            uid=spec.uid,
            gid=spec.gid,
            stop_signal=spec.stop_signal,
        )
        self._log.clear_tail()
        process = Process(command, self._ended, on_lines, reports)
        start = start_of(process.pid) or ""
        self._ledger.add(
            Entry(spec.name, process.pid, start, STOP_RANK[spec.role], spec.stop_signal, spec.stop_timeout)
        )
        self._process, self._usage = process, (0, 0.0)
        return process

    def _ended(self, process: Process) -> None:
        self._ledger.discard(process.pid)
        self._wake.set()

    def _handle_lines(self, lines: list[bytes]) -> None:
        self._log.write(lines)
        pattern = self._ready_pattern if self._ready_at is None else None
        if pattern is not None and any(pattern.search(line.decode(errors="replace")) for line in lines):
            self._ready()

    def _handle_reports(self, lines: list[bytes]) -> None:
        for line in lines:
            try:
                self._report = checked(_report.decode(line))
            except (msgspec.MsgspecError, ValueError, RecursionError):
                self._log.write([line])  # a stray print, or the last words of a crash
            else:
                if self._ready_pattern is None and self._ready_at is None:
                    self._ready()

    def _ready(self) -> None:
        self._ready_at = time.monotonic()
        if self.state is ProcessState.STARTING:
            self._move(ProcessState.RUNNING)
        self._wake.set()

    async def _until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait for the condition; False if `timeout` seconds passed first."""
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            return condition()
        return True

    def _conclude(self, state: ProcessState, reason: str) -> None:
        self._exit_reason = reason
        self._say(f"{state}: {reason}" if reason else str(state))
        self._move(state)

    def _say(self, message: str) -> None:
        self._log.note(message)
        log.info("%s: %s", self.spec.name, message)

    def _move(self, state: ProcessState) -> None:
        if state is not self.state:
            self.state = state
            self._on_change()
