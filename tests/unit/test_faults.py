"""The catalogue, the time line, what bursts consist of, and what is refused before anything is broken."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clickstream.actions.faults import messages
from clickstream.actions.faults.catalogue import (
    ALL_FAULTS,
    BY_NAME,
    FAULTS,
    OPENSEARCH,
    SEARCH_FAULTS,
    SERVERS,
    list_faults,
)
from clickstream.actions.faults.inject import Injection, document, prepare
from clickstream.actions.faults.proof import Proof
from clickstream.actions.faults.timeline import Step, clock, line
from clickstream.actions.verify.sessions import Verification
from clickstream.config.paths import Home
from clickstream.config.settings import Settings, load_settings
from clickstream.domain.errors import ClickstreamError, UsageError
from clickstream.domain.processes import ProcessState, ProcessStatus, Role, Snapshot
from clickstream.pipeline.events.decode import decode
from clickstream.services.kafka.raw import LARGEST
from clickstream.stack.layout import PORTS, Layout, save_layout
from tests.campaign.truth import as_event
from tests.changing import replace

FINE = Verification(10, 4, 4, 0, 0, 0, 0)
SESSIONS = [(7, 1_430_622_000_000, 1_430_622_900_000), (8, 1_430_700_000_000, 1_430_700_000_000)]


def values(made: list[Any]) -> list[bytes | None]:
    return [message.value for message in made]


def test_every_fault_has_a_name_of_its_own_and_a_sentence() -> None:
    assert len(BY_NAME) == len(ALL_FAULTS)
    assert all(fault.sentence and not fault.sentence.endswith(".") for fault in ALL_FAULTS)
    for server in (*SERVERS, OPENSEARCH):
        assert {f"{how}-{server}" for how in ("kill", "stop", "freeze", "cut", "fill-disk")} <= set(BY_NAME)


def test_faults_of_opensearch_are_listed_where_it_belongs_to_the_stack(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    assert list_faults(home) == FAULTS
    layout = Layout.fresh().with_free_ports(PORTS)
    save_layout(home, layout)
    assert list_faults(home) == FAULTS
    save_layout(home, replace(layout, opensearch=True))
    assert set(list_faults(home)) - set(FAULTS) == set(SEARCH_FAULTS)


def test_the_time_line() -> None:
    steps = [
        Step(1000.26, "through a relay", on_timeline=False),
        Step(1000.25, "killed", "consumer-0"),
        Step(1001.5, "restarted"),
        Step(1006.31, "lag drained"),
        Step(1007.0, "verify: 0 lost, 0 doubled", "12 messages"),
    ]
    assert line(steps) == (
        f"killed {clock(1000.25)} → restarted +1.2 s → lag drained +6.1 s → verify: 0 lost, 0 doubled"
    )
    assert clock(1000.25).endswith(":40.2")


def test_a_step_never_lies_before_the_first() -> None:
    assert line([Step(10.0, "killed"), Step(9.9, "restarted")]).endswith("→ restarted +0.0 s")


def test_an_injection_is_well_when_nothing_is_lost_and_all_came_back() -> None:
    good = Injection("kill-kafka", 0.0, [Step(1.0, "killed")], Proof(FINE, 5, cut=False, lost=0))
    assert good.ok
    assert not replace(good, trouble="kafka does not come back").ok
    assert not replace(good, proof=None).ok
    assert not replace(good, proof=Proof(FINE, 5, cut=False, lost=1, places=["0@3"])).ok
    assert not replace(good, proof=Proof(replace(FINE, duplicate_events=1), 5, cut=False, lost=0)).ok
    assert not replace(good, proof=Proof(replace(FINE, missing=1), 5, cut=False, lost=0)).ok
    assert replace(good, proof=Proof(FINE, 5, cut=False, lost=0, unindexed=0)).ok
    assert not replace(good, proof=Proof(FINE, 5, cut=False, lost=0, unindexed=1)).ok


def test_the_document_holds_the_verdict_the_steps_and_the_proof() -> None:
    found = document(
        Injection(
            "kill-kafka", 0.0, [Step(5.0, "killed", "kafka"), Step(7.5, "back")], Proof(FINE, 5, cut=True, lost=0)
        )
    )
    assert json.loads(json.dumps(found)) == found
    assert found["ok"] is True
    assert [step["after_seconds"] for step in found["steps"]] == [0.0, 2.5]
    assert (found["lost"], found["doubled"], found["messages_checked"]) == (0, 0, 5)
    assert found["all_messages_checked"] is False
    assert found["verify"]["ok"] is True


def test_what_could_not_be_proved_is_not_called_nothing_lost() -> None:
    found = document(Injection("kill-kafka", 0.0, [Step(5.0, "killed")], None, "kafka does not come back"))
    assert (found["ok"], found["lost"], found["doubled"]) == (False, None, None)
    assert found["time_line"].endswith("→ kafka does not come back")


def test_a_burst_of_bad_messages_has_no_event_in_it() -> None:
    made = values(messages.bad(random.Random(1), 3_000))
    events, faults = decode(made)
    assert len(events) == 0
    assert len(faults) == 3_000
    assert None in made


def test_late_events_are_all_events_and_keyed_by_their_visitor() -> None:
    made = messages.late(random.Random(1), SESSIONS, 500)
    events, faults = decode(values(made))
    assert not faults
    assert [message.key for message in made] == [str(visitor).encode() for visitor in events.visitor_id]
    assert np.any(events.time_ms < SESSIONS[0][1] - messages.DAY_MS)


def test_bursts_need_nothing_stored_yet() -> None:
    for made in (messages.late(random.Random(1), [], 50), messages.clock(random.Random(1), [], 10**12, 50)):
        assert not decode(values(made))[1]


def test_a_clock_that_jumped_goes_back_an_hour_and_then_ahead_within_what_kafka_takes() -> None:
    now = 1_748_520_041_000
    made = messages.clock(random.Random(1), SESSIONS, now, 100)
    assert {message.timestamp_ms for message in made} == {now - messages.HOUR_MS, now + messages.AHEAD_MS}
    assert messages.AHEAD_MS < messages.HOUR_MS
    assert not decode(values(made))[1]


def test_huge_messages_are_as_large_as_kafka_takes_and_the_events_among_them_are_keyed_right() -> None:
    made = messages.huge(random.Random(1))
    sizes = [len(message.value or b"") for message in made]
    assert max(sizes) <= LARGEST - messages.OVERHEAD
    assert sum(size > 0.99 * (LARGEST - messages.OVERHEAD) for size in sizes) >= 10
    found = [(message.key, event) for message in made if (event := as_event(message.value)) is not None]
    assert found
    assert all(key == str(event.visitor_id).encode() for key, event in found)
    assert any(b"\\u001b" in (message.value or b"") or b"\x1b" in (message.value or b"") for message in made)


@pytest.mark.parametrize("payload", [value for value in messages._WORST if value is not None])
def test_two_readings_of_the_contract_agree_on_what_is_not_an_event(payload: bytes) -> None:
    assert as_event(payload) is None


def embedded() -> Settings:
    return load_settings()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("kill-everything", {}, "no fault is called kill-everything"),
        ("kill-kafka", {"seconds": 3.0}, "over at once"),
        ("freeze-kafka", {"seconds": 0.0}, "may last up to"),
        ("freeze-kafka", {"seconds": 601.0}, "may last up to"),
    ],
)
def test_wrong_use_is_refused_before_anything_is_broken(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        prepare(embedded(), name, **options)


def test_servers_of_ones_own_are_never_broken() -> None:
    with pytest.raises(UsageError, match="embedded stack only"):
        prepare(replace(embedded(), embedded=False), "kill-kafka")


def test_where_nothing_runs_there_is_nothing_to_break() -> None:
    with pytest.raises(ClickstreamError, match="nothing runs here"):
        prepare(embedded(), "kill-kafka")


def running(monkeypatch: pytest.MonkeyPatch, **roles: Role) -> None:
    """A supervisor that has these processes."""
    processes = tuple(ProcessStatus(name, role, ProcessState.RUNNING, 1) for name, role in roles.items())
    control = type("Stub", (), {"snapshot": lambda _: Snapshot(0.0, 1, processes)})()
    monkeypatch.setattr("clickstream.actions.faults.context.running", lambda home: control)


def test_opensearch_is_broken_only_where_it_can_be_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    running(monkeypatch, c=Role.CONSUMER)
    with pytest.raises(UsageError, match=r"has no OpenSearch .*stack up --opensearch"):
        prepare(embedded(), "kill-opensearch")
    running(monkeypatch, c=Role.CONSUMER, opensearch=Role.SERVER)
    with pytest.raises(UsageError, match=r"OPENSEARCH_ENABLED is false \(default\)"):
        prepare(embedded(), "kill-opensearch")
    monkeypatch.setenv("OPENSEARCH_ENABLED", "true")
    with pytest.raises(UsageError, match="no indexer is running"):
        prepare(embedded(), "cut-opensearch")
    with pytest.raises(UsageError, match="no indexer is running"):
        prepare(embedded(), "kill-indexer")
    running(monkeypatch, c=Role.CONSUMER, opensearch=Role.SERVER, i=Role.INDEXER)
    assert prepare(embedded(), "cut-opensearch").seconds > 0
    assert prepare(embedded(), "kill-indexer").victim().name == "i"


def test_filling_a_disk_is_for_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(UsageError, match="only Linux"):
        prepare(embedded(), "fill-disk-kafka")


def test_the_list_loads_no_driver(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = (
        "import sys; from clickstream.actions.faults.catalogue import FAULTS; "
        "assert not {'confluent_kafka', 'psycopg', 'valkey', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)
