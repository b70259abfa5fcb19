"""When an open transaction counts as what holds messages back, and what is said of each obstacle."""

from __future__ import annotations

import pytest

from clickstream.actions.observe.back_pressure import back_pressure
from clickstream.actions.observe.index_lag import index_lag
from clickstream.actions.observe.journal import compare_obstacles
from clickstream.actions.observe.judge import Judge, Reading
from clickstream.actions.observe.model import BAD, GOOD, LAGGING, OK, STALLED, STOPPED, WARN, ProcessRow
from clickstream.domain.obstacles import (
    COMPACTION,
    FOREIGN_MEMBER,
    OPEN_TRANSACTION,
    ForeignMember,
    PartitionProgress,
    Surroundings,
    held_back,
    is_compacted,
    obstacles,
)
from clickstream.domain.reports import WorkerReport

FOREIGN = {"group": (ForeignMember("group", "app", "10.0.0.9", (0, 2)),), "other": ()}


@pytest.mark.parametrize(
    ("policy", "compacted"),
    [("delete", False), ("compact", True), ("compact,delete", True), ("delete, compact", True), ("", False)],
)
def test_either_place_of_the_word_counts(policy: str, compacted: bool) -> None:
    assert is_compacted({"cleanup.policy": policy}) is compacted


def test_settings_that_cannot_be_read_are_not_known() -> None:
    assert Surroundings("events", "id").compacted is None
    assert not is_compacted({})


@pytest.mark.parametrize(
    ("at", "held"),
    [
        (PartitionProgress(10, 20, 5.0), True),
        (PartitionProgress(10, 20, None), True),  # nothing before the transaction was ever there
        (PartitionProgress(10, 20, 0.5), False),  # a moment ago there was something to store
        (PartitionProgress(9, 20, 5.0), False),  # there is something to read yet
        (PartitionProgress(12, 20, 5.0), True),  # somebody rewound to behind its beginning
        (PartitionProgress(20, 20, 5.0), False),  # nothing waits
    ],
)
def test_a_partition_is_held_where_all_is_stored_that_can_be_read(at: PartitionProgress, held: bool) -> None:
    found = Surroundings("events", "id", unstable={0: 10})
    assert held_back(found, {0: at}) == ({0: 10} if held else {})
    assert held_back(found, {}) == {}
    assert held_back(Surroundings("events", "id"), {0: at}) == {}


def test_the_gravest_comes_first_with_who_what_and_a_cure() -> None:
    found = Surroundings(
        "events", "id", {"cleanup.policy": "compact"}, FOREIGN, {1: 10, 3: 1_000}, {1: "billing", 3: "billing"}
    )
    progress = {
        1: PartitionProgress(10, 20, 5.0),
        2: PartitionProgress(0, 9, 5.0),
        3: PartitionProgress(1_000, 1_007, None),
    }
    compacted, foreign, transaction = obstacles(found, progress)
    assert (compacted.kind, foreign.kind, transaction.kind) == (COMPACTION, FOREIGN_MEMBER, OPEN_TRANSACTION)
    assert "--topic events --add-config cleanup.policy=delete" in compacted.hint
    assert foreign.message.startswith("app on 10.0.0.9 is a member of group group and not a clickstream worker")
    assert (foreign.partitions, foreign.who) == ((0, 2), ("app on 10.0.0.9",))
    assert transaction.message == (
        "a transaction of producer billing is open since offset 10 of partition 1, offset 1,000 of partition 3:"
        " the 17 messages from there on cannot be read before it ends"
    )
    assert (transaction.partitions, transaction.who) == ((1, 3), ("billing",))


def test_a_producer_that_is_not_known_is_not_made_up_and_long_lists_are_short() -> None:
    found = Surroundings("events", "id", unstable=dict.fromkeys(range(12), 5))
    [one] = obstacles(found, dict.fromkeys(range(12), PartitionProgress(5, 6, None)))
    assert one.who == ()
    assert "of another producer is open since offset 5 of partition 0, " in one.message
    assert "and in 9 more partitions: the 12 messages" in one.message
    assert "describe-producers --topic events --partition 0` names it" in one.hint


def test_who_has_no_partition_is_named_all_the_same() -> None:
    foreign = {"group": (ForeignMember("group", "app", "10.0.0.9", ()),)}
    [one] = obstacles(Surroundings("events", "id", foreign=foreign), {})
    assert "has no partition at present" in one.message
    assert Surroundings("events", "id", foreign=foreign).foreign_owners("group") == {}


def test_an_indexers_partition_may_be_a_foreign_members() -> None:
    found = index_lag(
        "group", {}, {0: 0, 2: 0}, {0: 5, 2: 5}, {2: "indexer-0"}, Surroundings("e", "i", foreign=FOREIGN)
    )
    assert [(one.owner, one.foreign_owner) for one in found.partitions] == [
        (None, "app on 10.0.0.9"),
        ("indexer-0", None),  # a report that is older, or a rebalance: ours says so itself
    ]
    other = index_lag("other", {}, {0: 0}, {0: 5}, {}, Surroundings("e", "i", foreign=FOREIGN))
    assert other.partitions[0].foreign_owner is None


@pytest.mark.parametrize(
    ("lag", "owned", "held", "state"),
    [
        (50, True, True, LAGGING),
        (50, True, False, STALLED),
        (50, False, True, STOPPED),  # no consumer would store it when the transaction ends
        (0, True, True, OK),
    ],
)
def test_consumers_do_not_stall_where_a_transaction_is_open(lag: int, owned: bool, held: bool, state: str) -> None:
    reading = Reading(lag=lag, rate_in=0.0, rate_out=0.0, owned=owned, commit_age=60.0, held=held)
    assert Judge().judge(reading)[0] == state


def test_an_idle_consumer_is_held_up_by_the_transaction() -> None:
    report = WorkerReport(0.0, "idle", stages={"idle": 1.0})
    row = ProcessRow("consumer-0", "consumer", "here", True, 1, "running", "idle", partitions=(1,), report=report)
    assert back_pressure(row).bottleneck == ""
    assert back_pressure(row, held={0}).bottleneck == ""
    assert back_pressure(row, held={1}).bottleneck == "transaction"


def test_what_comes_and_goes_is_told_once() -> None:
    now = obstacles(Surroundings("events", "id", foreign=FOREIGN), {})
    [came] = compare_obstacles((), now, 1.0)
    assert (came.level, came.text) == (WARN, now[0].brief)
    assert not list(compare_obstacles(now, now, 2.0))
    [went] = compare_obstacles(now, (), 3.0)
    assert went.level == GOOD
    assert went.level != BAD
