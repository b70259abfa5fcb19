"""A question in the background: when it is due, that there is one at a time, and what comes of its answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from clickstream.domain.cancellation import Cancellation
from clickstream.domain.errors import ClickstreamError, Interrupted
from clickstream.tui.background import THREAD, BackgroundQuery
from tests.waiting import until


class Asked:
    """A screen's query, with the answers that came."""

    def __init__(self, screen: Screen[None], **limits: float) -> None:
        self.answers = 0
        self.threads: set[int] = set()
        self.may_answer = threading.Event()
        self.query: BackgroundQuery[str] = BackgroundQuery(screen, self.answered, **limits)

    def answered(self) -> None:
        self.answers += 1
        self.threads.add(threading.get_ident())

    def held(self) -> str:
        assert self.may_answer.wait(60)
        return "held"


def with_screen(steps: Callable[[Pilot[None]], Awaitable[None]]) -> None:
    async def run() -> None:
        async with App[None]().run_test() as pilot:
            await steps(pilot)

    asyncio.run(run())


def test_the_answer_comes_to_the_thread_of_the_app() -> None:
    async def steps(pilot: Pilot[None]) -> None:
        asked = Asked(pilot.app.screen)
        asked.query.start(lambda: "yes", 100.0)
        assert asked.query.asking_since == 100.0
        await until(pilot, lambda: asked.answers)
        assert asked.threads == {threading.get_ident()}
        assert asked.query.figure is not None
        assert (asked.query.figure.value, asked.query.figure.at) == ("yes", 100.0)
        assert asked.query.asking_since is None

    with_screen(steps)


def test_there_is_one_question_at_a_time() -> None:
    async def steps(pilot: Pilot[None]) -> None:
        asked = Asked(pilot.app.screen)
        asked.query.start(asked.held, 100.0)
        assert not asked.query.due(900.0, "another")
        asked.query.start(lambda: "second", 101.0)
        asked.may_answer.set()
        await until(pilot, lambda: asked.answers)
        assert asked.query.figure is not None
        assert asked.query.figure.value == "held"

    with_screen(steps)


def test_it_is_due_at_most_so_often_and_when_another_answer_is_likely() -> None:
    async def steps(pilot: Pilot[None]) -> None:
        asked = Asked(pilot.app.screen, every=10.0)
        assert asked.query.due(100.0, "a")
        asked.query.start(lambda: "yes", 100.0, "a")
        await until(pilot, lambda: asked.answers)
        assert not asked.query.due(105.0, "b"), "too soon"
        assert not asked.query.due(200.0, "a"), "the answer stays true"
        assert asked.query.figure is not None
        assert asked.query.figure.at == 200.0
        assert asked.query.due(200.0, "b")
        assert asked.query.due(50.0, "b"), "the clock was set back"

    with_screen(steps)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClickstreamError("PostgreSQL does not answer"), "PostgreSQL does not answer"),
        (PermissionError(13, "Permission denied"), "[Errno 13] Permission denied"),
        (ValueError("oops"), "internal error: ValueError: oops"),
    ],
)
def test_an_error_is_said_and_the_answer_before_stays(error: Exception, words: str) -> None:
    def fail() -> str:
        raise error

    async def steps(pilot: Pilot[None]) -> None:
        asked = Asked(pilot.app.screen)
        asked.query.start(lambda: "yes", 100.0)
        await until(pilot, lambda: asked.answers == 1)
        asked.query.start(fail, 101.0)
        await until(pilot, lambda: asked.answers == 2)
        assert asked.query.error == words
        assert asked.query.figure is not None
        assert asked.query.figure.value == "yes"
        asked.query.start(lambda: "again", 102.0)
        await until(pilot, lambda: asked.answers == 3)
        assert asked.query.error == ""

    with_screen(steps)


@pytest.mark.parametrize("given_up", [False, True], ids=["abandoned", "given-up"])
def test_an_answer_that_is_not_waited_for_is_not_heard(given_up: bool) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        asked = Asked(pilot.app.screen, patience=30.0)
        asked.query.start(asked.held, 100.0)
        if not given_up:
            asked.query.abandon()
        assert asked.query.due(129.0, None) != given_up
        assert asked.query.due(131.0, None)
        asked.query.start(lambda: "second", 131.0)
        await until(pilot, lambda: asked.answers == 1)
        asked.may_answer.set()
        await until(pilot, lambda: not any(one.name == THREAD for one in threading.enumerate()))
        await pilot.pause()
        assert asked.answers == 1
        assert asked.query.figure is not None
        assert asked.query.figure.value == "second"

    with_screen(steps)


def test_a_screen_that_has_gone_hears_no_answer() -> None:
    async def steps(pilot: Pilot[None]) -> None:
        screen: Screen[None] = Screen()
        await pilot.app.push_screen(screen)
        asked = Asked(screen)
        asked.query.start(asked.held, 100.0)
        await pilot.app.pop_screen()
        asked.may_answer.set()
        await until(pilot, lambda: not any(one.name == THREAD for one in threading.enumerate()))
        await pilot.pause()
        assert asked.answers == 0

    with_screen(steps)


def test_what_was_cancelled_is_not_due_until_it_is_asked_for() -> None:
    async def steps(pilot: Pilot[None]) -> None:
        asked, cancellation = Asked(pilot.app.screen), Cancellation()
        begun = threading.Event()

        def question() -> str:
            with cancellation.ending(asked.may_answer.set):
                begun.set()
                asked.held()
            raise Interrupted("cancelled")

        asked.query.start(question, 100.0, cancellation=cancellation)
        await until(pilot, begun.is_set)
        asked.query.cancel()
        await until(pilot, lambda: asked.answers)
        assert asked.query.cancelled
        assert asked.query.error == ""
        assert not asked.query.due(900.0, "another")
        asked.query.start(lambda: "yes", 901.0)
        await until(pilot, lambda: asked.answers == 2)
        assert not asked.query.cancelled

    with_screen(steps)
