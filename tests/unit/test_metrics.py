"""Prometheus' figures: what each look becomes, that Prometheus can read it, and that dashboards name nothing else."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from clickstream.actions.metrics.families import families
from clickstream.actions.observe.model import (
    ASKING,
    DOWN,
    OK,
    STOPPED,
    UP,
    Figure,
    Frame,
    IndexedPartition,
    IndexLag,
    PartitionRow,
    ProcessRow,
    ServiceRow,
    ServiceState,
    StoredCounts,
    Trend,
)
from clickstream.actions.observe.once import SingleQuestion
from clickstream.actions.observe.poll import Skipped
from clickstream.domain.obstacles import ForeignMember, Surroundings
from clickstream.domain.reports import LATENCY_EDGES_MS, WorkerReport
from tests.changing import replace

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy/monitoring"
NAMED = re.compile(r"\bclickstream_\w+")
AT = 1_748_520_041.0

LATENCIES = (0, 3, *(0,) * (len(LATENCY_EDGES_MS) - 3), 2, 1)
"""Three messages within 7 ms, two within the last edge, one beyond it."""


def row(name: str, role: str, report: WorkerReport | None = None, **figures: Any) -> ProcessRow:
    defaults = {"host": "here", "local": True, "pid": 1, "state": "running", "uptime_seconds": 60.0, "restarts": 2}
    return ProcessRow(name=name, role=role, report=report, **(defaults | {"rss_bytes": 5_000} | figures))


CONSUMER = WorkerReport(
    AT,
    "running",
    active_sessions=7,
    counters={"stored": 90, "late": 6, "duplicates": 8, "rejected": 2, "batches": 4},
    latency_counts=LATENCIES,
    latency_seconds=700.5,
)


def partition(number: int, begin: int, end: int, position: int, commit_age: float | None) -> PartitionRow:
    state = OK if commit_age is not None else STOPPED
    return PartitionRow(
        number, begin, end, position, end - position, 0.0, 0.0, Trend.STEADY, None, state, None, 0.5, commit_age, AT
    )


FULL = Frame(
    at=AT,
    configured=True,
    supervisor=True,
    topic="events",
    addresses=tuple((name, "here") for name in ("kafka", "postgresql", "valkey", "opensearch")),
    services=(
        ServiceRow("kafka", UP, latency_ms=1.5),
        ServiceRow("postgresql", UP, latency_ms=0.5),
        ServiceRow("valkey", UP, latency_ms=0.2),
        ServiceRow("opensearch", UP, latency_ms=4.0),
    ),
    topic_exists=True,
    topic_offsets=((0, 10, 100), (1, 0, 50)),
    partitions=(partition(0, 10, 100, 90, 3.0), partition(1, 0, 50, 0, None)),
    lag=60,
    indexing=IndexLag("index", 90, (IndexedPartition(0, 60, 100, 40, None), IndexedPartition(1, 0, 50, 50, None))),
    active_sessions=14,
    counts=Figure(StoredCounts(1_000, 300, 5, 2, rejected_lines=4), AT),
    surroundings=Surroundings(
        "events",
        "id",
        {"cleanup.policy": "compact,delete"},
        {"consumers": (ForeignMember("consumers", "other", "10.0.0.9", (1,)),), "indexers": ()},
        {0: 93},
    ),
    processes=(
        row("kafka", "server"),
        row("consumer-0", "consumer", CONSUMER),
        row("consumer-0", "consumer", CONSUMER, host="there", local=False, activity="waiting"),
        row("consumer-1", "consumer", state="backoff"),
        row("consumer-2", "consumer", state="stopped"),
        row("producer", "producer", WorkerReport(AT, "running", events=40, counters={"failed": 1})),
    ),
)


class Fixed(Collector):
    """Always the same frame."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def collect(self) -> Iterator[Metric]:
        return families(self._frame, 0.25)


Labels = frozenset[tuple[str, str]]


def samples(frame: Frame) -> dict[tuple[str, Labels], float]:
    """What Prometheus would read: name and labels to value."""
    registry = CollectorRegistry()
    registry.register(Fixed(frame))
    text = generate_latest(registry).decode()
    read = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in read}
    assert len(found) == len(read), "no series twice"
    return found


