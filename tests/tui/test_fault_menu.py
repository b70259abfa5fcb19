"""The menu of faults, and what a fault tells under "what happened"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clickstream.actions.faults import inject as action
from clickstream.actions.faults.inject import Injection
from clickstream.actions.faults.proof import Proof
from clickstream.actions.faults.timeline import Step
from clickstream.actions.observe.model import BAD, GOOD, Frame
from clickstream.services.postgres.verify import Verification
from clickstream.tui.screens.choose import ChooseScreen
from clickstream.tui.screens.faults import choices_of
from tests.changing import replace
from tests.tui import frames
from tests.tui.driving import MakeApp, driven, notices, until_idle
from tests.waiting import until

FINE = Proof(Verification(10, 4, 4, 0, 0, 0, 0), 7, cut=False, lost=0)


def names(frame: Frame) -> list[str]:
    return [choice.id.partition(":")[2] for choice in choices_of(frame) if choice.id.startswith("faults inject:")]


def without(frame: Frame, gone: Callable[[Any], bool]) -> Frame:
    return replace(frame, processes=tuple(row for row in frame.processes if not gone(row)))


def test_the_menu_offers_what_can_be_broken_now() -> None:
    frame = frames.running()
    assert {"kill-consumer", "kill-producer", "kill-supervisor", "cut-kafka", "burst-late"} <= set(names(frame))
    assert "kill-producer" not in names(without(frame, lambda row: row.role == "producer"))
    assert not any("valkey" in name for name in names(without(frame, lambda row: row.name == "valkey")))


@pytest.mark.parametrize(
    "frame",
    [
        frames.empty(),
        without(frames.running(), lambda row: row.role == "consumer"),
        replace(frames.running(), embedded=False),
    ],
)
def test_where_nothing_could_drain_or_nothing_is_ours_nothing_is_offered(frame: Frame) -> None:
    assert choices_of(frame) == []


def test_what_holds_is_not_offered_again_but_its_end_is() -> None:
    frame = frames.running()
    [consumer] = [row for row in frame.processes if row.name == "consumer-0"]
    minder = replace(consumer, name="fault-freeze-postgresql", role="fault", partitions=())
    held = replace(frame, processes=(*frame.processes, minder))
    assert "freeze-postgresql" not in names(held)
    assert choices_of(held)[0].id == "worker stop:fault-freeze-postgresql"


def test_a_cut_that_holds_is_called_by_its_name() -> None:
    frame = frames.running()
    [consumer] = [row for row in frame.processes if row.name == "consumer-0"]
    relay, minder = (
        replace(consumer, name=name, role="fault", partitions=()) for name in ("kafka-relay", "fault-stop-kafka-relay")
    )
    held = replace(frame, processes=(*frame.processes, relay, minder))
    assert "cut-kafka" not in names(held)
    assert "stop-kafka" in names(held)
    assert choices_of(held)[0].label == "end cut-kafka"


@pytest.mark.parametrize("command", ["faults list", "faults inject"])
def test_the_palette_s_commands_open_the_menu(make_app: MakeApp, command: str) -> None:
    app = make_app(frames.running())

    async def drive(pilot: Any) -> None:
        app.run_command(command)
        await until_idle(pilot)
        assert isinstance(app.screen, ChooseScreen)

    driven(app, drive)


def test_a_read_only_session_may_look_and_not_strike(make_app: MakeApp) -> None:
    app = make_app(frames.running(), read_only=True)

    async def drive(pilot: Any) -> None:
        app.run_command("faults list")
        await until_idle(pilot)
        await pilot.press("enter")
        await until_idle(pilot)
        assert app.job is None
        assert "read-only" in notices(app)[-1][1]

    driven(app, drive)


def injecting(monkeypatch: pytest.MonkeyPatch, steps: list[Step], proof: Proof | None, trouble: str = "") -> None:
    def inject(_settings: object, name: str, *, note: Callable[[Step], None], **_: object) -> Injection:
        for step in steps:
            note(step)
        return Injection(name, 0.0, steps, proof, trouble)

    monkeypatch.setattr(action, "inject", inject)


def test_each_step_is_told_and_marked_as_it_happens(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        Step(frames.NOW, "through a relay", "the consumers", on_timeline=False),
        Step(frames.NOW, "killed", "consumer-0, process 7", BAD),
        Step(frames.NOW + 1.2, "restarted", "consumer-0", GOOD),
        Step(frames.NOW + 3, "verify: 0 lost, 0 doubled", "7 messages read back", GOOD),
    ]
    injecting(monkeypatch, steps, FINE)
    app = make_app(frames.running())

    async def drive(pilot: Any) -> None:
        await pilot.press("K")
        await until_idle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: notices(app))
        [(severity, message)] = notices(app)
        assert "restarted +1.2 s → verify: 0 lost, 0 doubled" in message
        assert severity == "information"

    driven(app, drive)
    source: Any = app.source
    assert [(entry.level, entry.mark) for entry in source.told] == [
        ("info", False), (BAD, True), (GOOD, True), (GOOD, True),
    ]  # fmt: skip
    assert source.told[1].text == "killed (consumer-0, process 7)"
    assert source.verifications == [FINE.verification]


def test_what_did_not_come_back_is_an_error(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    injecting(monkeypatch, [Step(frames.NOW, "killed", "kafka", BAD)], None, "kafka does not come back")
    app = make_app(frames.running())

    async def drive(pilot: Any) -> None:
        app.run_command("faults inject", {"name": "kill-kafka"})
        await until(pilot, lambda: notices(app))
        [(severity, message)] = notices(app)
        assert severity == "error"
        assert "kafka does not come back" in message

    driven(app, drive)
