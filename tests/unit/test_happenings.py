"""What is read off two pictures in a row."""

from __future__ import annotations

from clickstream.actions.observe.journal import ProcessDiary, compare_services, joined
from clickstream.actions.observe.model import BAD, DOWN, GOOD, INFO, UP, WARN, JournalEntry, ServiceRow
from clickstream.domain.processes import ProcessState, ProcessStatus, Role, Snapshot


def snapshot(at: float, *processes: ProcessStatus, pid: int = 1) -> Snapshot:
    return Snapshot(at, pid, processes)


def consumer(number: int, state: ProcessState, restarts: int = 0, reason: str = "") -> ProcessStatus:
    return ProcessStatus(f"consumer-{number}", Role.CONSUMER, state, restarts=restarts, exit_reason=reason)


RUNNING, BACKOFF, STOPPED = ProcessState.RUNNING, ProcessState.BACKOFF, ProcessState.STOPPED


def test_the_first_picture_is_not_news() -> None:
    assert ProcessDiary().read(snapshot(1, consumer(0, ProcessState.FAILED))) == []


def test_another_supervisor_is_a_first_picture() -> None:
    diary = ProcessDiary()
    diary.read(snapshot(1, consumer(0, RUNNING)))
    assert diary.read(snapshot(2, consumer(0, STOPPED), pid=2)) == []


def test_a_death_and_the_return_with_the_time_between() -> None:
    diary = ProcessDiary()
    diary.read(snapshot(1, consumer(0, RUNNING)))
    died = diary.read(snapshot(10, consumer(0, BACKOFF, reason="killed by SIGKILL")))
    assert [(entry.level, entry.text, entry.mark) for entry in died] == [
        (BAD, "consumer-0 died: killed by SIGKILL", True)
    ]
    assert diary.read(snapshot(10.5, consumer(0, ProcessState.STARTING, restarts=1))) == []
    back = diary.read(snapshot(11.2, consumer(0, RUNNING, restarts=1)))
    assert [(entry.level, entry.text) for entry in back] == [(GOOD, "consumer-0 is back after 1.2 s")]


def test_a_death_between_two_pictures_is_not_missed() -> None:
    diary = ProcessDiary()
    diary.read(snapshot(1, consumer(0, RUNNING)))
    found = diary.read(snapshot(2, consumer(0, RUNNING, restarts=1, reason="killed by SIGKILL")))
    assert [(entry.level, entry.text) for entry in found] == [(WARN, "consumer-0 died (killed by SIGKILL) and is back")]


def test_what_befalls_several_at_once_is_one_line() -> None:
    diary = ProcessDiary()
    diary.read(snapshot(1))
    found = diary.read(snapshot(2, consumer(0, RUNNING), consumer(1, RUNNING)))
    assert [entry.text for entry in found] == ["consumer-0, consumer-1 started"]


def test_the_end_of_the_supervisor_is_told_once() -> None:
    diary = ProcessDiary()
    diary.read(snapshot(1, consumer(0, RUNNING)))
    assert len(diary.gone(2)) == 1
    assert diary.gone(3) == []


def test_one_line_for_the_same_thing_a_moment_later() -> None:
    one, two = JournalEntry(1.0, INFO, "consumer-0 stopped"), JournalEntry(1.5, INFO, "consumer-1 stopped")
    both = joined(one, two)
    assert both is not None
    assert both.text == "consumer-0, consumer-1 stopped"
    assert joined(one, JournalEntry(9.0, INFO, "consumer-1 stopped")) is None
    assert joined(one, JournalEntry(1.5, INFO, "consumer-1 started")) is None


def test_services_that_go_and_come_back() -> None:
    up, down = ServiceRow("kafka", UP, since=1), ServiceRow("kafka", DOWN, since=10)
    assert [entry.text for entry in compare_services([up], [down], 10)] == ["Kafka does not answer"]
    assert [entry.text for entry in compare_services([down], [up], 22)] == ["Kafka answers again after 12 s"]
    assert list(compare_services([down], [down], 30)) == []