def value(frame: Frame, name: str, **labels: str) -> float | None:
    return samples(frame).get((name, frozenset(labels.items())))


HERE = {"process": "consumer-0", "role": "consumer", "host": "here"}


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("clickstream_messages_produced_total", {"topic": "events", "partition": "0"}, 100),
        ("clickstream_messages_processed_total", {"topic": "events", "partition": "0"}, 90),
        ("clickstream_messages_processed_total", {"topic": "events", "partition": "1"}, 0),
        ("clickstream_partition_lag_messages", {"topic": "events", "partition": "0"}, 10),
        ("clickstream_partition_lag_messages", {"topic": "events", "partition": "1"}, 50),
        ("clickstream_partition_held_messages", {"topic": "events", "partition": "0"}, 90),
        ("clickstream_partition_last_commit_timestamp_seconds", {"topic": "events", "partition": "0"}, AT - 3),
        ("clickstream_partition_last_commit_timestamp_seconds", {"topic": "events", "partition": "1"}, None),
        ("clickstream_lag_messages", {}, 60),
        ("clickstream_messages_indexed_total", {"topic": "events", "partition": "0"}, 60),
        ("clickstream_index_lag_messages", {"topic": "events", "partition": "1"}, 50),
        ("clickstream_topic_compacted", {"topic": "events"}, 1),
        ("clickstream_group_foreign_members", {"group": "consumers"}, 1),
        ("clickstream_group_foreign_members", {"group": "indexers"}, 0),
        ("clickstream_partition_unstable_messages", {"topic": "events", "partition": "0"}, 7),
        ("clickstream_partition_unstable_messages", {"topic": "events", "partition": "1"}, 0),
        ("clickstream_events_stored_total", {}, 1_000),
        ("clickstream_sessions", {}, 300),
        ("clickstream_active_sessions", {}, 14),
        ("clickstream_rejects_open", {}, 5),
        ("clickstream_rejects_replayed", {}, 2),
        ("clickstream_service_up", {"service": "kafka"}, 1),
        ("clickstream_service_latency_seconds", {"service": "kafka"}, 0.0015),
        ("clickstream_process_up", HERE, 1),
        ("clickstream_process_up", HERE | {"process": "consumer-1"}, 0),
        ("clickstream_process_up", HERE | {"process": "consumer-2"}, None),
        ("clickstream_process_waiting", HERE, 0),
        ("clickstream_process_waiting", HERE | {"host": "there"}, 1),
        ("clickstream_process_start_time_seconds", HERE, AT - 60),
        ("clickstream_process_restarts_total", HERE, 2),
        ("clickstream_process_restarts_total", HERE | {"host": "there"}, None),
        ("clickstream_process_resident_memory_bytes", HERE | {"process": "kafka", "role": "server"}, 5_000),
        ("clickstream_worker_messages_total", HERE | {"outcome": "stored"}, 90),
        ("clickstream_worker_messages_total", HERE | {"outcome": "duplicate"}, 8),
        ("clickstream_worker_late_events_total", HERE, 6),
        ("clickstream_rejected_lines", {}, 4),
        ("clickstream_worker_batches_total", HERE, 4),
        ("clickstream_commit_latency_seconds_bucket", HERE | {"le": "0.005"}, 0),
        ("clickstream_commit_latency_seconds_bucket", HERE | {"le": "0.007"}, 3),
        ("clickstream_commit_latency_seconds_bucket", HERE | {"le": "300.0"}, 5),
        ("clickstream_commit_latency_seconds_bucket", HERE | {"le": "+Inf"}, 6),
        ("clickstream_commit_latency_seconds_count", HERE, 6),
        ("clickstream_commit_latency_seconds_sum", HERE, 700.5),
    ],
)
def test_a_look_becomes_these_figures(name: str, labels: dict[str, str], expected: float | None) -> None:
    assert value(FULL, name, **labels) == expected


def test_what_is_not_known_is_left_out_and_never_zero() -> None:
    down = tuple(replace(one, state=DOWN, latency_ms=None) for one in FULL.services)
    blind = Frame(at=AT, configured=True, topic="events", addresses=FULL.addresses, services=down)
    names = {name for name, _ in samples(blind)}
    assert names == {"clickstream_build_info", "clickstream_look_duration_seconds", "clickstream_service_up"}
    assert value(blind, "clickstream_service_up", service="postgresql") == 0


