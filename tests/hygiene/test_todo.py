"""A note that something is left to do names the issue where it will be done."""

from __future__ import annotations

import re

import pytest

from tests.hygiene.tree import texts

# Put together from parts, so that this file passes its own test.
WORDS = ("TO" + "DO", "FIX" + "ME", "X" * 3)
LOOSE = re.compile(rf"\b(?:{'|'.join(WORDS)})\b(?!\(#\d+\))")


def test_what_is_left_to_do_names_its_issue() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), start=1)
        if LOOSE.search(line)
    ]
    assert not found, f"write {WORDS[0]}(#12), with the issue's number:\n" + "\n".join(found)


@pytest.mark.parametrize("word", WORDS)
def test_loose_notes_are_seen(word: str) -> None:
    assert LOOSE.search(f"# {word}: later")
    assert not LOOSE.search(f"# {word}(#12): later")
