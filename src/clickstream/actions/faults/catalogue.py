"""Which faults there are, each in a sentence, and which of them a home can have. Injects nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clickstream.config.paths import Home


class FaultKind(StrEnum):
    """What is done."""

    KILL = "kill"
    FREEZE = "freeze"
    STOP = "stop"
    FILL_DISK = "fill-disk"
    CUT = "cut"
    FLUSH = "flush"
    BURST = "burst"
    KILL_SUPERVISOR = "kill-supervisor"


KILL, FREEZE, STOP, FILL_DISK, CUT, FLUSH, BURST, KILL_SUPERVISOR = FaultKind

CONSUMER, PRODUCER, INDEXER, SUPERVISOR = "consumer", "producer", "indexer", "supervisor"
WORKERS: Final = frozenset({CONSUMER, PRODUCER, INDEXER})
"""Roles, each of which several processes may have."""
SERVERS: Final = ("kafka", "postgresql", "valkey")
OPENSEARCH: Final = "opensearch"
"""The server that not every stack has."""

LONGEST_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break something."""

    name: str
    kind: FaultKind
    target: str
    """A role, the name of a server, or for a burst what it consists of."""
    sentence: str
    """What is done, and what should come of it."""
    seconds: float | None = None
    """How long it lasts unless told otherwise; None: it is over at once."""

    @property
    def unavailable(self) -> str:
        """Why it cannot be had on this system; empty where it can."""
        if self.kind == FILL_DISK and sys.platform != "linux":
            return "only Linux can keep a process from writing without filling the real disk"
        return ""


_TITLES: Final = {"kafka": "Kafka", "postgresql": "PostgreSQL", "valkey": "Valkey", OPENSEARCH: "OpenSearch"}
_WAIT: Final = {
    "kafka": "producer and consumers wait",
    "postgresql": "consumers wait, the lag grows",
    "valkey": "all else goes on",
    OPENSEARCH: "indexers wait, all else goes on",
}
_FULL: Final = {
    "kafka": "its log fails, and it ends, until there is room",
    "postgresql": "it panics and recovers until there is room",
    "valkey": "its snapshots fail; it goes on from memory",
    OPENSEARCH: "its index fails, and indexers wait, until there is room",
}


def _server_faults(server: str) -> tuple[Fault, ...]:
    wait, title = _WAIT[server], _TITLES[server]
    whom, when = ("indexers", "mid-bulk") if server == OPENSEARCH else ("consumers", "mid-transaction")
    cut = f"cut the network between the {whom} and {title}, {when}"
    return (
        Fault(f"kill-{server}", KILL, server, f"SIGKILL: it comes back; {wait}"),
        Fault(f"stop-{server}", STOP, server, f"stop it politely, start it again; {wait}", 5.0),
        Fault(f"freeze-{server}", FREEZE, server, f"SIGSTOP: it hangs, connections open; {wait}", 10.0),
        Fault(f"cut-{server}", CUT, server, cut, 8.0),
        Fault(f"fill-disk-{server}", FILL_DISK, server, f"no room on its disk: {_FULL[server]}", 8.0),
    )


FAULTS: Final[tuple[Fault, ...]] = (
    Fault("kill-consumer", KILL, CONSUMER, "SIGKILL in mid-batch: it goes on where PostgreSQL is"),
    Fault("freeze-consumer", FREEZE, CONSUMER, "SIGSTOP: another takes over; back, it must not store twice", 10.0),
    Fault("kill-producer", KILL, PRODUCER, "SIGKILL: it sends its file again; duplicates are dropped"),
    Fault("kill-supervisor", KILL_SUPERVISOR, SUPERVISOR, "SIGKILL: all ends with it; servers and consumers come back"),
    *(fault for server in SERVERS for fault in _server_faults(server)),
    Fault("flush-valkey", FLUSH, "valkey", "empty it: open sessions are read from PostgreSQL again"),
    Fault("burst-bad", BURST, "bad", "messages that are not events: all must be among the rejects"),
    Fault("burst-late", BURST, "late", "new events of known visitors, days before or between their sessions"),
    Fault("burst-doubled", BURST, "doubled", "the last messages of the topic once more: all must be dropped"),
    Fault("burst-huge", BURST, "huge", "messages of a megabyte, deep JSON, terminal escape sequences"),
    Fault("clock-jump", BURST, "clock", "events of a clock that went an hour back, then 50 minutes ahead"),
)
"""Those of every stack."""

SEARCH_FAULTS: Final = (
    Fault("kill-indexer", KILL, INDEXER, "SIGKILL in mid-bulk: what it sends again is there already, and stays one"),
    *_server_faults(OPENSEARCH),
)
"""Those of a stack with OpenSearch."""

ALL_FAULTS: Final = (*FAULTS, *SEARCH_FAULTS)

BY_NAME: Final = {fault.name: fault for fault in ALL_FAULTS}


def list_faults(home: Home) -> tuple[Fault, ...]:
    """Those that the stack of this home can have: those of OpenSearch only where it belongs to the stack.

    Raises ClickstreamError where the stack's memory is damaged.
    """
    from clickstream.stack.layout import load_layout  # noqa: PLC0415 (the help and the palette need the data only)

    layout = load_layout(home)
    return ALL_FAULTS if layout is not None and layout.opensearch else FAULTS
