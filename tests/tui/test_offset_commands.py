"""`consumer rewind` and `topic resize` from the palette: what to type, the question before it, what is then done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot

from clickstream.actions import rewind
from clickstream.domain.errors import UsageError
from clickstream.domain.target import Target, TopicEnd
from clickstream.tui import runners
from clickstream.tui.commands import BY_NAME
from clickstream.tui.jobs import Job
from tests.changing import replace
from tests.tui import frames
from tests.tui.driving import MakeApp, driven
from tests.waiting import until


@pytest.mark.parametrize(("name", "text"), [("consumer rewind", "earliest"), ("topic resize", "6")])
def test_after_the_text_it_asks_before_it_does_anything(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    done: list[Any] = []

    def run(job: Job) -> str:
        done.append(job.arguments)
        return "done"

    monkeypatch.setitem(BY_NAME, name, replace(BY_NAME[name], run=run))
    app = make_app(frames.running())

    async def steps(pilot: Pilot[None]) -> None:
        app.run_command(name)
        await pilot.pause()
        assert type(app.screen).__name__ == "PromptScreen"
        await pilot.press(*text, "enter")
        await pilot.pause()
        assert type(app.screen).__name__ == "ConfirmScreen"
        assert not done
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(done))

    driven(app, steps)
    assert done == [{"text": text}]


def job(text: str) -> Any:
    return SimpleNamespace(arguments={"text": text}, settings=None, report=lambda *_: None)


@pytest.mark.parametrize(
    ("text", "target", "partition"),
    [
        ("earliest", Target(TopicEnd.EARLIEST), None),
        ("1500 --partition 2", Target(offset=1500), 2),
        ("2015-05-03T03:00:04.384 --partition 0", Target(unix_ms=1_430_622_004_384), 0),
    ],
)
def test_the_text_is_as_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch, text: str, target: Target, partition: int | None
) -> None:
    heard: list[Any] = []

    def act(_: object, to: Target, **rest: Any) -> rewind.RewindResult:
        heard.append((to, rest))
        return rewind.RewindResult("t", (), 7, 1234)

    monkeypatch.setattr(rewind, "rewind", act)
    assert runners.consumer_rewind(job(text)) == (
        "1,234 messages are read again, and nothing is stored twice; "
        "7 messages are skipped; `topic show` lists the gaps"
    )
    assert heard == [(target, {"partition": partition, "may_skip": True})]


@pytest.mark.parametrize("text", ["nowhere", "5 --partition", "5 --partition x"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        runners.consumer_rewind(job(text))
    with pytest.raises(UsageError, match="number of partitions"):
        runners.topic_resize(job(text))
