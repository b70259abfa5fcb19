"""The one most important thing."""

from __future__ import annotations

import pytest

from clickstream.actions.observe.model import ASKING, DOWN, OFF, STALLED, Frame
from clickstream.domain.obstacles import compaction
from clickstream.tui.drawing.headline import flow, headline
from tests.changing import replace
from tests.tui import frames


def with_service(frame: Frame, name: str, state: str, error: str = "") -> Frame:
    rows = tuple(replace(row, state=state, error=error) if row.name == name else row for row in frame.services)
    return replace(frame, services=rows)


def stalled() -> Frame:
    frame = frames.running()
    return replace(frame, partitions=(replace(frame.partitions[0], state=STALLED), *frame.partitions[1:]))


def compacted() -> Frame:
    """Whatever else is in the way."""
    frame = frames.obstructed()
    return replace(frame, obstacles=(compaction("events", {"cleanup.policy": "compact"}), *frame.obstacles))


def without_consumers() -> Frame:
    frame = frames.running()
    rows = tuple(row for row in frame.processes if row.role != "consumer")
    return replace(frame, processes=rows, stored_per_second=0.0)


@pytest.mark.parametrize(
    ("frame", "words", "hint", "word"),
    [
        (frames.empty(), "Nothing runs.", "d demo", "nothing runs"),
        (frames.service_gone(), "PostgreSQL does not answer since 12 s", "6 logs", "trouble"),
        (with_service(frames.running(), "valkey", DOWN), "Valkey does not answer", "6 logs", "trouble"),
        (with_service(frames.running(), "kafka", ASKING, "starting"), "Kafka: starting", "", "starting"),
        (frames.worker_dead(), "consumer-1 died (killed by SIGKILL)", "2 workers", "restarting"),
        (stalled(), "partition 0: nothing is stored", "3 partitions", "stalled"),
        (frames.obstructed(), "foreign client reporting-app on 10.0.0.9 has partition 0", "3 partitions", "behind"),
        (compacted(), "the topic is compacted: Kafka removes unread messages", "3 partitions", "behind"),
        (without_consumers(), "56,035 messages wait in Kafka and no consumer runs", "s start", "behind"),
        (frames.running(), "58.9 k/s stored, 56,035 behind and growing", "3 partitions", "behind"),
        (frames.done(), "All is stored: 2,756,101 events sent, lag 0.", "v verify", "idle"),
        (replace(frames.done(), counts=None), "Consumers are idle", "s start", "idle"),
        (replace(frames.running(), problem="PG_PORT: wrong"), "settings: PG_PORT: wrong", "7 settings", "behind"),
        (with_service(frames.running(), "opensearch", DOWN), "OpenSearch does not answer", "6 logs", "trouble"),
        (with_service(frames.done(), "opensearch", OFF), "All is stored", "v verify", "idle"),
    ],
)
def test_the_gravest_comes_first(frame: Frame, words: str, hint: str, word: str) -> None:
    found = headline(frame)
    assert found.text.startswith(words)
    assert hint in found.hint
    assert flow(frame).word == word
