"""Journal entries: finds what changed between two successive states of the processes or the services. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clickstream.actions.observe.model import (
    BAD,
    DOWN,
    GOOD,
    INFO,
    TITLES,
    UP,
    WARN,
    JournalEntry,
    ServiceRow,
    Severity,
)
from clickstream.domain.obstacles import COMPACTION, FOREIGN_MEMBER, OPEN_TRANSACTION, Obstacle
from clickstream.domain.processes import FINAL_STATES, ProcessState, ProcessStatus, Role, Snapshot


class ProcessDiary:
    """Follows the supervisor's snapshots, and remembers when each process died, to tell how long it was away."""

    def __init__(self) -> None:
        self._before: Snapshot | None = None
        self._died: dict[str, float] = {}

    def read(self, now: Snapshot) -> list[JournalEntry]:
        """What changed since the snapshot before; nothing at the first one, or after another supervisor's."""
        before, self._before = self._before, now
        if before is None or before.supervisor_pid != now.supervisor_pid:
            self._died.clear()
            return []
        told = [process for process in now.processes if process.role is not Role.FAULT]  # what injected one tells of it
        found = [self._changed(before.get(process.name), process, now.at) for process in told]
        return _folded([entry for entry in found if entry is not None])

    def gone(self, at: float) -> list[JournalEntry]:
        """The supervisor has gone."""
        before, self._before = self._before, None
        self._died.clear()
        return [JournalEntry(at, INFO, "the supervisor has ended, and all that it ran")] if before else []

    def _changed(self, before: ProcessStatus | None, now: ProcessStatus, at: float) -> JournalEntry | None:
        if before is not None and before.state is now.state and before.restarts == now.restarts:
            return None
        reason = now.exit_reason or "no reason given"
        if now.state is ProcessState.BACKOFF:
            self._died.setdefault(now.name, at)
            return JournalEntry(at, BAD, f"{now.name} died: {reason}", mark=True)
        if now.state is ProcessState.RUNNING:
            return self._running(before, now, at)
        if now.state in FINAL_STATES:
            self._died.pop(now.name, None)
        if now.state is ProcessState.FAILED:
            return JournalEntry(at, BAD, f"{now.name} failed for good: {reason}", mark=True)
        return _ended(before, now, at)

    def _running(self, before: ProcessStatus | None, now: ProcessStatus, at: float) -> JournalEntry:
        died = self._died.pop(now.name, None)
        restarted = before is not None and now.restarts > before.restarts
        if died is not None:
            return JournalEntry(at, GOOD, f"{now.name} is back after {at - died:.1f} s", mark=True)
        if restarted:  # both ends lie between two snapshots
            return JournalEntry(at, WARN, f"{now.name} died ({now.exit_reason}) and is back", mark=True)
        return JournalEntry(at, INFO, f"{now.name} started")


def _ended(before: ProcessStatus | None, now: ProcessStatus, at: float) -> JournalEntry | None:
    if now.state is ProcessState.FINISHED:
        sent = f", {now.report.events:,} events" if now.report and now.report.events else ""
        return JournalEntry(at, GOOD, f"{now.name} finished{sent}", mark=True)
    if now.state is ProcessState.STOPPED and before is not None:
        return JournalEntry(at, INFO, f"{now.name} stopped")
    return None


def compare_services(before: Iterable[ServiceRow], now: Iterable[ServiceRow], at: float) -> Iterator[JournalEntry]:
    """Services that went or came back."""
    earlier = {row.name: row for row in before}
    for row in now:
        was = earlier.get(row.name)
        if was is None or was.state == row.state:
            continue
        title = TITLES[row.name]
        if row.state == DOWN and was.state == UP:
            yield JournalEntry(
                at, BAD, f"{title} does not answer" if row.silent else f"{title}: {row.error}", mark=True
            )
        elif row.state == UP and was.state == DOWN:
            away = f" after {at - was.since:.0f} s" if was.since else ""
            yield JournalEntry(at, GOOD, f"{title} answers again{away}", mark=True)


_OVER = {
    COMPACTION: "the topic is not compacted any more",
    FOREIGN_MEMBER: "no foreign member is in the group any more",
    OPEN_TRANSACTION: "no open transaction holds messages back any more",
}


def compare_obstacles(before: Iterable[Obstacle], now: Iterable[Obstacle], at: float) -> Iterator[JournalEntry]:
    """Kinds of obstacles that came or went."""
    earlier, later = {one.kind: one for one in before}, {one.kind: one for one in now}
    for kind, over in _OVER.items():
        if kind in later and kind not in earlier:
            yield JournalEntry(at, WARN, later[kind].brief, mark=True)
        elif kind in earlier and kind not in later:
            yield JournalEntry(at, GOOD, over, mark=True)


SAME_MOMENT = 2.0
"""Seconds within which the same thing that befalls several processes is one line."""


def joined(before: JournalEntry, now: JournalEntry) -> JournalEntry | None:
    """Both in one line, where the same befell other processes a moment ago; else None."""
    names, _, what = now.text.rpartition(" ")
    earlier, _, same = before.text.rpartition(" ")
    if what not in {"started", "stopped"} or (what, now.level) != (same, before.level) or "demo" in earlier:
        return None
    return (
        JournalEntry(before.at, now.level, f"{earlier}, {names} {what}") if now.at - before.at < SAME_MOMENT else None
    )


def _folded(found: list[JournalEntry]) -> list[JournalEntry]:
    """Several processes that started or stopped at once share a line: `consumer-0, consumer-1 started`."""
    lines: dict[tuple[Severity, str], list[JournalEntry]] = {}
    for entry in found:
        _, _, what = entry.text.partition(" ")
        lines.setdefault((entry.level, what), []).append(entry)
    folded = []
    for (level, what), entries in lines.items():
        names = ", ".join(entry.text.partition(" ")[0] for entry in entries)
        folded.append(JournalEntry(entries[0].at, level, f"{names} {what}", mark=entries[0].mark))
    return folded
