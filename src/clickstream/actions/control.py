"""How actions and front ends reach the supervisor: a protocol, and how to find or start one.

Knows nothing of sockets; imports them only when asked, so that importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from clickstream.config.paths import Home
from clickstream.domain.processes import ProcessSpec, ProcessState, Snapshot


@dataclass(frozen=True, slots=True)
class StoppedProcesses:
    """What a command stopped."""

    stopped: tuple[str, ...] = ()
    """Names of processes that ran until then."""

    def summary(self) -> str:
        return f"stopped: {', '.join(self.stopped)}" if self.stopped else "nothing was running"


class Control(Protocol):
    """What can be asked of a supervisor. Safe to use from several threads at once.

    Every method raises ClickstreamError when the supervisor has gone or says no; nothing here is a private error.
    """

    def snapshot(self) -> Snapshot: ...

    def start(self, specs: Sequence[ProcessSpec]) -> None:
        """Start these processes; returns once started, not once ready: see wait.

        One that is alive is left as it is: a name never runs twice. One that waits for its restart or is in a final
        state starts again with the new spec.
        """

    def stop(self, names: Sequence[str], *, kill: bool = False) -> None:
        """End these processes, dependants first, and return when they are gone. Unknown names are ignored.

        Args:
            names: what to stop.
            kill: SIGKILL to the process group at once, with no time to finish. Still a stop: nothing is restarted.
        """

    def restart(self, names: Sequence[str]) -> None:
        """Stop, then start with the specs they had. Raises UsageError for an unknown name."""

    def wait(self, names: Sequence[str], states: Collection[ProcessState], timeout: float) -> Snapshot:
        """The first snapshot in which every name is in one of `states`.

        Raises:
            ClickstreamError: one of them reached another final state (with its exit reason), is unknown, or `timeout`
                seconds have passed.
        """

    def remove(self, names: Sequence[str]) -> None:
        """Forget processes in a final state. Unknown names are ignored; raises UsageError for one that still lives."""

    def tell(self, name: str, line: str) -> None:
        """Hand a line to a worker that reports, on its stdin; returns once it lies there, not once it was heeded.

        Raises:
            UsageError: an unknown name, one that takes no lines, or not one short line.
            ClickstreamError: it does not run now, or has not read what it was told before.
        """

    def shutdown(self) -> None:
        """Stop everything, dependants first, and the supervisor itself; returns when it is gone."""

    def watch(self) -> Iterator[Snapshot]:
        """A snapshot at once, then one a second and on every change of state. Ends when the supervisor does."""


def running(home: Home) -> Control | None:
    """The supervisor of this home, or None where none runs."""
    try:
        home.socket.lstat()
    except OSError:
        return None  # at once: the client takes longer to load than the rest of the question
    from clickstream.supervision.client import connect  # noqa: PLC0415 (see the module's docstring)

    return connect(home)


def ensure(home: Home) -> Control:
    """The supervisor of this home; started in the background where none runs.

    Raises:
        ClickstreamError: it cannot be started; with the reason.
    """
    from clickstream.supervision.launch import ensure as launch  # noqa: PLC0415

    return launch(home)
