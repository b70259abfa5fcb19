"""One key is told from a burst of them, by the times at which they arrived; no clock runs here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from clickstream.tui.bursts import CALM, Bursts

QUIET = 0.25
"""Which sums have exactly, as the gaps below."""

GAPS = [0.0, 0.125, 0.25, 0.375, 0.5, 1.0]


@dataclass
class Scene:
    """Inputs at their times, timers that run late by `late`, and what was done and refused."""

    late: float = 0.0
    quiet: float = QUIET
    timers: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    now: float = 0.0
    number: int = 0

    def __post_init__(self) -> None:
        self.bursts = Bursts(self.quiet, self.later, lambda: self.refused.append(self.number))

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        self.timers.append((self.now + seconds + self.late, do))

    def until(self, at: float) -> None:
        for due, do in [timer for timer in self.timers if timer[0] < at]:
            self.timers.remove((due, do))
            self.now = due
            do()
        self.now = at

    def press(self, key: str, at: float, *, text: bool = False) -> None:
        """A key that asks for something, which has this press's number."""
        self.until(at)
        self.number += 1
        self.bursts.note(key, at, text=text)
        self.bursts.act(lambda number=self.number: self.done.append(number))

    def paste(self, at: float, *, text: bool = False) -> None:
        self.until(at)
        self.bursts.note_paste(at, text=text)

    def end(self) -> None:
        self.until(float("inf"))


@given(
    st.lists(st.tuples(st.sampled_from("djx"), st.sampled_from(GAPS), st.booleans()), max_size=12),
    st.sampled_from([0.0, 0.125, 2.0]),
)
@example([("d", 1.0, False), ("x", 0.125, False), ("d", 0.375, False), ("d", 0.5, False)], 2.0)
def test_only_what_was_asked_for_by_one_key_alone_is_done(presses: list[tuple[str, float, bool]], late: float) -> None:
    scene, times, at = Scene(late), [], 0.0
    for key, gap, text in presses:
        at += gap
        times.append(at)
        scene.press(key, at, text=text)
    scene.end()

    apart = [later - earlier >= QUIET for earlier, later in pairwise(times)]
    bursts = [
        time
        for time, alone, (key, _, text), (before, _, _) in zip(times[1:], apart, presses[1:], presses, strict=False)
        if not alone and key != before and not text
    ]
    assert scene.done == [
        number
        for number, time in enumerate(times, start=1)
        if all(apart[max(0, number - 2) : number]) and not any(0 <= time - burst < CALM for burst in bursts)
    ]


@given(st.lists(st.sampled_from("djx"), min_size=2), st.booleans(), st.sampled_from([0.0, 2.0]))
def test_of_a_burst_nothing_is_done_and_one_sentence_said(keys: list[str], text: bool, late: float) -> None:
    scene = Scene(late)
    for key in keys:
        scene.press(key, 1.0, text=text)
    scene.end()
    assert scene.done == []
    assert len(scene.refused) == 1


def test_after_a_burst_calm_is_waited_for_but_not_after_typing_or_a_held_key() -> None:
    for second, text, done in (("j", False, []), ("j", True, [3]), ("d", False, [3])):
        scene = Scene()
        scene.press("d", 1.0, text=text)
        scene.press(second, 1.0, text=text)
        scene.press("d", 1.25)
        scene.end()
        assert scene.done == done, (second, text)


def test_what_follows_a_paste_is_not_done_until_it_is_calm() -> None:
    scene = Scene()
    scene.paste(1.0)
    scene.press("d", 1.0)
    scene.paste(3.0)
    scene.press("d", 3.375)
    scene.press("d", 3.875)
    scene.paste(5.0, text=True)  # into a field: Enter after it is meant
    scene.press("enter", 5.25)
    scene.end()
    assert scene.done == [3, 4]
    assert len(scene.refused) == 2


def test_what_one_key_leads_to_is_judged_once() -> None:
    scene = Scene()
    scene.bursts.note("enter", 1.0)
    scene.bursts.act(lambda: scene.bursts.act(lambda: scene.done.append(1)))
    scene.end()
    assert scene.done == [1]


def test_without_quiet_and_without_any_key_all_is_done_at_once() -> None:
    scene = Scene(quiet=0)
    for _ in range(3):
        scene.press("d", 1.0)
    assert scene.done == [1, 2, 3]
    scene = Scene()
    scene.bursts.act(lambda: scene.done.append(1))
    assert scene.done == [1]
