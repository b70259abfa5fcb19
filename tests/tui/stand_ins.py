"""What answers in the place of PostgreSQL, the files, Kafka and the doctor, and what stands in the logs."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from clickstream.actions.config.check import Check
from clickstream.actions.funnel import OrderedFunnel
from clickstream.actions.rejects import replay as rejects_replay
from clickstream.actions.rejects.listing import PREVIEW, Listing, Reject
from clickstream.actions.sessions import Visitor
from clickstream.config.settings import Settings
from clickstream.domain.cancellation import Cancellation
from clickstream.domain.errors import ClickstreamError, Interrupted
from clickstream.services.postgres.rejects import RejectKey
from tests.tui import funnel_figures

LINES = {
    "consumer-0": [
        "--- 2025-05-29T11:59:58.233Z supervisor: started, pid 4210",
        "2025-05-29T11:59:59.877Z INFO consumer-0: assigned: partitions [0]",
        "2025-05-29T12:00:10.000Z WARNING consumer-0: Waiting: PostgreSQL does not answer: connection refused",
        "2025-05-29T12:00:12.000Z INFO consumer-0: PostgreSQL is back",
        "2025-05-29T12:00:30.000Z INFO consumer-0: \x1b[31mred\x1b[0m [bold]markup[/bold] \x07 漢字 " + "long " * 40,
    ],
    "consumer-1": [
        "2025-05-29T12:00:11.500Z ERROR consumer-1: no such thing",
        "Traceback (most recent call last):",
        '\tFile "x.py", line 1',
        "--- 2025-05-29T12:00:12.600Z supervisor: crashed: killed by signal 9; restarted in 1.2 s",
    ],
    "kafka": ["[2025-05-29 11:59:57,001] INFO [KafkaRaftServer nodeId=1] Kafka Server started (kafka.server)"],
    "postgresql": [
        '2025-05-29 12:00:11.900 UTC [77] ERROR:  relation "nothing" does not exist at character 15',
        "2025-05-29 12:00:11.900 UTC [77] STATEMENT:  select * from nothing",
    ],
    "valkey": ["28954:M 29 May 2025 12:00:00.231 * Background saving started by pid 19601"],
}

COUNT = sum(map(len, LINES.values()))


def write(folder: Path, name: str, lines: list[str]) -> None:
    with (folder / f"{name}.log").open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


FOUND = [
    Check("kafka", "ok", "127.0.0.1:43121: 1 broker, 1.2 ms"),
    Check("topic", "warn", "clickstream-events has 3 partitions, KAFKA_EVENTS_TOPIC_PARTITIONS is 6",
          "the setting counts only when the topic is created; `clickstream data reset` recreates it, empty"),
    Check("postgresql", "failed", "PostgreSQL refused: password authentication failed for user [bold]\x1b[31mx",
          "check PG_USER and PG_PASSWORD"),
    Check("valkey", "ok", "127.0.0.1:43123: 9.1.2, 0.2 ms"),
    Check("data file", "ok", "data/events.csv: 92.7 MB"),
    Check("disk", "ok", "52.1 GB free"),
    Check("supervisor", "ok", "runs, 7 processes"),
]  # fmt: skip


class Doctor:
    """Stands in for config_check.check; finds what it is told when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.may = threading.Event()
        self.may.set()

    def check(self, settings: Settings) -> list[Check]:
        self.asked += 1
        assert self.may.wait(60)
        if self.error:
            raise self.error
        return FOUND


class Database:
    """Answers in PostgreSQL's place, and counts what it was asked."""

    def __init__(self) -> None:
        self.breakdowns = 0
        self.counts = 0
        self.holds: threading.Event | None = None
        """While it is there and not set, the ordered funnel is not answered."""
        self.asked = threading.Event()
        self.error: ClickstreamError | None = None

    def breakdown(self, _: object) -> Any:
        self.breakdowns += 1
        if self.error:
            raise self.error
        return funnel_figures.breakdown()

    def ordered_funnel(self, _: object, cancellation: Cancellation) -> OrderedFunnel:
        self.counts += 1
        if self.error:
            raise self.error
        if self.holds is not None:
            with cancellation.ending(self.holds.set):
                self.asked.set()
                assert self.holds.wait(60)
            if cancellation.wanted:
                raise Interrupted("cancelled")
        return funnel_figures.ordered()

    def show(self, _: object, visitor_id: int) -> Visitor:
        found = funnel_figures.visitor()
        return found if visitor_id == found.visitor_id else Visitor(visitor_id, [], [])


ESCAPES = b"\x1b[31m\x1b]0;owned\x07[bold]not bold[/bold] [/] \xff\x00\r\n\xe2\x80\xae" + b"x" * 300

EVENT = b'{"timestamp": 1433221332117, "visitor_id": 257597, "event": "view", "item_id": 355908}'


def message(offset: int, reason: str, payload: bytes | None, partition: int = 1) -> Reject:
    return Reject(
        id=f"p{partition}@{offset}",
        source="messages",
        reason=reason,
        where="clickstream-events",
        partition=partition,
        position=offset,
        at=f"2025-05-29T11:59:{offset % 60:02d}.000Z",
        key=b"257597",
        payload=payload,
        size=len(payload or b""),
        replayed_at=None,
        origin=RejectKey("topic-id", partition, offset),
    )


def line(number: int, reason: str, payload: bytes) -> Reject:
    made = message(number, reason, payload)
    run = "20250529T115807Z-4201"
    return replace(
        made, id=f"csv:{run}:{number}", source="csv", where=f"{run}.rejects.csv", partition=None, key=None,
    )  # fmt: skip


ALL = [
    message(412_103, "Invalid enum value 'buy' - at `$.event`", EVENT.replace(b"view", b"buy")),
    message(98_004, r"JSON is malformed: invalid character (byte 0): \x1b", ESCAPES, 0),
    message(3_001, "no value", None, 2),
    message(2_999, "Object missing required field `item_id`", EVENT[:60] + b"}", 2),
    line(1_204, "timestamp is not a whole number: 'yesterday'", b"yesterday,257597,view,355908,"),
    line(17, "5 fields expected, found 1", "so weit, so schlecht: 漢字 é".encode()),
    *(message(1_000 + n, "JSON is malformed: trailing characters (byte 87)", EVENT + b"!" * n, 0) for n in range(30)),
]


class Store:
    """What stands in for PostgreSQL, the files and Kafka."""

    def __init__(self) -> None:
        self.rejects = list(ALL)
        self.problem = ""
        self.error: Exception | None = None
        self.asked = 0
        self.sent: list[tuple[list[str], bytes | None]] = []
        self.discarded: list[str] = []

    def listing(self, settings: Any, *, limit: int = 100, **_: Any) -> Listing:
        self.asked += 1
        if self.error:
            raise self.error
        previews = [replace(one, payload=one.payload and one.payload[:PREVIEW]) for one in self.rejects]
        lines = sum(one.source == "csv" for one in previews)
        return Listing(previews[:limit], len(previews), self.problem, lines)

    def find(self, settings: Any, id_: str, *, first: int) -> Reject:
        one = next(one for one in self.rejects if one.id == id_)
        return replace(one, payload=one.payload and one.payload[:first])

    def replay(self, settings: Any, ids: list[str], *, corrected: bytes | None = None) -> rejects_replay.Replay:
        self.sent.append((ids, corrected))
        self.rejects = [one for one in self.rejects if one.id not in ids]
        return rejects_replay.Replay(replayed=ids)

    def discard(self, settings: Any, ids: list[str]) -> int:
        self.discarded += ids
        self.rejects = [one for one in self.rejects if one.id not in ids]
        return len(ids)