@pytest.mark.parametrize("state", [DOWN, ASKING])
def test_what_is_remembered_of_a_server_that_does_not_answer_is_left_out(state: ServiceState) -> None:
    services = tuple(replace(one, state=state) if one.name == "postgresql" else one for one in FULL.services)
    without = replace(FULL, services=services)
    assert value(without, "clickstream_lag_messages") is None
    assert value(without, "clickstream_events_stored_total") is None
    assert value(without, "clickstream_messages_produced_total", topic="events", partition="0") == 100


def test_names_follow_prometheus_conventions() -> None:
    for family in families(FULL, 0.25):
        assert family.name.startswith("clickstream_")
        assert family.documentation.endswith(".")
        assert not family.name.endswith(("_total", "_ms", "_milliseconds", "_count"))
        assert family.samples, f"{family.name}: the look of these tests shows every family"


def test_labels_have_few_values() -> None:
    allowed = {"version", "service", "topic", "partition", "process", "role", "host", "outcome", "le", "group"}
    assert {name for _, labels in samples(FULL) for name, _ in labels} <= allowed


def expressions(document: object) -> Iterator[str]:
    """Every PromQL expression in a dashboard or a file of rules."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "expr":
                yield str(value)
            else:
                yield from expressions(value)
    elif isinstance(document, list):
        for one in document:
            yield from expressions(one)


DASHBOARDS = sorted((MONITORING / "grafana/dashboards").glob("*.json"))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_asks_for_nothing_that_we_do_not_tell(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    asked = {name for expression in expressions(dashboard) for name in NAMED.findall(expression)}
    assert len(asked) > 10
    assert asked - {name for name, _ in samples(FULL)} == set()


def test_rules_ask_for_nothing_that_we_do_not_tell() -> None:
    told = {name for name, _ in samples(FULL)}
    for path in MONITORING.glob("*.y*ml"):
        lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
        assert set(NAMED.findall("\n".join(lines))) - told == set(), path.name


def test_dashboards_use_the_source_that_is_provisioned_and_no_place_twice() -> None:
    provisioned = re.findall(r"(?m)^ *uid: (\w+)$", (MONITORING / "grafana/datasources/prometheus.yml").read_text())
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        assert {panel["datasource"]["uid"] for panel in panels} == set(provisioned)
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        places = [
            (x, y)
            for panel in dashboard["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(set(places)) == len(places)
        assert all(0 <= x < 24 for x, _ in places)


def test_a_source_that_hangs_is_asked_once_and_no_one_waits_for_it() -> None:
    asked, hang = [], threading.Event()

    def ask() -> str:
        asked.append(1)
        hang.wait(30)
        return "at last"

    source = SingleQuestion("slow", ask)
    for _ in range(3):
        source.begin()
        assert source.answer(deadline=0.0).value is None
    hang.set()
    assert source.answer(time.monotonic() + 30).value == "at last"
    assert asked == [1]


def test_an_answer_that_fails_says_why_and_the_next_one_counts() -> None:
    answers: list[Any] = [Skipped("off"), RuntimeError("a fault"), RuntimeError("a fault"), "well"]

    def ask() -> str:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return str(answer)

    told: list[str] = []
    source, found = SingleQuestion("moody", ask, told=told.append), []
    for _ in range(4):
        source.begin()
        result = source.answer(time.monotonic() + 30)
        found.append((result.value, result.skipped, result.error))
    fault = "internal error: RuntimeError('a fault')"
    assert found == [(None, "off", ""), (None, "", fault), (None, "", fault), ("well", "", "")]
    assert told == [f"no figures of moody: {fault}"], "said once"


def test_a_dear_question_keeps_its_answer_for_a_while() -> None:
    asked: list[int] = []
    gate = threading.Event()

    def ask() -> int:
        asked.append(1)
        gate.wait(0.01)  # what it takes, so that the next turn is a while away
        return len(asked)

    source = SingleQuestion("dear", ask, share=1e-6)
    for _ in range(3):
        source.begin()
        assert source.answer(time.monotonic() + 30).value == 1
